package io.vpasid.pci.emulation;

import org.jspecify.annotations.Nullable;

/// Rules for guest writes to one doubleword, beyond what the masks of its [ConfigPatch] say. Equal
/// to another that does the same, whichever function it was made for.
///
/// @param offset of the doubleword
/// @param resetting the bits that read 0 and reset the function when written as 1
/// @param ruled the bits that `rule` or `dependentRule` decides
/// @param rule what decides them from the doubleword alone, if anything does
/// @param dependentRule what decides them together with the doubleword at `other`, if anything does
/// @param other 0 without `dependentRule`
/// @param resetWhen what else resets the function, if anything does
record DwordRules(
    int offset,
    int resetting,
    int ruled,
    @Nullable WriteRule rule,
    @Nullable DependentRule dependentRule,
    int other,
    @Nullable ResetCondition resetWhen) {

  /// False if the masks say it all.
  boolean isAny() {
    return resetting != 0 || rule != null || dependentRule != null || resetWhen != null;
  }

  /// Lays them over a view that has the patch.
  void bindTo(GuestConfigSpace.Builder builder) {
    WriteRule rule = this.rule;
    DependentRule dependentRule = this.dependentRule;
    if (rule != null) {
      builder.rule(offset, (before, proposed) -> decide(rule.apply(before, proposed), proposed));
    } else if (dependentRule != null) {
      builder.rule(
          offset,
          other,
          (before, proposed, now) -> decide(dependentRule.apply(before, proposed, now), proposed));
    } else if (resetting != 0) {
      builder.rule(offset, (_, proposed) -> decide(proposed, proposed));
    }
    ResetCondition resetWhen = this.resetWhen;
    if (resetWhen != null) {
      builder.resetWhen(offset, resetWhen);
    } else if (resetting != 0) {
      builder.resetWhen(offset, (_, proposed) -> (proposed & resetting) != 0);
    }
  }

  private int decide(int byRule, int proposed) {
    return ((byRule & ruled) | (proposed & ~ruled)) & ~resetting;
  }
}
