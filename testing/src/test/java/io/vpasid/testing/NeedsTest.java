package io.vpasid.testing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.mockito.Mockito.mock;
import static org.mockito.Mockito.when;

import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ConditionEvaluationResult;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.opentest4j.TestAbortedException;

class NeedsTest {
  /// One of the two is not met, whoever runs the tests.
  @Needs({Need.ROOT, Need.ORDINARY_USER})
  private static final class Impossible {}

  @Needs({})
  private static final class Modest {}

  private static ConditionEvaluationResult result(Class<?> testClass) {
    ExtensionContext context = mock(ExtensionContext.class);
    when(context.getElement()).thenReturn(Optional.of(testClass));
    return new Needs.Condition().evaluateExecutionCondition(context);
  }

  @Test
  void testRunsOnlyWhereAllItNeedsIsMet() {
    assertThat(result(Modest.class).isDisabled()).isFalse();
    assertThat(result(Impossible.class).isDisabled()).isTrue();
    assertThat(result(Impossible.class).getReason())
        .hasValue((Need.ROOT.isMet() ? Need.ORDINARY_USER : Need.ROOT).toString());
  }

  @Test
  void missingNeedIsTheReason() {
    Need missing = Need.ROOT.isMet() ? Need.ORDINARY_USER : Need.ROOT;

    assertThatThrownBy(missing::require)
        .isInstanceOf(TestAbortedException.class)
        .hasMessage(missing.toString())
        .hasMessageStartingWith("needs ");
  }

  @Test
  void toolIsInstalledWhereItIsOnThePath() {
    assertThat(InstalledTool.isInstalled("sh")).isTrue();
    assertThat(InstalledTool.isInstalled("no-such-program")).isFalse();
  }
}
