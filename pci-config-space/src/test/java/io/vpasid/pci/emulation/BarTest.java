package io.vpasid.pci.emulation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.vpasid.pci.ConfigSpace;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class BarTest {
  private static final int COMMAND = 0x04;
  private static final int BAR0 = 0x10;
  private static final int ROM = 0x30;

  /// What an operating system finds out about a BAR.
  private record Sized(long size, int typeBits) {}

  /// Sizes a BAR the way Linux does: the command register's decoding off, all ones, read back.
  private static Sized size(GuestConfigSpace function, int at) {
    int command = function.read(COMMAND, 2);
    function.write(COMMAND, 2, command & ~3);
    int low = function.read(at, 4);
    function.write(at, 4, -1);
    int lowSize = function.read(at, 4);
    function.write(at, 4, low);
    boolean isIo = (lowSize & 1) != 0;
    boolean is64 = !isIo && (lowSize & 6) == 4;
    int high = function.read(at + 4, 4);
    int highSize = 0;
    if (is64) {
      function.write(at + 4, 4, -1);
      highSize = function.read(at + 4, 4);
      function.write(at + 4, 4, high);
    }
    function.write(COMMAND, 2, command);
    int typeMask = isIo ? 3 : 0xf;
    long mask = Integer.toUnsignedLong(lowSize & ~typeMask) | (long) highSize << 32;
    return new Sized(Long.lowestOneBit(mask), lowSize & typeMask);
  }

  @ParameterizedTest
  @ValueSource(longs = {16, 4096, 1 << 20, 1L << 31})
  void memoryOf32BitsIsSizedAsGiven(long size) {
    GuestConfigSpace function = Capture.endpoint().emulated(Bar.memory32(0, size));

    assertThat(size(function, BAR0)).isEqualTo(new Sized(size, 0x0));
    assertThat(function.read(BAR0, 4)).isZero();
  }

  @ParameterizedTest
  @ValueSource(longs = {16, 1 << 14, 1L << 31, 1L << 32, 1L << 33, 1L << 40, 1L << 62})
  void memoryOf64BitsIsSizedAsGiven(long size) {
    GuestConfigSpace function = Capture.endpoint().emulated(Bar.memory64(4, size).asPrefetchable());

    assertThat(size(function, 0x20)).isEqualTo(new Sized(size, 0xc));
  }

  @ParameterizedTest
  @ValueSource(longs = {4, 256, 65536})
  void ioIsSizedAsGiven(long size) {
    GuestConfigSpace function = Capture.conventional().emulated(Bar.io(5, size));

    assertThat(size(function, 0x24)).isEqualTo(new Sized(size, 0x1));
  }

  @Test
  void romIsSizedAndEnabled() {
    GuestConfigSpace function = Capture.endpoint().emulated(Bar.rom(0x20000));

    function.write(ROM, 4, 0xfffff800);
    assertThat(function.read(ROM, 4)).isEqualTo(0xfffe0000);

    function.write(ROM, 4, 0xfe000001);
    assertThat(function.read(ROM, 4)).isEqualTo(0xfe000001);
  }

  @Test
  void addressIsKept() {
    GuestConfigSpace function = Capture.endpoint().emulated(Bar.memory64(2, 1L << 34));

    function.write(0x18, 4, 0x0000000c);
    function.write(0x1c, 4, 0x00000124);

    assertThat(function.read(0x18, 4)).isEqualTo(0x00000004);
    assertThat(function.read(0x1c, 4)).isEqualTo(0x00000124);
  }

  @Test
  void registerWithoutBarReadsZero() {
    GuestConfigSpace function =
        Capture.endpoint().u32(0x14, 0xfe00000c).u32(ROM, 0xfd000001).emulated();

    function.write(0x14, 4, -1);
    function.write(ROM, 4, -1);

    assertThat(function.read(0x14, 4)).isZero();
    assertThat(function.read(ROM, 4)).isZero();
  }

  @ParameterizedTest
  @CsvSource({
    "0xfebf0000, MEMORY_32, false", "0xfebf0008, MEMORY_32, true",
    "0xfebf0004, MEMORY_64, false", "0xfebf000c, MEMORY_64, true",
    "0x0000e001, IO, false", "0x00000000, MEMORY_32, false",
  })
  void captureTellsTheType(String captured, Bar.Type type, boolean prefetchable) {
    ConfigSpace config = Capture.endpoint().u32(0x18, Long.decode(captured).intValue()).config();

    assertThat(Bar.captured(config, 2, 4096)).isEqualTo(new Bar(2, type, prefetchable, 4096));
  }

  @Test
  void sixIsTheRom() {
    assertThat(Bar.captured(Capture.endpoint().config(), Bar.ROM, 2048)).isEqualTo(Bar.rom(2048));
  }

  @Test
  void sizesThatNoRegisterCanHaveAreRefused() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Bar.memory32(1, 3000))
        .withMessage(
            "The size of BAR 1 (MEMORY_32) has to be a power of two from 16 to 2147483648 bytes,"
                + " not 3000");
    assertThatIllegalArgumentException().isThrownBy(() -> Bar.memory32(0, 8));
    assertThatIllegalArgumentException().isThrownBy(() -> Bar.memory32(0, 1L << 32));
    assertThatIllegalArgumentException().isThrownBy(() -> Bar.memory64(0, 0));
    assertThatIllegalArgumentException().isThrownBy(() -> Bar.memory64(0, Long.MIN_VALUE));
    assertThatIllegalArgumentException().isThrownBy(() -> Bar.io(0, 2));
    assertThatIllegalArgumentException().isThrownBy(() -> Bar.rom(1024));
    assertThatIllegalArgumentException().isThrownBy(() -> Bar.rom(1 << 25));
  }

  @Test
  void registersThatDoNotExistAreRefused() {
    assertThatIllegalArgumentException().isThrownBy(() -> Bar.memory32(7, 4096));
    assertThatIllegalArgumentException().isThrownBy(() -> Bar.io(-1, 4));
    assertThatIllegalArgumentException().isThrownBy(() -> Bar.memory32(Bar.ROM, 4096));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Bar.memory64(5, 4096))
        .withMessage("BAR 5 cannot have 64 bits: there is no register for its upper half");
    assertThatIllegalArgumentException().isThrownBy(() -> Bar.io(0, 4).asPrefetchable());
  }

  @Test
  void barsThatShareARegisterAreRefused() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Capture.endpoint().emulated(Bar.memory64(0, 4096), Bar.memory32(1, 4096)))
        .withMessageContaining("both take register 1");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Capture.endpoint().emulated(Bar.rom(2048), Bar.rom(4096)));
  }

  @Test
  void bridgeHasTwoBarsAndItsRomElsewhere() {
    Capture bridge = Capture.express(4).u8(0x0e, 1);

    GuestConfigSpace function = bridge.emulated(Bar.memory64(0, 1 << 16), Bar.rom(2048));
    function.write(0x38, 4, -1);

    assertThat(size(function, BAR0)).isEqualTo(new Sized(1 << 16, 0x4));
    assertThat(function.read(0x38, 4)).isEqualTo(0xfffff801);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> bridge.emulated(Bar.memory32(2, 4096)))
        .withMessageStartingWith("A type 1 header has no register for Bar[");
  }

  @Test
  void virtualFunctionsBarsAreInTheSriovCapability() {
    ConfigSpace captured = Capture.endpoint().extended(0x100, 0x10, 1).u32(0x11c, 0x553).config();

    GuestConfigSpace function =
        EmulatedRegisters.ofFunction(captured, List.of(), List.of(Bar.memory64(0, 1 << 14)))
            .applyTo(GuestConfigSpace.over(DeviceConfig.readOnly(captured)))
            .build();
    function.write(0x12c, 4, -1);

    assertThat(size(function, 0x124)).isEqualTo(new Sized(1 << 14, 0x4));
    assertThat(function.read(0x12c, 4)).isZero();
    assertThatIllegalArgumentException()
        .isThrownBy(() -> EmulatedRegisters.ofFunction(captured, List.of(), List.of(Bar.io(0, 4))));
    assertThatIllegalArgumentException()
        .isThrownBy(() ->
            EmulatedRegisters.ofFunction(
                Capture.endpoint().config(), List.of(), List.of(Bar.memory32(0, 4096))))
        .withMessageStartingWith("The function has no SR-IOV capability");
  }

  /// 64, 128 and 256 MiB are offered (bits 10, 11 and 12), 256 MiB is given.
  @Test
  void resizingChangesWhatSizingFinds() {
    GuestConfigSpace function =
        Capture.endpoint()
            .extended(0x100, 0x15, 1)
            .u32(0x104, 0x00001c00)
            .u32(0x108, 0x00000622)
            .emulated(Bar.memory64(2, 256 << 20).asPrefetchable());
    Sized atFirst = size(function, 0x18);

    function.write(0x108, 4, 0x00000622);
    function.write(0x18, 4, 0xf4000000);
    Sized smaller = size(function, 0x18);
    int address = function.read(0x18, 4);
    function.write(0x108, 4, 0x00003f22);
    int unsupported = function.read(0x108, 4);
    function.reset();

    assertThat(atFirst).isEqualTo(new Sized(256 << 20, 0xc));
    assertThat(smaller).isEqualTo(new Sized(64 << 20, 0xc));
    assertThat(address).isEqualTo(0xf400000c);
    assertThat(unsupported).isEqualTo(0x00000622);
    assertThat(function.read(0x108, 4)).isEqualTo(0x00000822);
    assertThat(size(function, 0x18)).isEqualTo(new Sized(256 << 20, 0xc));
  }

  @Test
  void barWithoutASupportedSizeCannotBeResized() {
    GuestConfigSpace function =
        Capture.endpoint()
            .extended(0x100, 0x15, 1)
            .u32(0x104, 0x00001c00)
            .u32(0x108, 0x00000622)
            .emulated(Bar.memory64(2, 1 << 20));

    function.write(0x108, 4, 0x00000722);

    assertThat(function.read(0x108, 4)).isEqualTo(0x00000622);
  }

  /// 1 and 2 MiB for BAR 0, 1 MiB (bit 4) and 256 TiB (bit 16 of the control) for BAR 2.
  @Test
  void everyBarThatTheCapabilityCountsIsResized() {
    Capture capture =
        Capture.endpoint()
            .extended(0x100, 0x15, 1)
            .u32(0x104, 0x00000030)
            .u32(0x108, 0x00000040)
            .u32(0x10c, 0x00000010)
            .u32(0x110, 0x00011c02)
            .u32(0x114, 0x00000030)
            .u32(0x118, 0x00000004);
    GuestConfigSpace function =
        capture.emulated(
            Bar.memory32(0, 1 << 20),
            Bar.memory32(1, 4096),
            Bar.memory64(2, 1L << 48),
            Bar.memory32(4, 1 << 21));

    assertThat(size(function, BAR0)).isEqualTo(new Sized(1 << 20, 0x0));
    assertThat(size(function, 0x18)).isEqualTo(new Sized(1L << 48, 0x4));
    assertThat(size(function, 0x14)).isEqualTo(new Sized(4096, 0x0));
    function.write(0x108, 4, 0x00000140);
    function.write(0x110, 4, 0x00010002);
    function.write(0x118, 4, 0x00000004);
    assertThat(size(function, BAR0)).isEqualTo(new Sized(1 << 21, 0x0));
    assertThat(size(function, 0x18)).isEqualTo(new Sized(1 << 20, 0x4));
    assertThat(size(function, 0x14)).isEqualTo(new Sized(4096, 0x0));
    assertThat(size(function, 0x20)).isEqualTo(new Sized(1 << 21, 0x0));
  }

  @Test
  void romIsNotResized() {
    GuestConfigSpace function =
        Capture.endpoint()
            .extended(0x100, 0x15, 1)
            .u32(0x104, 0x00000030)
            .u32(0x108, 0x00000026)
            .emulated(Bar.rom(1 << 20));

    function.write(0x108, 4, 0x00000126);

    assertThat(function.read(0x108, 4)).isEqualTo(0x00000026);
  }

  @Test
  void firstBarIsNoRom() {
    ConfigSpace config = Capture.endpoint().u32(BAR0, 0xfebf0004).config();

    assertThat(Bar.captured(config, 0, 4096)).isEqualTo(Bar.memory64(0, 4096));
  }
}
