package io.vpasid.pci.emulation;

import static org.assertj.core.api.Assertions.assertThat;

import io.vpasid.pci.ConfigSpace;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/// A dword that shows what the capture below has, and does no more, takes no memory of its own: it
/// behaves as others do all the same.
class GuestViewOfACaptureTest {

  /// A dword that shows what the device below has, and does no more, takes no memory of its own.
  @Test
  void aReadOnlyDwordOfACaptureIsSetAndResetLikeOthers() {
    ConfigSpace captured = ConfigSpace.of(new byte[256]);
    GuestConfigSpace view =
        GuestConfigSpace.over(DeviceConfig.readOnly(captured))
            .patch(List.of(ConfigPatch.readOnly(0x40, 0), ConfigPatch.readOnly(0x44, 0x11223344)))
            .build();

    view.write(0x40, 4, -1);
    assertThat(view.read(0x40, 4)).isZero();

    view.set(0x40, 0xffff0000, 0xaabbccdd);
    view.set(0x44, 0x000000ff, 0x55);
    assertThat(view.read(0x40, 4)).isEqualTo(0xaabb0000);
    assertThat(view.read(0x42, 4)).isEqualTo(0x3355aabb);
    assertThat(view.read(0x43, 2)).isEqualTo(0x55aa);

    view.reset();
    assertThat(view.read(0x40, 4)).isZero();
    assertThat(view.read(0x44, 4)).isEqualTo(0x11223344);
  }

  @Test
  void readOnlyDwordThatShowsTheCaptureIsResetToIt() {
    byte[] bytes = new byte[256];
    bytes[0x80] = 0x12;
    GuestConfigSpace view =
        GuestConfigSpace.over(DeviceConfig.readOnly(ConfigSpace.of(bytes)))
            .patch(List.of(ConfigPatch.readOnly(0x80, 0x12)))
            .build();
    view.set(0x80, -1, 0x34);
    assertThat(view.toConfigSpace().u32(0x80)).isEqualTo(0x34);

    view.reset();

    assertThat(view.toConfigSpace()).isEqualTo(ConfigSpace.of(bytes));
  }

  @Test
  void dwordOfACaptureThatIsOursInPartShowsTheCaptureInTheRest() {
    byte[] bytes = new byte[256];
    Arrays.fill(bytes, (byte) 0xee);
    GuestConfigSpace view =
        GuestConfigSpace.over(DeviceConfig.readOnly(ConfigSpace.of(bytes)))
            .patch(List.of(new ConfigPatch(0x80, 0x00ffff00, 0x00112200, 0x0000ff00, 0)))
            .build();
    view.write(0x80, 4, 0);
    assertThat(view.read(0x80, 4)).isEqualTo(0xee1100ee);

    view.reset();

    assertThat(view.read(0x80, 4)).isEqualTo(0xee1122ee);
  }

  @Test
  void ruleDecidesOnlyOurBitsOfACapture() {
    byte[] bytes = new byte[256];
    Arrays.fill(bytes, (byte) 0xee);
    GuestConfigSpace view =
        GuestConfigSpace.over(DeviceConfig.readOnly(ConfigSpace.of(bytes)))
            .patch(List.of(new ConfigPatch(0x80, 0x000000ff, 0, 0xff, 0)))
            .rule(0x80, (before, proposed) -> -1)
            .build();

    view.write(0x80, 4, 0);

    assertThat(view.read(0x80, 4)).isEqualTo(0xeeeeeeff);
  }

  @Test
  void dependentRuleSeesTheFirstDwordAndThoseThatOnlyShowACapture() {
    byte[] bytes = new byte[256];
    bytes[0x44] = 0x0f;
    GuestConfigSpace view =
        GuestConfigSpace.over(DeviceConfig.readOnly(ConfigSpace.of(bytes)))
            .patch(
                List.of(
                    ConfigPatch.register(0, 0x33, 0xff),
                    ConfigPatch.readOnly(0x44, 0x0f),
                    ConfigPatch.register(0x50, 0, 0xff),
                    ConfigPatch.register(0x54, 0, 0xff)))
            .rule(0x50, 0, (before, proposed, other) -> proposed & other)
            .rule(0x54, 0x44, (before, proposed, other) -> proposed & other)
            .build();

    view.write(0x50, 1, 0xff);
    view.write(0x54, 1, 0x55);
    assertThat(view.read(0x50, 1)).isEqualTo(0x33);
    assertThat(view.read(0x54, 1)).isEqualTo(0x05);

    view.set(0, 0xff, 0x01);
    view.write(0x50, 1, 0xff);
    assertThat(view.read(0x50, 1)).isEqualTo(0x01);
  }

  @Test
  void dwordsOfACaptureThatDoMoreThanShowItKeepWhatTheyDo() {
    List<String> heard = new ArrayList<>();
    ConfigSpace zeros = ConfigSpace.of(new byte[256]);
    GuestConfigSpace view =
        GuestConfigSpace.over(DeviceConfig.readOnly(zeros))
            .patch(
                List.of(
                    ConfigPatch.register(0x40, 0, 0xff),
                    ConfigPatch.readOnly(0x44, 0),
                    ConfigPatch.readOnly(0x48, 0),
                    ConfigPatch.readOnly(0x4c, 0),
                    ConfigPatch.readOnly(0x50, 0)))
            .rule(0x44, (before, proposed) -> 0x77)
            .observe(0x48, (before, proposed, after) -> heard.add("written"))
            .resetWhen(0x4c, (before, proposed) -> true)
            .onReset(() -> heard.add("reset"))
            .build();

    view.write(0x40, 4, 0x1ff);
    view.write(0x48, 4, -1);
    assertThat(view.read(0x40, 4)).isEqualTo(0xff);
    assertThat(heard).containsExactly("written");
    view.write(0x4c, 4, 0);
    view.write(0x50, 4, -1);

    assertThat(heard).containsExactly("written", "reset");
    assertThat(view.toConfigSpace()).isEqualTo(zeros);
  }
}
