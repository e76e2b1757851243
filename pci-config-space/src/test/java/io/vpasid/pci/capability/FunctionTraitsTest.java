package io.vpasid.pci.capability;

import static org.assertj.core.api.Assertions.assertThat;

import io.vpasid.pci.ConfigSpace;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class FunctionTraitsTest {

  @Test
  void readsThemFromThePciExpressCapability() {
    byte[] bytes = listStartingAt(0x40);
    capability(bytes, 0x40, 0x01, 0x70);
    capability(bytes, 0x70, 0x10, 0x00);
    bytes[0x72] = 0x42; // root port, version 2
    bytes[0x7c] = 0x04; // Link Capabilities: x16, 32 GT/s
    bytes[0x7d] = 0x01;
    bytes[0x96] = 0x20; // Device Capabilities 2: End-End TLP Prefix Supported

    assertThat(FunctionTraits.of(ConfigSpace.of(bytes))).isEqualTo(new FunctionTraits(4, 16, true));
  }

  @Test
  void hasNoPrefixesInVersion1BecauseTheRegisterIsNotThere() {
    byte[] bytes = listStartingAt(0x40);
    capability(bytes, 0x40, 0x10, 0x00);
    bytes[0x42] = 0x01; // endpoint, version 1
    bytes[0x4c] = 0x11; // x1
    bytes[0x66] = 0x20;

    assertThat(FunctionTraits.of(ConfigSpace.of(bytes))).isEqualTo(new FunctionTraits(0, 1, false));
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 3, 5, 31, 33, 63})
  void takesNoWidthThatDoesNotExist(int field) {
    byte[] bytes = listStartingAt(0x40);
    capability(bytes, 0x40, 0x10, 0x00);
    bytes[0x4c] = (byte) (field << 4);
    bytes[0x4d] = (byte) (field >>> 4);

    assertThat(FunctionTraits.of(ConfigSpace.of(bytes)).maxLinkWidth()).isZero();
  }

  @Test
  void findsTheListOfACardBusBridgeElsewhere() {
    byte[] bytes = listStartingAt(0);
    bytes[0x0e] = 2;
    bytes[0x14] = 0x50;
    capability(bytes, 0x50, 0x10, 0x00);
    bytes[0x52] = (byte) 0x91;

    assertThat(FunctionTraits.of(ConfigSpace.of(bytes)).portType()).isEqualTo(9);
  }

  @Test
  void readsNothingBehindTheStandardSpace() {
    byte[] bytes = listStartingAt(0xf8);
    capability(bytes, 0xf8, 0x10, 0x00);
    bytes[0xfa] = 0x02;
    bytes[0x104] = 0x11;
    bytes[0x11e] = 0x20;

    assertThat(FunctionTraits.of(ConfigSpace.of(bytes))).isEqualTo(new FunctionTraits(0, 0, false));
  }

  @Test
  void readsRegistersThatEndWithTheStandardSpace() {
    byte[] second = listStartingAt(0xd8);
    capability(second, 0xd8, 0x10, 0x00);
    second[0xda] = 0x02;
    second[0xfe] = 0x20;
    byte[] first = listStartingAt(0xf0);
    capability(first, 0xf0, 0x10, 0x00);
    first[0xf2] = 0x02;
    first[0xfc] = 0x11;

    assertThat(FunctionTraits.of(ConfigSpace.of(second)).endEndPrefixes()).isTrue();
    assertThat(FunctionTraits.of(ConfigSpace.of(first))).isEqualTo(new FunctionTraits(0, 1, false));
  }

  @Test
  void readsNoSecondSetThatReachesBehindTheStandardSpace() {
    byte[] bytes = listStartingAt(0xdc);
    capability(bytes, 0xdc, 0x10, 0x00);
    bytes[0xde] = 0x02;
    bytes[0x102] = 0x20;

    assertThat(FunctionTraits.of(ConfigSpace.of(bytes)).endEndPrefixes()).isFalse();
  }

  @Test
  void otherBitsOfDeviceCapabilities2AreNoPrefixes() {
    byte[] bytes = listStartingAt(0x40);
    capability(bytes, 0x40, 0x10, 0x00);
    bytes[0x42] = 0x02;
    bytes[0x66] = (byte) 0xdf;

    assertThat(FunctionTraits.of(ConfigSpace.of(bytes)).endEndPrefixes()).isFalse();
    bytes[0x66] = 0;
    assertThat(FunctionTraits.of(ConfigSpace.of(bytes)).endEndPrefixes()).isFalse();
    bytes[0x66] = (byte) 0xff;
    assertThat(FunctionTraits.of(ConfigSpace.of(bytes)).endEndPrefixes()).isTrue();
  }

  @Test
  void hasNoneWithoutAList() {
    byte[] bytes = listStartingAt(0x40);
    capability(bytes, 0x40, 0x10, 0x00);
    bytes[0x06] = 0;

    assertThat(FunctionTraits.of(ConfigSpace.of(bytes))).isEqualTo(FunctionTraits.NONE);
  }

  @Test
  void hasNoneIfTheListLoops() {
    byte[] bytes = listStartingAt(0x40);
    capability(bytes, 0x40, 0x01, 0x50);
    capability(bytes, 0x50, 0x05, 0x40);

    assertThat(FunctionTraits.of(ConfigSpace.of(bytes))).isEqualTo(FunctionTraits.NONE);
  }

  @Test
  void hasNoneIfAllReadsFailed() {
    byte[] bytes = new byte[256];
    Arrays.fill(bytes, (byte) 0xff);

    assertThat(FunctionTraits.of(ConfigSpace.of(bytes))).isEqualTo(FunctionTraits.NONE);
  }

  private static byte[] listStartingAt(int pointer) {
    byte[] bytes = new byte[4096];
    bytes[0x06] = 0x10;
    bytes[0x34] = (byte) pointer;
    return bytes;
  }

  private static void capability(byte[] bytes, int offset, int id, int next) {
    bytes[offset] = (byte) id;
    bytes[offset + 1] = (byte) next;
  }
}
