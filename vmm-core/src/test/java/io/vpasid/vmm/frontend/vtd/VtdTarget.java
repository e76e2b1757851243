package io.vpasid.vmm.frontend.vtd;

import io.vpasid.vmm.frontend.GuestMemory;
import io.vpasid.vmm.frontend.GuestMemoryException;
import io.vpasid.vmm.frontend.MappedGuestMemory;
import java.lang.foreign.Arena;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Map;
import java.util.Set;

/// A VT-d unit as a fuzz target: a guest that writes any bytes into its memory, any registers, and
/// lets a function do DMA in between.
///
/// ```text
///  0    1                                              repeated
/// | op | operands                                     | …
///   0    address / 8: 2, value: 8    store into the first 512 KiB
///   1    register / 4: 1, value: 4   write 4 bytes
///   2    register / 8: 1, value: 8   write 8 bytes
///   3    pasid: 3, address: 8        read 16 bytes; write them; read with page requests
///   4                                reset
///   5                                tables of both functions, queue and translation switched on
///   6    descriptor: 16              put it into the invalidation queue
///   7    pasid: 1, words: 16         write a PASID's entry, and tell
/// ```
///
/// op counts modulo 8. Little endian; an input ends in as many zeros as it needs. The last three
/// lead to where a guest's driver is, which bytes alone seldom do. What must hold for any input:
/// nothing throws; the backend hears what [CheckedBackend] allows; after a reset the unit is as new
/// and nothing is left.
public final class VtdTarget {
  private static final Set<SourceId> FUNCTIONS = Set.of(new SourceId(0x20), new SourceId(0xa1));
  private static final int MAX_PASIDS = 16;
  private static final int MEMORY = 0x80000;

  // Where a guest's driver has its tables
  private static final long ROOT = 0x1000;
  private static final long CONTEXT = 0x2000;
  private static final long DIRECTORY = 0x4000;
  private static final long ENTRIES = 0x5000;
  private static final long QUEUE = 0x6000;
  private static final int PASIDS = 64;
  private static final int ENTRY_BYTES = 64;

  /// The longest operands.
  private static final int OPERANDS = 24;

  // Registers
  private static final int COMMAND = 0x18;
  private static final int ROOT_TABLE = 0x20;
  private static final int QUEUE_TAIL = 0x88;
  private static final int QUEUE_ADDRESS = 0x90;

  private VtdTarget() {}

  /// One input of the fuzzer.
  public static void fuzzerTestOneInput(byte[] input) {
    try (Arena arena = Arena.ofConfined()) {
      GuestMemory memory =
          MappedGuestMemory.of(new MappedGuestMemory.Range(0, arena.allocate(MEMORY, 4096)));
      ByteBuffer padded = ByteBuffer.wrap(Arrays.copyOf(input, input.length + OPERANDS));
      run(memory, padded.order(ByteOrder.LITTLE_ENDIAN), input.length);
    } catch (GuestMemoryException e) {
      throw new AssertionError(e);
    }
  }

  private static void run(GuestMemory memory, ByteBuffer input, int end)
      throws GuestMemoryException {
    CheckedBackend backend = new CheckedBackend(FUNCTIONS, MAX_PASIDS);
    VtdUnit unit =
        new VtdUnit(
            VtdCapabilities.emulated(),
            memory,
            backend,
            (address, data) -> {},
            Runnable::run,
            MAX_PASIDS);
    FUNCTIONS.forEach(function -> unit.cover(function).join());
    FunctionDma dma = unit.dma(new SourceId(0x20));
    while (input.position() < end) {
      switch ((input.get() & 0xff) % 8) {
        case 0 -> memory.storeLong((input.getShort() & 0xffff) * 8L, input.getLong());
        case 1 -> unit.writeRegister((input.get() & 0xff) * 4, 4, input.getInt());
        case 2 -> unit.writeRegister((input.get() & 0xff) * 8, 8, input.getLong());
        case 3 -> transfer(dma, input.getInt() & 0xfffff, input.getLong());
        case 4 -> unit.reset().join();
        case 5 -> switchOn(unit, memory);
        case 6 -> tell(unit, memory, input.getLong(), input.getLong());
        default -> write(unit, memory, input.get() & PASIDS - 1, input.getLong(), input.getLong());
      }
      check(backend.isSynced());
    }
    unit.reset().join();
    check(backend.isSynced());
    check(
        backend
            .told()
            .equals(
                Map.of(
                    new Requester.Itself(new SourceId(0x20)),
                    Translation.Untranslated.UNTRANSLATED,
                    new Requester.Itself(new SourceId(0xa1)),
                    Translation.Untranslated.UNTRANSLATED)));
    checkIsNew(unit, memory, backend);
    unit.close();
    check(backend.told().isEmpty());
  }

