package io.vpasid.vmm.frontend.vtd;

import static org.assertj.core.api.Assertions.assertThat;

import io.vpasid.vmm.frontend.GuestMemory;
import io.vpasid.vmm.frontend.GuestMemoryException;
import io.vpasid.vmm.frontend.MappedGuestMemory;
import java.lang.foreign.Arena;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Guests that write anything: into the queue, into their tables, while these are read.
class HostileGuestTest {
  private static final Set<SourceId> FUNCTIONS = Set.of(new SourceId(0x20), new SourceId(0x21));
  private static final int MAX_PASIDS = 64;
  private static final long QUEUE = 0x100000;
  private static final int QUEUE_BYTES = 0x80000;
  private static final int STEP = 32;

  private final GuestMemory memory =
      MappedGuestMemory.of(new MappedGuestMemory.Range(0, Arena.ofAuto().allocate(0x200000, 4096)));
  private final CheckedBackend backend = new CheckedBackend(FUNCTIONS, MAX_PASIDS);

  private VtdUnit unit(Executor executor) {
    VtdUnit unit =
        new VtdUnit(
            VtdCapabilities.emulated(),
            memory,
            backend,
            (address, data) -> {},
            executor,
            MAX_PASIDS);
    FUNCTIONS.forEach(function -> unit.cover(function).join());
    return unit;
  }

