package io.vpasid.guest.emulator.vtd;

import io.vpasid.guest.emulator.IommuPort;
import java.time.Duration;
import java.util.Random;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;

/// A guest that wants to harm its IOMMU: queue entries of any kind, tables of any bytes that
/// another CPU writes while the unit reads them, registers, and DMA all the while.
///
/// Half of what it writes is nearly right, because what is plainly wrong does not get far. All of
/// it is in memory that no driver uses:
///
/// ```text
/// 0x800000  root table     0x801000  context table   0x802000  PASID directory, 4 pages
/// 0x808000  PASID table                              0x810000  page tables, 16 pages
/// 0x900000  queue of 2048 entries
/// ```
///
/// Domain ids, PASIDs and addresses come from small numbers, so that what is invalidated is there.
/// A scan can find 64 PASIDs changed, and a few scans are asked for at once: who listens to what
/// becomes of them can keep up.
public final class HostileGuest {
  private static final long ROOT = VtdDriver.UNUSED;
  private static final long CONTEXT = ROOT + 0x1000;
  private static final long DIRECTORY = ROOT + 0x2000;
  private static final long PASID_TABLES = ROOT + 0x8000;
  private static final int PASID_TABLE_PAGES = 1;
  private static final long PAGE_TABLES = ROOT + 0x10000;
  private static final int PAGE_TABLE_PAGES = 16;
  private static final long QUEUE = ROOT + 0x100000;

  /// QS and DW of the queue's address: 16 pages of 256-bit entries.
  private static final int QUEUE_SHAPE = 1 << 11 | 4;

  private static final int QUEUE_BYTES = 0x10000;
  private static final int STEP = 32;
  private static final int MOST_AT_ONCE = 16;

  /// CCMD, messages of events, PQH, PQT, PRS, IVA and IOTLB: registers that stop nothing.
  private static final int[] REGISTERS = {
    0x28, 0x2c, 0x3c, 0x40, 0x44, 0xa4, 0xc0, 0xc8, 0xdc, 0xf0, 0xf8, 0xfc
  };

  private static final int TRANSFER_COMMANDS = 3;
  private static final int[] ENGINE_REGISTERS = {0x04, 0x08, 0x0c, 0x10, 0x18, 0x20};
  private static final int ENGINE_COMMAND = 0x28;

  private final VtdDriver driver;
  private final Unit unit;
  private final GuestPages pages;
  private final int engineBar;
  private final Random random;
  private int tail;

  /// @param driver of the unit, which gets it back afterwards
  /// @param engineBar index of the BAR of the function's DMA engine; -1 if it has none
  /// @param random decides everything
  public HostileGuest(VtdDriver driver, int engineBar, Random random) {
    this.driver = driver;
    this.engineBar = engineBar;
    this.random = random;
    unit = driver.unit();
    pages = driver.pages();
  }

  /// Does its worst, then lets the driver have the unit again, with the entries that it had.
  ///
  /// @param entries how many it puts into the queue
  /// @param limit how long the unit may take for all of them
  /// @param meanwhile is run after each few entries
  /// @throws DriverException if the unit does not go on, or takes longer
  public void run(int entries, Duration limit, Runnable meanwhile) {
    long end = System.nanoTime() + limit.toNanos();
    AtomicBoolean over = new AtomicBoolean();
    long seed = random.nextLong();
    pages.clear(ROOT, (int) (QUEUE - ROOT));
    takeUnit();
    Thread other =
        Thread.ofPlatform()
            .daemon()
            .name("hostile-cpu")
            .start(() -> mutate(new Random(seed), over));
    try {
      for (int left = entries; left > 0; ) {
        int count = Math.min(left, 1 + random.nextInt(MOST_AT_ONCE));
        for (int i = 0; i < count; i++) {
          descriptor((tail + i * STEP) % QUEUE_BYTES);
        }
        tail = (tail + count * STEP) % QUEUE_BYTES;
        unit.write8(Unit.IQT, tail);
        touchRegisters();
        startTransfer();
        drain(end);
        meanwhile.run();
        left -= count;
      }
    } finally {
      over.set(true);
      join(other);
    }
    driver.restart();
  }

  private void takeUnit() {
    tail = 0;
    for (int i = 0; i < 64; i++) {
      table(random);
    }
    pages.store(ROOT, CONTEXT | 1);
    context(random);
    unit.command(0, Unit.QIE);
    unit.write8(Unit.IQA, QUEUE | QUEUE_SHAPE);
    unit.write8(Unit.IQT, 0);
    unit.command(Unit.QIE, 0);
    unit.write8(Unit.RTADDR, ROOT | 1 << 10);
    unit.command(Unit.SRTP, 0);
  }

