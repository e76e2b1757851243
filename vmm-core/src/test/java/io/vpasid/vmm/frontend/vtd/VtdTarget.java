package io.vpasid.vmm.frontend.vtd;

import io.vpasid.vmm.frontend.GuestMemory;
import io.vpasid.vmm.frontend.GuestMemoryException;
import io.vpasid.vmm.frontend.MappedGuestMemory;
import java.lang.foreign.Arena;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
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
/// ```
///
/// op counts modulo 5. Little endian. What must hold for any input: nothing throws; the backend
/// hears what [CheckedBackend] allows; after a reset the unit is as new and nothing is left.
public final class VtdTarget {
  private static final Set<SourceId> FUNCTIONS = Set.of(new SourceId(0x20), new SourceId(0xa1));
  private static final int MAX_PASIDS = 16;
  private static final int MEMORY = 0x80000;

  private VtdTarget() {}

  /// One input of the fuzzer.
  public static void fuzzerTestOneInput(byte[] input) {
    try (Arena arena = Arena.ofConfined()) {
      GuestMemory memory =
          MappedGuestMemory.of(new MappedGuestMemory.Range(0, arena.allocate(MEMORY, 4096)));
      run(memory, ByteBuffer.wrap(input).order(ByteOrder.LITTLE_ENDIAN));
    } catch (GuestMemoryException e) {
      throw new AssertionError(e);
    }
  }

  private static void run(GuestMemory memory, ByteBuffer input) throws GuestMemoryException {
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
    while (input.remaining() >= 12) {
      switch ((input.get() & 0xff) % 5) {
        case 0 -> memory.storeLong((input.getShort() & 0xffff) * 8L, input.getLong());
        case 1 -> unit.writeRegister((input.get() & 0xff) * 4, 4, input.getInt());
        case 2 -> unit.writeRegister((input.get() & 0xff) * 8, 8, input.getLong());
        case 3 -> transfer(dma, input.getInt() & 0xfffff, input.getLong());
        default -> unit.reset().join();
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