  /// Bytes of any kind, most of them steps that a fuzzer would take long to find: tables at the
  /// places that registers name.
  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16})
  void nothingAGuestDoesBreaksTheUnit(long seed) {
    Random random = new Random(seed);
    ByteBuffer input = ByteBuffer.allocate(40_000).order(ByteOrder.LITTLE_ENDIAN);
    input.put((byte) 2).put((byte) 4).putLong(0x1000 | 1 << 10);
    input.put((byte) 1).put((byte) 6).putInt(CommandRegisters.SRTP);
    input.put((byte) 2).put((byte) 18).putLong(0x20000 | 1 << 11);
    input.put((byte) 1).put((byte) 6).putInt(CommandRegisters.QIE | CommandRegisters.TE);
    while (input.remaining() > 12) {
      switch (random.nextInt(8)) {
        case 0 -> input.put((byte) 0).putShort((short) random.nextInt()).putLong(random.nextLong());
        case 1 -> input.put((byte) 1).put((byte) random.nextInt()).putInt(random.nextInt());
        case 2 -> input.put((byte) 2).put((byte) random.nextInt(34)).putLong(random.nextLong());
        case 3 -> input.put((byte) 3).putInt(random.nextInt(4)).putLong(random.nextInt(1 << 16));
        // Root, context, directory, tables, page tables: pointers into the first pages.
        case 4, 5 ->
            input
                .put((byte) 0)
                .putShort((short) (0x200 + random.nextInt(0x1000)))
                .putLong(
                    (long) (1 + random.nextInt(12)) << 12
                        | (random.nextInt(0x1000) & tame(random)));
        default -> {
          // A descriptor of a plausible type, and the tail behind it.
          int place = random.nextInt(128);
          input
              .put((byte) 0)
              .putShort((short) (0x4000 + place * 4))
              .putLong(
                  (1 + random.nextInt(9))
                      | random.nextInt(4) << 4
                      | (long) random.nextInt(16) << 32);
          if (input.remaining() > 12) {
            input.put((byte) 1).put((byte) 34).putInt(random.nextInt(128) * STEP);
          }
          if (input.remaining() > 12) {
            input.put((byte) 1).put((byte) 13).putInt(FaultLog.IQE);
          }
        }
      }
    }
    VtdTarget.fuzzerTestOneInput(input.array());
  }

  /// A guest whose tables are in order, with entries and descriptors of which many bits are right.
  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
  void noEntryOfAPasidAndNoDescriptorBreaksTheUnit(long seed) {
    Random random = new Random(seed);
    ByteBuffer input = ByteBuffer.allocate(40_000).order(ByteOrder.LITTLE_ENDIAN);
    while (input.remaining() > 2 * STEP) {
      input.put((byte) 5);
      for (int i = random.nextInt(8); i > 0 && input.remaining() > STEP; i--) {
        if (random.nextBoolean()) {
          // Translation type, address width, P; a table in the first pages
          int some = random.nextInt(1 << 12);
          long word = (some & random.nextInt(1 << 12)) | 1;
          input.put((byte) 7).put((byte) random.nextInt(4));
          input.putLong((long) random.nextInt(12) << 12 | word).putLong(random.nextInt(4));
        } else {
          input.put((byte) 6).putLong(1 + random.nextInt(9) | random.nextInt(1 << 16) << 4);
          input.putLong(random.nextInt(1 << 20));
        }
      }
    }
    VtdTarget.fuzzerTestOneInput(input.array());
  }

  private static int tame(Random random) {
    return random.nextBoolean() ? 0x1ff : -1;
  }

  /// A million entries, good, bad and absurd, through queues of 16,384, while another thread writes
  /// into the tables and the queue.
  @Test
  @Timeout(120)
  void aMillionHostileEntriesLeaveNothingAndTakeNoTime() throws Exception {
    Random random = new Random(42);
    ExecutorService worker = Executors.newSingleThreadExecutor();
    AtomicBoolean over = new AtomicBoolean();
    Thread mutator = Thread.ofPlatform().start(() -> mutate(over));
    long longestWrite = 0;
    long handled = 0;
    try {
      VtdUnit unit = unit(worker);
      start(unit);
      int tail = 0;
      while (handled < 1_000_000) {
        int count = 1 + random.nextInt(QUEUE_BYTES / STEP - 1);
        for (int i = 0; i < count; i++) {
          descriptor(random, (tail + i * STEP) & (QUEUE_BYTES - 1));
        }
        tail = (tail + count * STEP) & (QUEUE_BYTES - 1);
        long before = System.nanoTime();
        unit.writeRegister(RegisterOffset.IQT, 4, tail);
        longestWrite = Math.max(longestWrite, System.nanoTime() - before);
        drain(unit, random, tail);
        handled += count;
      }
      over.set(true);
      mutator.join();
      unit.reset().join();
      assertThat(backend.told()).hasSize(2).containsValue(Translation.Untranslated.UNTRANSLATED);
      unit.close();
      assertThat(backend.told()).isEmpty();
      assertThat(backend.calls()).isGreaterThan(100_000);
    } finally {
      over.set(true);
      worker.shutdownNow();
    }
    assertThat(Duration.ofNanos(longestWrite))
        .as("a tail write does not wait for the worker")
        .isLessThan(Duration.ofSeconds(1));
  }

  private void start(VtdUnit unit) throws GuestMemoryException {
    // Root 0x1000, context 0x2000, directory 0x3000 with one page of entries, tables 0x4000-0x7fff.
    memory.storeLong(0x1000, 0x2000 | 1);
    for (SourceId function : FUNCTIONS) {
      memory.storeLong(0x2000 + function.deviceFunction() * 32L, 0x3000 | 8 | 4 | 0x10 | 1);
    }
    for (int i = 0; i < 4; i++) {
      memory.storeLong(0x3000 + i * 8L, (0x4000 + i * 0x1000L) | 1);
    }
    unit.writeRegister(RegisterOffset.IQA, 8, QUEUE | 1 << 11 | 7);
    unit.writeRegister(RegisterOffset.RTADDR, 8, 0x1000 | 1 << 10);
    unit.writeRegister(RegisterOffset.GCMD, 4, CommandRegisters.SRTP);
    unit.writeRegister(
        RegisterOffset.GCMD, 4, Integer.toUnsignedLong(CommandRegisters.QIE | CommandRegisters.TE));
    while (unit.readRegister(RegisterOffset.GSTS, 4) != 0xc4000000L) {
      Thread.onSpinWait();
    }
  }

  /// Waits until the queue is empty; a descriptor that stopped it is replaced by a good one.
  private void drain(VtdUnit unit, Random random, int tail) throws GuestMemoryException {
    while (unit.readRegister(RegisterOffset.IQH, 4) != tail) {
      long status = unit.readRegister(RegisterOffset.FSTS, 4);
      if ((status & FaultLog.IQE) != 0) {
        long head = unit.readRegister(RegisterOffset.IQH, 4);
        memory.storeLong(QUEUE + head, 2 | 1 << 4);
        memory.storeLong(QUEUE + head + 8, random.nextInt(2) << 6);
        memory.storeLong(QUEUE + head + 16, 0);
        memory.storeLong(QUEUE + head + 24, 0);
        unit.writeRegister(RegisterOffset.FSTS, 4, FaultLog.IQE);
      } else {
        LockSupport.parkNanos(1000);
      }
    }
  }

  /// Mostly what the unit takes, with fields of any value.
  private void descriptor(Random random, int offset) throws GuestMemoryException {
    long word0 = random.nextLong();
    long word1 = random.nextLong();
    if (random.nextInt(512) != 0) {
      int type = 1 + random.nextInt(9);
      word0 = random.nextInt(4) << 4 | (random.nextLong() & 0x7_0021_0000_0000L) | type;
      word1 = type == 5 ? 0x1f_0000 : random.nextLong() & ~0xfffL;
      if (type == 1 || type == 7) {
        word1 = 0;
      }
    }
    memory.storeLong(QUEUE + offset, word0);
    memory.storeLong(QUEUE + offset + 8, word1);
    memory.storeLong(QUEUE + offset + 16, 0);
    memory.storeLong(QUEUE + offset + 24, 0);
  }

  /// Writes entries, good and bad, until it is over.
  private void mutate(AtomicBoolean over) {
    Random random = new Random(7);
    try {
      while (!over.get()) {
        if (random.nextInt(256) == 0) {
          LockSupport.parkNanos(20_000);
        }
        long entry = 0x4000 + random.nextInt(256) * 64L;
        memory.storeLong(entry, random.nextInt(1024));
        memory.storeLong(entry + 8, random.nextInt(1 << 16));
        memory.storeLong(entry + 16, (long) random.nextInt(512) << 12);
        if (random.nextInt(16) == 0) {
          memory.storeLong(
              0x3000 + random.nextInt(8) * 8L,
              (0x4000 + random.nextInt(4) * 0x1000L) | random.nextInt(2));
        }
      }
    } catch (GuestMemoryException e) {
      throw new AssertionError(e);
    }
  }
}