  /// All tables but the PASIDs' entries, which stay as they are.
  private static void switchOn(VtdUnit unit, GuestMemory memory) throws GuestMemoryException {
    memory.storeLong(ROOT, CONTEXT | 1);
    memory.storeLong(ROOT + 8, (CONTEXT + 0x1000) | 1);
    for (SourceId function : FUNCTIONS) {
      // Two tables, 32 bytes for each device and function; DTE, PASIDE and PRE
      memory.storeLong(CONTEXT + function.deviceFunction() * 32L, DIRECTORY | 0x1c | 1);
    }
    memory.storeLong(DIRECTORY, ENTRIES | 1);
    unit.writeRegister(QUEUE_ADDRESS, 8, QUEUE | 1 << 11);
    unit.writeRegister(ROOT_TABLE, 8, ROOT | 1 << 10);
    unit.writeRegister(COMMAND, 4, 1 << 30); // SRTP
    unit.writeRegister(COMMAND, 4, 1L << 31 | 1 << 26); // TE, QIE
  }

  /// A descriptor of 32 bytes at the queue's tail, wherever the guest has said that it is.
  private static void tell(VtdUnit unit, GuestMemory memory, long word0, long word1)
      throws GuestMemoryException {
    long tail = unit.readRegister(QUEUE_TAIL, 8) & 0xfe0;
    long at = (unit.readRegister(QUEUE_ADDRESS, 8) & ~0xfffL) + tail;
    if (at >= 0 && at < MEMORY - 32) {
      memory.storeLong(at, word0);
      memory.storeLong(at + 8, word1);
    }
    unit.writeRegister(QUEUE_TAIL, 8, (tail + 32) & 0xfe0);
  }

  private static void write(VtdUnit unit, GuestMemory memory, int pasid, long word0, long word1)
      throws GuestMemoryException {
    memory.storeLong(ENTRIES + pasid * (long) ENTRY_BYTES + 8, word1);
    // A first stage has its table in the third word.
    memory.storeLong(ENTRIES + pasid * (long) ENTRY_BYTES + 16, word0 & ~0xfffL);
    memory.storeLong(ENTRIES + pasid * (long) ENTRY_BYTES, word0);
    // PASID cache, one PASID of one domain
    tell(unit, memory, 7 | 1 << 4 | (word1 & 0xffff) << 16 | (long) pasid << 32, 0);
  }

  private static void transfer(FunctionDma dma, int pasid, long address) {
    ByteBuffer bytes = ByteBuffer.allocate(16);
    var _ = dma.read(pasid, address, bytes);
    var _ = dma.write(pasid, address, bytes.rewind());
    var _ = dma.readWithPageRequests(pasid, address, bytes.clear());
  }

  private static void checkIsNew(VtdUnit unit, GuestMemory memory, VtdBackend backend) {
    VtdUnit fresh =
        new VtdUnit(
            VtdCapabilities.emulated(), memory, backend, (address, data) -> {}, Runnable::run);
    for (int offset = 0; offset < VtdUnit.REGISTER_PAGE_SIZE; offset += 8) {
      check(unit.readRegister(offset, 8) == fresh.readRegister(offset, 8));
    }
  }

  private static void check(boolean right) {
    if (!right) {
      throw new AssertionError("The unit is not as it has to be.");
    }
  }
}
