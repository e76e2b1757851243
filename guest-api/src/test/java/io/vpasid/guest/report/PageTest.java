package io.vpasid.guest.report;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import org.junit.jupiter.api.Test;

class PageTest {
  private static String printed(int columns, String lead, String text) {
    StringWriter out = new StringWriter();
    new Page(new PrintWriter(out), columns).item(lead, text);
    return out.toString();
  }

  @Test
  void linesEndBetweenWordsAndGoOnBelowTheText() {
    assertThat(printed(40, "  lead  ", "one two three four five six seven eight nine"))
        .isEqualToNormalizingNewlines(
            """
              lead  one two three four five six
                    seven eight nine
            """);
  }

  @Test
  void aNameStandsBelowItsRowWhereThereIsNoRoomBeside() {
    StringWriter out = new StringWriter();
    new Page(new PrintWriter(out), 60).row("a row of 24 characters  ", "a long name of a device");
    new Page(new PrintWriter(out), 80).row("a row of 24 characters  ", "a long name of a device");

    assertThat(out.toString())
        .isEqualToNormalizingNewlines(
            """
            a row of 24 characters
                          a long name of a device
            a row of 24 characters  a long name of a device
            """);
  }

  @Test
  void aWordThatIsTooLongStaysWhole() {
    assertThat(printed(40, "  ", "a " + "x".repeat(60) + " b").lines())
        .containsExactly("  a", "  " + "x".repeat(60), "  b");
  }

  @Test
  void withoutATerminalNothingEnds() {
    assertThat(printed(Page.ENDLESS, "", "word ".repeat(99)).lines()).hasSize(1);
  }
}
