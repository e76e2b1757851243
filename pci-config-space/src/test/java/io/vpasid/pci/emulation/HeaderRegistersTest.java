package io.vpasid.pci.emulation;

import static io.vpasid.pci.emulation.RegisterReads.afterAllOnes;
import static io.vpasid.pci.emulation.RegisterReads.assertHex;

import org.junit.jupiter.api.Test;

/// Registers of the header against the specification's tables, which are written out here as masks
/// once more.
class HeaderRegistersTest {

  @Test
  void endpointsCommandHasTheBitsOfWhatItDecodes() {
    GuestConfigSpace nothing = Capture.endpoint().emulated();
    GuestConfigSpace memory = Capture.endpoint().u8(0x3d, 1).emulated(Bar.memory32(0, 4096));
    GuestConfigSpace io = Capture.endpoint().emulated(Bar.io(0, 256));

    assertHex(memory.read(0x04, 2)).isZero();
    assertHex(afterAllOnes(nothing, 0x04, 2)).isEqualTo(0x0144);
    assertHex(afterAllOnes(memory, 0x04, 2)).isEqualTo(0x0546);
    assertHex(afterAllOnes(io, 0x04, 2)).isEqualTo(0x0145);
  }

  @Test
  void conventionalFunctionsCommandAndLatencyTimerHaveMoreBits() {
    GuestConfigSpace vga =
        Capture.conventional().u32(0x08, 0x03000000).u8(0x3d, 1).emulated(Bar.io(0, 256));

    assertHex(afterAllOnes(vga, 0x04, 2)).isEqualTo(0x0775);
    assertHex(afterAllOnes(Capture.conventional().emulated(), 0x04, 2)).isEqualTo(0x0354);
    assertHex(afterAllOnes(vga, 0x0d, 1)).isEqualTo(0xff);
    assertHex(afterAllOnes(Capture.endpoint().emulated(), 0x0d, 1)).isZero();
  }

  @Test
  void statusHasNoErrorsAndKeepsWhatTheDeviceIs() {
    GuestConfigSpace function = Capture.endpoint().u16(0x06, 0xf918).emulated();

    assertHex(function.read(0x06, 2)).isEqualTo(0x0010);
    assertHex(afterAllOnes(function, 0x06, 2)).isEqualTo(0x0010);
  }

  @Test
  void interruptAndCacheLineAreScratch() {
    GuestConfigSpace function =
        Capture.endpoint().u8(0x0c, 0x10).u8(0x3c, 0x0b).u8(0x3d, 2).emulated();

    assertHex(function.read(0x3c, 2)).isEqualTo(0x0200);
    assertHex(afterAllOnes(function, 0x3c, 4)).isEqualTo(0x02ff);
    assertHex(afterAllOnes(function, 0x0c, 1)).isEqualTo(0xff);
  }

  @Test
  void identityIsReadOnly() {
    GuestConfigSpace function = Capture.endpoint().u32(0x2c, 0x00011af4).u32(0x28, 0x55).emulated();

    assertHex(afterAllOnes(function, 0x00, 4)).isEqualTo(0x12341af4);
    assertHex(afterAllOnes(function, 0x08, 4)).isEqualTo(0x02000001);
    assertHex(afterAllOnes(function, 0x0e, 2)).isZero();
    assertHex(afterAllOnes(function, 0x28, 4)).isEqualTo(0x55);
    assertHex(afterAllOnes(function, 0x2c, 4)).isEqualTo(0x00011af4);
    assertHex(afterAllOnes(function, 0x34, 4)).isEqualTo(0x40);
  }

  @Test
  void bridgeHasWindowsOfTheKindThatWasCaptured() {
    GuestConfigSpace bridge =
        Capture.express(4)
            .u8(0x0e, 1)
            .u32(0x18, 0x00020201)
            .u16(0x1c, 0x1111)
            .u32(0x24, 0x10011001)
            .emulated();

    assertHex(bridge.read(0x18, 4)).isZero();
    assertHex(afterAllOnes(bridge, 0x18, 4)).isEqualTo(0x00ffffff);
    assertHex(afterAllOnes(bridge, 0x1c, 4)).isEqualTo(0x0000f1f1);
    assertHex(afterAllOnes(bridge, 0x20, 4)).isEqualTo(0xfff0fff0);
    assertHex(afterAllOnes(bridge, 0x24, 4)).isEqualTo(0xfff1fff1);
    assertHex(afterAllOnes(bridge, 0x28, 4)).isEqualTo(-1);
    assertHex(afterAllOnes(bridge, 0x2c, 4)).isEqualTo(-1);
    assertHex(afterAllOnes(bridge, 0x30, 4)).isEqualTo(-1);
    assertHex(afterAllOnes(bridge, 0x3e, 2)).isEqualTo(0x005f);
    assertHex(afterAllOnes(bridge, 0x04, 2)).isEqualTo(0x0547);
  }

  @Test
  void bridgeWithoutPrefetchableAndIoWindowsHasNone() {
    GuestConfigSpace bridge = Capture.express(4).u8(0x0e, 1).emulated();

    assertHex(afterAllOnes(bridge, 0x1c, 2)).isZero();
    assertHex(afterAllOnes(bridge, 0x24, 4)).isZero();
    assertHex(afterAllOnes(bridge, 0x28, 4)).isZero();
    assertHex(afterAllOnes(bridge, 0x30, 4)).isZero();
  }
}