  private static void join(Thread thread) {
    boolean interrupted = false;
    while (thread.isAlive()) {
      try {
        thread.join();
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  /// Waits until the queue is empty. A descriptor that stopped it gives way to a good one.
  private void drain(long end) {
    for (long head = unit.read8(Unit.IQH); head != tail; head = unit.read8(Unit.IQH)) {
      int status = unit.read4(Unit.FSTS);
      if ((status & Unit.FSTS_ITE) != 0) {
        throw new DriverException("what is behind the IOMMU's queue has failed (ITE)");
      }
      if ((status & Unit.FSTS_IQE) != 0) {
        put((int) head, 7 | 1 << 4, 0);
        unit.write4(Unit.FSTS, Unit.FSTS_IQE);
      }
      if (System.nanoTime() > end) {
        throw new DriverException(
            "the IOMMU does not get done with what a hostile guest asks for; its head is at 0x%x"
                .formatted(head));
      }
      LockSupport.parkNanos(10_000);
    }
  }

  private void put(int offset, long word0, long word1) {
    pages.store(QUEUE + offset, word0);
    pages.store(QUEUE + offset + 8, word1);
    pages.store(QUEUE + offset + 16, 0);
    pages.store(QUEUE + offset + 24, 0);
  }

  /// A descriptor: of any bits, or of a type that there is, with fields that may fit.
  private void descriptor(int offset) {
    if (random.nextInt(64) == 0) {
      put(offset, random.nextLong() & ~0x20, random.nextLong());
      return;
    }
    int type = 1 + random.nextInt(9);
    long granularity = (long) (1 + random.nextInt(3)) << 4;
    long domain = (long) random.nextInt(8) << 16;
    long pasid = (long) random.nextInt(PASID_TABLE_PAGES * 64) << 32;
    long function = random.nextInt(4) == 0 ? random.nextInt(1 << 16) : IommuPort.FUNCTION;
    long page = (long) random.nextInt(1 << 12) << 12;
    switch (type) {
      case 1 -> put(offset, type | granularity | domain | function << 32, 0);
      case 2 -> put(offset, type | granularity | domain, page | random.nextInt(12));
      case 3 -> put(offset, type | function << 32, page | random.nextInt(2));
      case 5 -> {
        // Only where nobody minds: with status, interrupt, fence or drain.
        long place = PAGE_TABLES + random.nextInt(PAGE_TABLE_PAGES << 12);
        put(offset, type | (long) random.nextInt(16) << 4 | random.nextLong() << 32, place & ~3L);
      }
      case 6 -> put(offset, type | granularity | domain | pasid, page | random.nextInt(12));
      case 7 -> put(offset, type | granularity | domain | pasid, 0);
      case 8 -> put(offset, type | function << 16 | pasid, page | random.nextInt(2) << 11);
      default ->
          put(
              offset,
              9 | 1 << 4 | (long) random.nextInt(16) << 12 | function << 16 | pasid,
              (long) random.nextInt(512) << 3);
    }
  }

  private void touchRegisters() {
    for (int i = random.nextInt(4); i > 0; i--) {
      unit.write4(REGISTERS[random.nextInt(REGISTERS.length)], random.nextInt());
    }
  }

  private void startTransfer() {
    if (engineBar < 0) {
      return;
    }
    IommuPort port = driver.port();
    for (int register : ENGINE_REGISTERS) {
      port.writeBar(engineBar, register, Integer.BYTES, random.nextInt(PASID_TABLE_PAGES * 64));
    }
    // As a plain request, with a PASID or without; where it passes through, it hits what is unused.
    port.writeBar(engineBar, 0x04, Integer.BYTES, random.nextInt(2));
    port.writeBar(engineBar, 0x10, Long.BYTES, ROOT + random.nextInt(0x80000));
    port.writeBar(engineBar, 0x18, Long.BYTES, ROOT + random.nextInt(0x80000));
    port.writeBar(engineBar, ENGINE_COMMAND, Integer.BYTES, 1 + random.nextInt(TRANSFER_COMMANDS));
  }

  /// Another CPU, which writes tables until it is over.
  private void mutate(Random random, AtomicBoolean over) {
    while (!over.get()) {
      for (int i = 0; i < 32; i++) {
        table(random);
      }
      if (random.nextInt(64) == 0) {
        context(random);
      }
      LockSupport.parkNanos(20_000);
    }
  }

  private void context(Random random) {
    long entry = CONTEXT + IommuPort.FUNCTION * 32L;
    // P, DTE, PASIDE, PRE, and a directory of up to four pages.
    pages.store(
        entry, random.nextInt(16) == 0 ? random.nextInt() & 0x7f : DIRECTORY | 0x1d | 4 << 9);
  }

  private void table(Random random) {
    switch (random.nextInt(8)) {
      case 0 ->
          pages.store(
              DIRECTORY + random.nextInt(2) * 8L,
              frame(random, PASID_TABLES, PASID_TABLE_PAGES)
                  | (random.nextInt(16) == 0 ? random.nextInt(1 << 12) : 1));
      case 1, 2, 3 -> pasidEntry(random);
      default ->
          pages.store(
              PAGE_TABLES + random.nextInt(PAGE_TABLE_PAGES * 512) * 8L,
              frame(random, PAGE_TABLES, PAGE_TABLE_PAGES)
                  | (random.nextInt(8) == 0 ? random.nextInt(1 << 12) : 7));
    }
  }

  private void pasidEntry(Random random) {
    long entry = PASID_TABLES + random.nextInt(PASID_TABLE_PAGES * 64) * 64L;
    long table = frame(random, PAGE_TABLES, PAGE_TABLE_PAGES);
    long domain = random.nextInt(8);
    switch (random.nextInt(4)) {
      case 0 -> entry(entry, random.nextLong(), random.nextInt(1 << 16), table);
      case 1 -> entry(entry, 1 << 6 | 1, domain | 1 << 23, table);
      case 2 -> entry(entry, table | 2 << 6 | 2 << 2 | 1, domain | 1 << 23, 0);
      default -> entry(entry, random.nextBoolean() ? 4 << 6 | 1 : 0, domain, 0);
    }
  }

  private void entry(long address, long word0, long word1, long word2) {
    pages.store(address, word0);
    pages.store(address + 8, word1);
    pages.store(address + 16, word2);
  }

  private static long frame(Random random, long first, int count) {
    return first + random.nextInt(count) * (long) GuestPages.PAGE;
  }
}
