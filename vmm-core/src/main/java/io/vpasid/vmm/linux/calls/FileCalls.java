package io.vpasid.vmm.linux.calls;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.vpasid.vmm.linux.Errno;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/// Calls on the descriptor of a file that somebody else has opened.
///
/// Every call returns what the C function returns, or the negated `errno`.
final class FileCalls {
  private static final int F_DUPFD_CLOEXEC = 1030; // linux/fcntl.h
  private static final int PROT_READ = 1; // asm-generic/mman-common.h
  private static final int PROT_WRITE = 2;
  private static final int MAP_SHARED = 1;
  private static final int MAP_NORESERVE = 0x4000;

  /// Most bytes of the heap that one call reads or writes, by way of a copy.
  private static final int COPIED = 64 * 1024;

  private FileCalls() {}

  /// Another descriptor of the same open file, which programs that are started do not inherit.
  static int duplicate(int descriptor) {
    return SocketCalls.current().control(descriptor, F_DUPFD_CLOEXEC, 0);
  }

  static void close(int descriptor) {
    int _ = Libc.CALLS.close(CallFrame.current(), descriptor);
  }

  /// Reads bytes at a position.
  ///
  /// @param into is filled, or the beginning of it
  static long read(int descriptor, MemorySegment into, long position) {
    if (into.isNative()) {
      return transfer(Linked.PREAD, descriptor, into, position);
    }
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment copy = arena.allocate(Math.min(into.byteSize(), COPIED));
      long count = transfer(Linked.PREAD, descriptor, copy, position);
      if (count > 0) {
        MemorySegment.copy(copy, 0, into, 0, count);
      }
      return count;
    }
  }

  /// Writes bytes at a position.
  ///
  /// @param from is written, or the beginning of it
  static long write(int descriptor, MemorySegment from, long position) {
    if (from.isNative()) {
      return transfer(Linked.PWRITE, descriptor, from, position);
    }
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment copy = arena.allocate(Math.min(from.byteSize(), COPIED));
      copy.copyFrom(from.asSlice(0, copy.byteSize()));
      return transfer(Linked.PWRITE, descriptor, copy, position);
    }
  }

  private static long transfer(
      MethodHandle call, int descriptor, MemorySegment bytes, long position) {
    CallFrame frame = CallFrame.current();
    try {
      long result;
      do {
        result =
            Libc.result(
                frame,
                (long)
                    call.invokeExact(frame.state, descriptor, bytes, bytes.byteSize(), position));
      } while (result == -Errno.EINTR.number());
      return result;
    } catch (Throwable t) {
      throw new LinkageError("pread or pwrite", t);
    }
  }

  /// Maps the beginning of a file into memory, shared with whoever has it too.
  ///
  /// @param length in bytes, at least 1
  /// @param arena the mapping goes with it
  /// @throws SystemCallException with the call `mmap`
  // SAFETY: the kernel has just mapped so many bytes at this address, and unmaps them with the
  // arena.
  @SuppressWarnings("restricted")
  static MemorySegment map(int descriptor, long length, boolean writable, Arena arena) {
    CallFrame frame = CallFrame.current();
    int protection = writable ? PROT_READ | PROT_WRITE : PROT_READ;
    long address;
    try {
      address =
          Libc.result(
              frame,
              (long)
                  Linked.MMAP.invokeExact(
                      frame.state,
                      MemorySegment.NULL,
                      length,
                      protection,
                      MAP_SHARED | MAP_NORESERVE,
                      descriptor,
                      0L));
    } catch (Throwable t) {
      throw new LinkageError("mmap", t);
    }
    if (address < 0) {
      throw new SystemCallException(new Errno((int) -address), "mmap", "");
    }
    MemorySegment mapped =
        MemorySegment.ofAddress(address).reinterpret(length, arena, FileCalls::unmap);
    return writable ? mapped : mapped.asReadOnly();
  }

  private static void unmap(MemorySegment mapped) {
    CallFrame frame = CallFrame.current();
    try {
      int _ = (int) Linked.MUNMAP.invokeExact(frame.state, mapped, mapped.byteSize());
    } catch (Throwable t) {
      throw new LinkageError("munmap", t);
    }
  }

  private static final class Linked {
    private static final FunctionDescriptor TRANSFER =
        FunctionDescriptor.of(JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG, JAVA_LONG);
    static final MethodHandle PREAD = Libc.link("pread", TRANSFER);
    static final MethodHandle PWRITE = Libc.link("pwrite", TRANSFER);
    static final MethodHandle MMAP =
        Libc.link(
            "mmap",
            FunctionDescriptor.of(
                JAVA_LONG, ADDRESS, JAVA_LONG, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_LONG));
    static final MethodHandle MUNMAP =
        Libc.link("munmap", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_LONG));
  }
}
