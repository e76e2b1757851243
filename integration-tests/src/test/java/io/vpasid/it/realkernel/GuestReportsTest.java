package io.vpasid.it.realkernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.DynamicNode;
import org.junit.jupiter.api.Test;
import org.opentest4j.TestAbortedException;

class GuestReportsTest {
  private static final String CLASS = "[engine:junit-jupiter]/[class:SomeTest]";
  private static final String FIRST = CLASS + "/[method:first()]";
  private static final String SECOND = CLASS + "/[method:second()]";

  private final GuestReports reports = new GuestReports();

  @Test
  void testThatPassedInTheGuestPasses() {
    reports.accept(new GuestReport.Finished(FIRST, null));

    assertThatCode(() -> reports.await(FIRST)).doesNotThrowAnyException();
  }

  @Test
  void testThatFailedInTheGuestThrowsWhatItThrewThere() {
    IllegalStateException thrown = new IllegalStateException("EBUSY");

    reports.accept(new GuestReport.Finished(FIRST, thrown));

    assertThatThrownBy(() -> reports.await(FIRST)).isSameAs(thrown);
  }

  @Test
  void testThatTheGuestSkippedIsAbortedWithTheReason() {
    reports.accept(new GuestReport.Skipped(FIRST, "no hardware"));

    assertThatThrownBy(() -> reports.await(FIRST))
        .isInstanceOf(TestAbortedException.class)
        .hasMessage("no hardware");
  }

  @Test
  void testOfAFailedClassFailsAsTheClassDid() {
    AssertionError thrown = new AssertionError("before all");

    reports.accept(new GuestReport.Finished(CLASS, thrown));

    assertThatThrownBy(() -> reports.await(FIRST)).isSameAs(thrown);
  }

  @Test
  void testsWithoutResultFailAndTheFirstSaysWhyAndWhereTheGuestWas() {
    reports.accept(new GuestReport.Started(CLASS));
    reports.accept(new GuestReport.Started(FIRST));
    reports.end("The kernel panicked.");

    assertThatThrownBy(() -> reports.await(FIRST))
        .isInstanceOf(AssertionError.class)
        .hasMessageContaining(FIRST)
        .hasMessageContaining("The kernel panicked.");
    assertThatThrownBy(() -> reports.await(SECOND))
        .isInstanceOf(AssertionError.class)
        .hasMessageNotContaining("panicked");
  }

  @Test
  void testThatAWholeRunDoesNotMentionFails() {
    reports.accept(new GuestReport.Finished(CLASS, null));
    reports.accept(new GuestReport.Ended(null));

    assertThatThrownBy(() -> reports.await(FIRST)).isInstanceOf(AssertionError.class);
  }

  @Test
  void failureThatNoTestHadFailsTheEnd() {
    reports.accept(new GuestReport.Finished(FIRST, null));
    reports.accept(new GuestReport.Finished(CLASS, new IllegalStateException("after all")));
    reports.accept(new GuestReport.Ended(null));

    assertThatThrownBy(reports::awaitEnd)
        .isInstanceOf(AssertionError.class)
        .hasMessageContaining("after all");
  }

  @Test
  void failureThatATestHadDoesNotFailTheEndAgain() {
    reports.accept(new GuestReport.Finished(FIRST, new IllegalStateException("EBUSY")));
    reports.accept(new GuestReport.Ended(null));

    assertThatThrownBy(() -> reports.await(FIRST)).isInstanceOf(IllegalStateException.class);
    assertThatCode(reports::awaitEnd).doesNotThrowAnyException();
  }

  @Test
  void guestThatDiesAfterItsTestsFailsTheEnd() {
    reports.accept(new GuestReport.Finished(FIRST, null));
    reports.end("The kernel panicked.");

    assertThatThrownBy(reports::awaitEnd)
        .isInstanceOf(AssertionError.class)
        .hasMessageContaining("The kernel panicked.");
  }

  @Test
  void dynamicTestsHaveTheirNamesInTheirOrder() {
    reports.accept(new GuestReport.Found(FIRST + "/[dynamic-container:#1]", FIRST, "S1", false));
    reports.accept(
        new GuestReport.Found(
            FIRST + "/[dynamic-container:#1]/[dynamic-test:#1]",
            FIRST + "/[dynamic-container:#1]",
            "inner",
            true));
    reports.accept(new GuestReport.Found(FIRST + "/[dynamic-test:#2]", FIRST, "S2", true));

    assertThat(reports.children(FIRST))
        .extracting(DynamicNode::getDisplayName)
        .containsExactly("S1", "S2");
  }
}
