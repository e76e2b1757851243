package io.vpasid.pci;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ConfigSpaceTest {
  private final byte[] bytes = new byte[256];

  ConfigSpaceTest() {
    for (int at = 0; at < bytes.length; at++) {
      bytes[at] = (byte) at;
    }
  }

  private static byte[] filled(int size, int value) {
    byte[] filled = new byte[size];
    Arrays.fill(filled, (byte) value);
    return filled;
  }

  @Test
  void registersAreLittleEndianAndUnsigned() {
    ConfigSpace config = ConfigSpace.of(bytes);

    assertThat(config.u8(0xfe)).isEqualTo(0xfe);
    assertThat(config.u16(0xfd)).isEqualTo(0xfefd);
    assertThat(config.u32(0x81)).isEqualTo(0x84838281);
    assertThat(config.u64(0x01)).isEqualTo(0x0807060504030201L);
    assertThatExceptionOfType(IndexOutOfBoundsException.class).isThrownBy(() -> config.u32(0xfd));
  }

  @Test
  void headerTellsTheFunction() {
    bytes[0x0e] = (byte) 0x81;
    ConfigSpace config = ConfigSpace.of(bytes);

    assertThat(config.id()).isEqualTo(new PciId(0x0100, 0x0302));
    assertThat(config.subsystem()).isEqualTo(new PciId(0x2d2c, 0x2f2e));
    assertThat(config.classCode()).isEqualTo(0x0b0a09);
    assertThat(config.revision()).isEqualTo(0x08);
    assertThat(config.headerLayout()).isEqualTo(1);
    assertThat(config).hasToString("0100:0302, 256 bytes");
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 64, 255, 257, 4095})
  void otherSizesAreNoSpace(int size) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> ConfigSpace.of(new byte[size]))
        .withMessage("A configuration space has 256 or 4096 bytes, not " + size);
  }

  @Test
  void bytesNeverChange() {
    ConfigSpace config = ConfigSpace.of(bytes);
    bytes[0] = 0x55;
    config.toByteArray()[1] = 0x55;

    assertThat(config.u16(0)).isEqualTo(0x0100);
    assertThat(config.toByteArray()).hasSize(256).startsWith(0, 1, 2);
    assertThat(config).isNotEqualTo(ConfigSpace.of(bytes));
    assertThat(ConfigSpace.of(bytes))
        .isEqualTo(ConfigSpace.of(bytes))
        .hasSameHashCodeAs(ConfigSpace.of(bytes))
        .doesNotHaveSameHashCodeAs(config);
  }

  @Test
  void spaceIsSilentIfItsWholeHeaderIsOnes() {
    byte[] gone = filled(4096, 0xff);
    gone[0x40] = 0;
    assertThat(ConfigSpace.of(gone).isSilent()).isTrue();
    assertThat(ConfigSpace.of(gone).isExtended()).isTrue();

    gone[0x3f] = 0;
    assertThat(ConfigSpace.of(gone).isSilent()).isFalse();
  }

  @Test
  void rangeIsZeroIfAllItsBytesAre() {
    byte[] one = new byte[256];
    one[0x48] = 1;
    ConfigSpace config = ConfigSpace.of(one);

    assertThat(config.isZero(ByteRange.between(0x40, 0x48))).isTrue();
    assertThat(config.isZero(ByteRange.between(0x40, 0x49))).isFalse();
    assertThat(config.isZero(ByteRange.between(0x49, 0x100))).isTrue();
    assertThat(config.isExtended()).isFalse();
  }

  @Test
  void cardBusBridgeHasItsPointerElsewhere() {
    assertThat(Header.capabilitiesPointer(0)).isEqualTo(0x34);
    assertThat(Header.capabilitiesPointer(1)).isEqualTo(0x34);
    assertThat(Header.capabilitiesPointer(2)).isEqualTo(0x14);
  }

  @Test
  void partOfASpaceKnowsWhatIsMissing() {
    BitSet missing = new BitSet();
    missing.set(0x08, 0x10);
    missing.set(0xfc, 0x200);
    PartialSpace space = new PartialSpace(filled(256, 0x77), missing);

    assertThat(space).hasToString("244 of 256 bytes");
    assertThat(space.missing())
        .containsExactly(ByteRange.between(0x08, 0x10), ByteRange.between(0xfc, 0x100));
    assertThat(space.has(ByteRange.between(0x00, 0x08))).isTrue();
    assertThat(space.has(ByteRange.between(0x00, 0x09))).isFalse();
    assertThat(space.has(ByteRange.between(0x10, 0xfc))).isTrue();
    assertThat(space.has(ByteRange.between(0x10, 0xfd))).isFalse();
    assertThat(space.withZeros().u32(0x06)).isEqualTo(0x00007777);
    assertThat(space.withOnes().u32(0x06)).isEqualTo(0xffff7777);
    assertThat(space.withOnes().u32(0xfb)).isEqualTo(0xffffff77);
  }

  @Test
  void nothingOutsideAPartialSpaceIsKnown() {
    PartialSpace space = new PartialSpace(new byte[256], new BitSet());

    assertThat(space.has(ByteRange.between(0xfc, 0x100))).isTrue();
    assertThat(space.has(ByteRange.between(0xfc, 0x101))).isFalse();
    assertThat(space.missing()).isEmpty();
    assertThat(space.size()).isEqualTo(256);
  }

  @Test
  void partialSpacesAreEqualByWhatIsKnown() {
    BitSet first = BitSet.valueOf(new byte[] {1});
    BitSet second = BitSet.valueOf(new byte[] {2});
    byte[] other = new byte[256];
    other[0] = 5;

    assertThat(new PartialSpace(other, first))
        .isEqualTo(new PartialSpace(new byte[256], first))
        .isNotEqualTo(new PartialSpace(new byte[256], second))
        .isNotEqualTo(new PartialSpace(other, new BitSet()));
    assertThat(List.of(new PartialSpace(other, second).hashCode()))
        .doesNotContain(new PartialSpace(new byte[256], second).hashCode());
  }
}
