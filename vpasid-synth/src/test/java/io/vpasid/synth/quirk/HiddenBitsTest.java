package io.vpasid.synth.quirk;

import static org.assertj.core.api.Assertions.assertThat;

import io.vpasid.pci.ByteRange;
import org.junit.jupiter.api.Test;

class HiddenBitsTest {
  private static final QuirkSource SOURCE =
      new QuirkSource(QuirkSource.BUILT_IN, "acme.json", "acme-rocket");

  private static HiddenBits bytes(int offset, int length) {
    return HiddenBits.allOf(
        new ByteRange(offset, length), Access.READ_WRITE, Evidence.DRIVER, "doorbell", SOURCE);
  }

  private static HiddenBits bits(int dword, int mask) {
    return HiddenBits.masked(dword, mask, Access.READ_ONLY, Evidence.DOCUMENTED, "fuses", SOURCE);
  }

  @Test
  void printsAsOneLine() {
    assertThat(bytes(0xff8, 4)).hasToString("0xff8-0xffb doorbell (rw), by acme-rocket (built in)");
    assertThat(bits(0x488, 0x02000000))
        .hasToString("0x48b-0x48b mask 0x02000000 fuses (ro), by acme-rocket (built in)");
  }

  @Test
  void aMaskOfWholeBytesIsThoseBytes() {
    assertThat(bits(0x40, 0x00ffff00).range()).isEqualTo(bytes(0x41, 2).range());
    assertThat(bits(0x40, 0x00ffff00).mask()).isEqualTo(bytes(0x41, 2).mask());
    assertThat(bits(0x40, 0x00ffff00).isWholeBytes()).isTrue();
    assertThat(bits(0x40, 0x00ff7f00).isWholeBytes()).isFalse();
  }

  @Test
  void containsWhatHasNoOtherBits() {
    assertThat(bytes(0x40, 16).contains(bits(0x48, 0x100))).isTrue();
    assertThat(bytes(0x40, 16).contains(bytes(0x4f, 1))).isTrue();
    assertThat(bytes(0x40, 16).contains(bytes(0x4f, 2))).isFalse();
    assertThat(bits(0x40, 0xf0).contains(bits(0x40, 0x10))).isTrue();
    assertThat(bits(0x40, 0xf0).contains(bits(0x40, 0x18))).isFalse();
    assertThat(bits(0x40, 0xf0).contains(bytes(0x40, 1))).isFalse();
  }

  @Test
  void overlapsWhereABitIsShared() {
    assertThat(bits(0x40, 0xf0).overlaps(bits(0x40, 0x0f))).isFalse();
    assertThat(bits(0x40, 0xf0).overlaps(bits(0x40, 0x1f))).isTrue();
    assertThat(bits(0x40, 0xf0).overlaps(bits(0x44, 0xf0))).isFalse();
    assertThat(bytes(0x40, 4).overlaps(bytes(0x43, 4))).isTrue();
    assertThat(bytes(0x40, 4).overlaps(bytes(0x44, 4))).isFalse();
  }
}
