package io.vpasid.it.contract;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout.PathElement;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;
import java.util.ArrayList;
import java.util.List;

/// System calls with any bytes; they share no code with the backend that they help to test.
final class RawCalls {
  private static final StructLayout STATE = Linker.Option.captureStateLayout();
  private static final VarHandle ERRNO = STATE.varHandle(PathElement.groupElement("errno"));
  private static final MethodHandle IOCTL =
      link(
          "ioctl",
          FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_LONG, ADDRESS),
          Linker.Option.firstVariadicArg(2));
  private static final FunctionDescriptor TRANSFER =
      FunctionDescriptor.of(JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG);
  private static final MethodHandle READ = link("read", TRANSFER);
  private static final MethodHandle WRITE = link("write", TRANSFER);

  private RawCalls() {}

  /// Makes a request that answers 0.
  ///
  /// @return 0 or the errno
  static int ioctl(int fd, int request, MemorySegment argument) {
    int answer = answer(fd, request, argument);
    return answer < 0 ? -answer : 0;
  }

  /// Makes a request that answers a number.
  ///
  /// @return the number, or the errno below 0
  static int answer(int fd, int request, MemorySegment argument) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment state = arena.allocate(STATE);
      int result = (int) IOCTL.invokeExact(state, fd, (long) request, argument);
      return result < 0 ? -errno(state) : result;
    } catch (Throwable t) {
      throw new LinkageError("ioctl", t);
    }
  }

  /// Reads.
  ///
  /// @return how many bytes, or the errno below 0
  static int read(int fd, MemorySegment bytes) {
    return transfer(READ, fd, bytes);
  }

  /// Writes.
  ///
  /// @return how many bytes, or the errno below 0
  static int write(int fd, MemorySegment bytes) {
    return transfer(WRITE, fd, bytes);
  }

  private static int transfer(MethodHandle call, int fd, MemorySegment bytes) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment state = arena.allocate(STATE);
      long result = (long) call.invokeExact(state, fd, bytes, bytes.byteSize());
      return result < 0 ? -errno(state) : (int) result;
    } catch (Throwable t) {
      throw new LinkageError("read or write", t);
    }
  }

  private static int errno(MemorySegment state) {
    return (int) ERRNO.get(state, 0L);
  }

  @SuppressWarnings("restricted")
  private static MethodHandle link(
      String name, FunctionDescriptor descriptor, Linker.Option... options) {
    List<Linker.Option> all = new ArrayList<>(List.of(options));
    all.add(Linker.Option.captureCallState("errno"));
    // SAFETY: the descriptors are those of POSIX on 64-bit Linux; the kernel checks what it reads.
    return Linker.nativeLinker()
        .downcallHandle(
            Linker.nativeLinker().defaultLookup().findOrThrow(name),
            descriptor,
            all.toArray(Linker.Option[]::new));
  }
}
