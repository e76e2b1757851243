package io.vpasid.vmm.linux.calls;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.Optional;

/// Memory of this process that is neither the heap's nor counted as direct buffers are, so that
/// whoever fills it takes nothing from the JVM.
public final class OwnMemory {
  private static final int PROT_READ_WRITE = 3; // asm-generic/mman-common.h
  private static final int MAP_PRIVATE_ANONYMOUS = 0x22;

  private OwnMemory() {}

  /// Takes memory, all zeros, for as long as the process lives.
  ///
  /// @param bytes a multiple of the page size
  /// @return empty if the kernel gives none; on the heap where native access is denied
  public static Optional<MemorySegment> take(int bytes) {
    if (Libc.obstacle().isPresent()) {
      return Optional.of(MemorySegment.ofArray(new byte[bytes]));
    }
    return map(bytes);
  }

  // SAFETY: the kernel has just mapped so many bytes at this address, and they are never unmapped.
  @SuppressWarnings("restricted")
  private static Optional<MemorySegment> map(int bytes) {
    CallFrame frame = CallFrame.current();
    try {
      long address =
          Libc.result(
              frame,
              (long)
                  Linked.MMAP.invokeExact(
                      frame.state,
                      MemorySegment.NULL,
                      (long) bytes,
                      PROT_READ_WRITE,
                      MAP_PRIVATE_ANONYMOUS,
                      -1,
                      0L));
      return address < 0
          ? Optional.empty()
          : Optional.of(MemorySegment.ofAddress(address).reinterpret(bytes));
    } catch (Throwable t) {
      throw new LinkageError("mmap", t);
    }
  }

  private static final class Linked {
    static final MethodHandle MMAP =
        Libc.link(
            "mmap",
            FunctionDescriptor.of(
                JAVA_LONG, ADDRESS, JAVA_LONG, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_LONG));
  }
}
