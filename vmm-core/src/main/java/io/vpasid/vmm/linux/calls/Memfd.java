package io.vpasid.vmm.linux.calls;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.vpasid.vmm.linux.Errno;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/// Memory that other processes can be given, as a guest's is in QEMU with `memory-backend-memfd`: a
/// file in memory, mapped here, of which descriptors travel.
///
/// For any number of threads, but [#close] must not meet an access.
public final class Memfd implements AutoCloseable {
  private static final int MFD_CLOEXEC = 1; // linux/memfd.h
  private static final int MFD_ALLOW_SEALING = 2;
  private static final int F_ADD_SEALS = 1033; // linux/fcntl.h
  private static final int F_SEAL_SHRINK = 2;

  private final Arena arena = Arena.ofShared();
  private final int descriptor;
  private final MemorySegment memory;

  private Memfd(int descriptor, long size) {
    this.descriptor = descriptor;
    memory = FileCalls.map(descriptor, size, true, arena);
  }

  /// Makes memory, all zeros. Whoever has a descriptor of it may still shorten it.
  ///
  /// @param name what /proc calls it, after "memfd:"
  /// @param size in bytes, at least 1
  /// @throws SystemCallException with the call `memfd_create`, `ftruncate` or `mmap`
  public static Memfd create(String name, long size) {
    CallFrame frame = CallFrame.current();
    int descriptor;
    try (Arena arena = Arena.ofConfined()) {
      descriptor =
          Libc.result(
              frame,
              (int)
                  Linked.MEMFD_CREATE.invokeExact(
                      frame.state, arena.allocateFrom(name), MFD_CLOEXEC | MFD_ALLOW_SEALING));
    } catch (Throwable t) {
      throw new LinkageError("memfd_create", t);
    }
    check(descriptor, "memfd_create");
    try {
      check(resize(frame, descriptor, size), "ftruncate");
      return new Memfd(descriptor, size);
    } catch (SystemCallException e) {
      FileCalls.close(descriptor);
      throw e;
    }
  }

  private static int resize(CallFrame frame, int descriptor, long size) {
    try {
      return Libc.result(frame, (int) Linked.FTRUNCATE.invokeExact(frame.state, descriptor, size));
    } catch (Throwable t) {
      throw new LinkageError("ftruncate", t);
    }
  }

  private static void check(int result, String call) {
    if (result < 0) {
      throw new SystemCallException(new Errno(-result), call, "");
    }
  }

  /// Makes sure that nobody can shorten it, so that others may map it without fear.
  ///
  /// @return this
  /// @throws SystemCallException with the call `fcntl`
  public Memfd sealed() {
    check(SocketCalls.current().control(descriptor, F_ADD_SEALS, F_SEAL_SHRINK), "fcntl");
    return this;
  }

  /// The memory in this process, to read and write, until [#close].
  public MemorySegment memory() {
    return memory;
  }

  /// Another descriptor of it, to be given away, and the caller's to close.
  ///
  /// @throws SystemCallException with the call `dup`
  public int duplicate() {
    int copy = FileCalls.duplicate(descriptor);
    check(copy, "dup");
    return copy;
  }

  /// Gives it up; others who have it keep it.
  @Override
  public void close() {
    arena.close();
    FileCalls.close(descriptor);
  }

  private static final class Linked {
    static final MethodHandle MEMFD_CREATE =
        Libc.link("memfd_create", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_INT));
    static final MethodHandle FTRUNCATE =
        Libc.link("ftruncate", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_LONG));
  }
}
