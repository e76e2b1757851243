package io.vpasid.pci.emulation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/// Rules, conditions of a reset, and observers.
class WriteRulesTest {
  private final RecordingDevice device = new RecordingDevice();

  @Test
  void ruleDecidesAndObserverHears() {
    List<String> heard = new ArrayList<>();
    GuestConfigSpace view =
        GuestConfigSpace.over(device)
            .patch(List.of(ConfigPatch.register(0x200, 0, 0xff)))
            .rule(0x200, (before, proposed) -> proposed & 0x0f)
            .observe(
                0x200,
                (before, proposed, after) -> heard.add(before + ">" + proposed + ">" + after))
            .build();

    view.write(0x200, 1, 0x35);

    assertThat(view.read(0x200, 4)).isEqualTo(0x05);
    assertThat(heard).containsExactly("0>53>5");
  }

  /// Bits that the guest cannot write may follow those that it writes.
  @Test
  void ruleDecidesTheBytesThatAreWrittenAndTheBitsThatNobodyWrites() {
    GuestConfigSpace view =
        GuestConfigSpace.over(device)
            .patch(List.of(ConfigPatch.register(0x200, 0, 0x0000ffff)))
            .rule(0x200, (before, proposed) -> proposed | 0x01010100)
            .build();

    view.write(0x200, 1, 0x55);

    assertThat(view.read(0x200, 4)).isEqualTo(0x01010055);
  }

  @Test
  void dependentRuleSeesTheOtherDwordAsItIs() {
    GuestConfigSpace view =
        GuestConfigSpace.over(device)
            .patch(
                List.of(
                    ConfigPatch.register(0x200, 0, 0xff), ConfigPatch.register(0x300, 0x0f, 0xff)))
            .rule(0x200, 0x300, (before, proposed, other) -> proposed & other)
            .build();

    view.write(0x200, 1, 0x55);
    int masked = view.read(0x200, 1);
    view.write(0x300, 1, 0xf0);
    view.write(0x200, 1, 0x55);

    assertThat(masked).isEqualTo(0x05);
    assertThat(view.read(0x200, 1)).isEqualTo(0x50);
  }

  @Test
  void laterPatchTakesRuleAndResetAway() {
    GuestConfigSpace view =
        GuestConfigSpace.over(device)
            .patch(List.of(ConfigPatch.register(0x200, 0, 0xff)))
            .rule(0x200, (before, proposed) -> 0)
            .resetWhen(0x200, (before, proposed) -> true)
            .patch(List.of(ConfigPatch.register(0x200, 0, 0xff)))
            .rule(0x200, (before, proposed) -> proposed & 0x0f)
            .build();

    view.write(0x200, 1, 0x35);

    assertThat(view.read(0x200, 4)).isEqualTo(0x05);
  }

  @Test
  void ruleKeepsTheBitsThatALaterPatchLeaves() {
    GuestConfigSpace view =
        GuestConfigSpace.over(device)
            .patch(List.of(ConfigPatch.register(0x200, 0, 0xffff)))
            .rule(0x200, (before, proposed) -> proposed | 0x8080)
            .patch(List.of(new ConfigPatch(0x200, 0xff, 0, 0xff, 0)))
            .build();

    view.write(0x200, 2, 0x0101);

    assertThat(view.read(0x200, 4)).isEqualTo(0x8101);
  }

  @Test
  void secondRuleForTheSameBitsIsRefused() {
    GuestConfigSpace.Builder builder =
        GuestConfigSpace.over(device)
            .patch(List.of(ConfigPatch.register(0x200, 0, 0xff)))
            .rule(0x200, (before, proposed) -> proposed)
            .resetWhen(0x200, (before, proposed) -> false);

    assertThatThrownBy(() -> builder.rule(0x200, 0x204, (before, proposed, other) -> other))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> builder.resetWhen(0x200, (before, proposed) -> true))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void secondObserverOfADwordIsRefused() {
    GuestConfigSpace.Builder builder =
        GuestConfigSpace.over(device).observe(0x40, (before, proposed, after) -> {});

    assertThatIllegalArgumentException()
        .isThrownBy(() -> builder.observe(0x40, (before, proposed, after) -> {}))
        .withMessage("The dword at 64 is already observed");
  }

  @Test
  void writeThatMeetsTheConditionIsHeardAndThenResets() {
    List<String> heard = new ArrayList<>();
    GuestConfigSpace view =
        GuestConfigSpace.over(device)
            .patch(
                List.of(ConfigPatch.register(0x200, 0, 0xff), ConfigPatch.register(0x300, 0, 0xff)))
            .resetWhen(0x200, (before, proposed) -> (proposed & 0x80) != 0)
            .observe(0x200, (before, proposed, after) -> heard.add("written " + after))
            .onReset(() -> heard.add("reset"))
            .build();
    view.write(0x300, 1, 0x77);

    view.write(0x200, 1, 0x01);
    view.write(0x200, 1, 0x81);

    assertThat(heard).containsExactly("written 1", "written 129", "reset");
    assertThat(view.read(0x200, 1)).isZero();
    assertThat(view.read(0x300, 1)).isZero();
  }
}
