package io.vpasid.vmm.frontend.vtd;

import static io.vpasid.vmm.frontend.vtd.Guest.FUNCTION;
import static io.vpasid.vmm.frontend.vtd.PageTables.USER;
import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/// A driver of the engine and of the unit in one guest: shared virtual addressing without hardware.
class DmaEngineTest {
  private static final long PAGE = 0x800000;
  private static final int FLAG_PASID = 1;
  private static final int FLAG_PRI = 2;
  private static final int FLAG_IE = 4;

  private final Guest guest = Guest.scalable(VtdCapabilities.emulated());
  private final PageTables process = PageTables.firstStage(guest);
  private int interrupts;
  private final DmaEngine engine = new DmaEngine(guest.unit.dma(FUNCTION), () -> interrupts++);

  DmaEngineTest() {
    guest.context(8 | 4 | 0x10);
    guest.entry(0, Guest.passThrough(1));
    guest.entry(7, Guest.firstStage(2, process.top));
    guest.write8(RegisterOffset.PQA, Guest.PAGE_QUEUE);
  }

  private void set(int flags, long source, long destination) {
    engine.write(0x04, 4, flags);
    engine.write(0x08, 4, 7);
    engine.write(0x10, 8, source);
    engine.write(0x18, 8, destination);
  }

  private long command(int command) {
    engine.write(0x28, 4, command);
    return engine.read(0x2c, 4);
  }

  @Test
  void anEngineSaysWhatItIs() {
    engine.write(0, 4, 0);
    assertThat(engine.read(0, 4)).isEqualTo(DmaEngine.ID);
    assertThat(engine.read(0x2c, 4)).isZero();
  }

  @Test
  void itReadsAndWritesAProcessesMemory() {
    process.map(0x5000, 1, PAGE | USER);
    guest.store(PAGE + 8, 0x1122334455667788L);
    set(FLAG_PASID, 0x5008, 0x5010);
    assertThat(command(1)).isEqualTo(2);
    assertThat(engine.read(0x20, 8)).isEqualTo(0x1122334455667788L);
    engine.write(0x20, 8, 0x99);
    assertThat(command(2)).isEqualTo(2);
    assertThat(guest.load(PAGE + 0x10)).isEqualTo(0x99);
  }

  @Test
  void itCopiesWithAndWithoutPasid() {
    process.map(0x5000, 1, PAGE | USER);
    process.map(0x6000, 1, (PAGE + 0x3000) | USER);
    guest.store(PAGE + 0xff8, 1, 0);
    guest.store(PAGE + 0x3000, 2);
    engine.write(0x0c, 4, 16);
    set(FLAG_PASID, 0x5ff8, 0x5100);
    assertThat(command(3)).isEqualTo(2);
    assertThat(guest.load(PAGE + 0x100)).isEqualTo(1);
    assertThat(guest.load(PAGE + 0x108)).isEqualTo(2);
    set(0, PAGE + 0x100, PAGE + 0x200);
    assertThat(command(3)).isEqualTo(2);
    assertThat(guest.load(PAGE + 0x208)).isEqualTo(2);
  }

  @Test
  void aWrongAccessIsAFaultThatTheGuestAndTheDriverSee() {
    process.map(0x5000, 1, PAGE | (USER & ~2));
    set(FLAG_PASID, 0, 0x5000);
    assertThat(command(2)).isEqualTo(3 | FaultReason.NO_WRITE.code() << 16);
    assertThat(engine.read(0x30, 8)).isEqualTo(0x5000);
    assertThat(guest.read8(RegisterOffset.FRCD + 8) >>> 32 & 0xff).isEqualTo(0x85);
  }

  @Test
  void aMissingPageIsAskedForAndTheDriverSeesNothingOfIt() {
    guest.store(PAGE, 0x42);
    set(FLAG_PASID | FLAG_PRI | FLAG_IE, 0x5000, 0);
    assertThat(command(1)).as("busy").isEqualTo(1);
    engine.write(0x28, 4, 2);
    engine.write(0x10, 8, 0);
    assertThat(interrupts).isZero();
    process.map(0x5000, 1, PAGE | USER);
    guest.queue(9 | 1 << 4 | 0x20 << 16 | 7L << 32, 0);
    assertThat(engine.read(0x2c, 4)).isEqualTo(2);
    assertThat(engine.read(0x20, 8)).isEqualTo(0x42);
    assertThat(interrupts).isEqualTo(1);
  }

  @Test
  void aRefusedPageSaysSo() {
    set(FLAG_PASID | FLAG_PRI, 0x5000, 0);
    command(1);
    guest.queue(9 | 1 << 4 | 15 << 12 | 0x20 << 16 | 7L << 32, 0);
    assertThat(engine.read(0x2c, 4)).isEqualTo(4 | 15 << 16);
  }

  @Test
  void whatIsNotMemorySaysSo() {
    set(0, 0x4000_0000L, 0);
    assertThat(command(1)).isEqualTo(5);
    assertThat(engine.read(0x30, 8)).isEqualTo(0x4000_0000L);
  }

  @Test
  void badCommandsAndLengthsAreRefused() {
    set(0, PAGE, PAGE);
    assertThat(command(0)).isEqualTo(6);
    assertThat(command(4)).isEqualTo(6);
    for (int length : new int[] {0, -1, 65537}) {
      engine.write(0x0c, 4, length);
      assertThat(command(3)).as("%d", length).isEqualTo(6);
    }
  }

  @Test
  void aResetForgetsACommandThatWaits() {
    set(FLAG_PASID | FLAG_PRI | FLAG_IE, 0x5000, 0);
    command(1);
    engine.reset();
    guest.queue(9 | 1 << 4 | 1 << 12 | 0x20 << 16 | 7L << 32, 0);
    assertThat(engine.read(0x2c, 4)).isZero();
    assertThat(interrupts).isZero();
    set(0, PAGE, 0);
    assertThat(command(1)).isEqualTo(2);
  }

  @Test
  void otherAccessesAreNone() {
    engine.write(0x10, 8, -1);
    engine.write(0x12, 4, 0);
    engine.write(0x10, 2, 0);
    engine.write(-8, 8, 0);
    engine.write(0x38, 4, 0);
    assertThat(engine.read(0x10, 8)).isEqualTo(-1);
    assertThat(engine.read(0x11, 1)).isZero();
    assertThat(engine.read(0xff8, 8)).isZero();
  }
}
