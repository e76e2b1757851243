package io.vpasid.vmm.linux.calls;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout.PathElement;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;
import java.util.Arrays;
import java.util.Optional;

/// The C functions of this process, linked when first needed.
///
/// `ioctl` is variadic, so that the linker must be told where its fixed arguments end. None of the
/// functions is linked as critical: a call may sleep in the kernel, and a critical one would hold
/// up the garbage collector for as long.
final class Libc implements SystemCalls {
  static final SystemCalls CALLS = new Libc();

  private static final Linker.Option CAPTURE = Linker.Option.captureCallState("errno");
  static final StructLayout STATE = Linker.Option.captureStateLayout();
  private static final VarHandle ERRNO = STATE.varHandle(PathElement.groupElement("errno"));

  private static final int O_RDWR_CLOEXEC = 0x2 | 0x80000; // asm-generic/fcntl.h
  private static final int EFD_CLOEXEC = 0x80000; // sys/eventfd.h
  private static final short POLLIN = 1; // asm-generic/poll.h
  private static final int POLLFD = 8;

  private Libc() {}

  static Optional<String> obstacle() {
    return Availability.OBSTACLE;
  }

  @Override
  public int open(CallFrame frame, MemorySegment path) {
    try {
      return result(frame, (int) Linked.OPEN.invokeExact(frame.state, path, O_RDWR_CLOEXEC, 0));
    } catch (Throwable t) {
      throw new LinkageError("open", t);
    }
  }

  @Override
  public int close(CallFrame frame, int fd) {
    try {
      return result(frame, (int) Linked.CLOSE.invokeExact(frame.state, fd));
    } catch (Throwable t) {
      throw new LinkageError("close", t);
    }
  }

  @Override
  public int ioctl(CallFrame frame, int fd, int request) {
    try {
      return result(
          frame,
          (int)
              Linked.IOCTL.invokeExact(
                  frame.state, fd, Integer.toUnsignedLong(request), frame.block));
    } catch (Throwable t) {
      throw new LinkageError("ioctl", t);
    }
  }

  @Override
  public long pread(CallFrame frame, int fd, int length, long position) {
    try {
      return result(
          frame,
          (long) Linked.PREAD.invokeExact(frame.state, fd, frame.block, checked(length), position));
    } catch (Throwable t) {
      throw new LinkageError("pread", t);
    }
  }

  @Override
  public long pwrite(CallFrame frame, int fd, int length, long position) {
    try {
      return result(
          frame,
          (long)
              Linked.PWRITE.invokeExact(frame.state, fd, frame.block, checked(length), position));
    } catch (Throwable t) {
      throw new LinkageError("pwrite", t);
    }
  }

  @Override
  public long read(CallFrame frame, int fd, MemorySegment buffer) {
    try {
      return result(
          frame, (long) Linked.READ.invokeExact(frame.state, fd, buffer, buffer.byteSize()));
    } catch (Throwable t) {
      throw new LinkageError("read", t);
    }
  }

  @Override
  public long write(CallFrame frame, int fd, MemorySegment buffer) {
    try {
      return result(
          frame, (long) Linked.WRITE.invokeExact(frame.state, fd, buffer, buffer.byteSize()));
    } catch (Throwable t) {
      throw new LinkageError("write", t);
    }
  }

  @Override
  public int poll(CallFrame frame, int first, int second, int timeout) {
    MemorySegment fds = frame.block;
    // struct pollfd: 0:4 fd, 4:2 events, 6:2 revents
    for (int i = 0; i < 2; i++) {
      fds.set(JAVA_INT, (long) i * POLLFD, i == 0 ? first : second);
      fds.set(JAVA_SHORT, (long) i * POLLFD + 4, POLLIN);
      fds.set(JAVA_SHORT, (long) i * POLLFD + 6, (short) 0);
    }
    int ready;
    try {
      ready = result(frame, (int) Linked.POLL.invokeExact(frame.state, fds, 2L, timeout));
    } catch (Throwable t) {
      throw new LinkageError("poll", t);
    }
    if (ready <= 0) {
      return ready;
    }
    return (fds.get(JAVA_SHORT, 6) != 0 ? 1 : 0) | (fds.get(JAVA_SHORT, POLLFD + 6) != 0 ? 2 : 0);
  }

  @Override
  public int eventfd(CallFrame frame) {
    try {
      return result(frame, (int) Linked.EVENTFD.invokeExact(frame.state, 0, EFD_CLOEXEC));
    } catch (Throwable t) {
      throw new LinkageError("eventfd", t);
    }
  }

  private static long checked(int length) {
    if (length < 0 || length > CallFrame.BLOCK) {
      throw new IndexOutOfBoundsException(length);
    }
    return length;
  }

  static int result(CallFrame frame, int returned) {
    return returned == -1 ? -errno(frame) : returned;
  }

  static long result(CallFrame frame, long returned) {
    return returned == -1 ? -errno(frame) : returned;
  }

  private static int errno(CallFrame frame) {
    return (int) ERRNO.get(frame.state, 0L);
  }

  private static final class Linked {
    static final MethodHandle OPEN =
        link("open", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_INT, JAVA_INT), variadic(2));
    static final MethodHandle CLOSE = link("close", FunctionDescriptor.of(JAVA_INT, JAVA_INT));
    static final MethodHandle IOCTL =
        link("ioctl", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_LONG, ADDRESS), variadic(2));
    static final MethodHandle PREAD =
        link("pread", FunctionDescriptor.of(JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG, JAVA_LONG));
    static final MethodHandle PWRITE =
        link("pwrite", FunctionDescriptor.of(JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG, JAVA_LONG));
    static final MethodHandle READ =
        link("read", FunctionDescriptor.of(JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG));
    static final MethodHandle WRITE =
        link("write", FunctionDescriptor.of(JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG));
    static final MethodHandle POLL =
        link("poll", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_LONG, JAVA_INT));
    static final MethodHandle EVENTFD =
        link("eventfd", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT));
  }

  static Linker.Option variadic(int fixed) {
    return Linker.Option.firstVariadicArg(fixed);
  }

  // SAFETY: the descriptors are those of POSIX on 64-bit Linux. Every segment handed to these
  // functions outlives the call, and every length handed over is that of its segment or checked
  // against it; what a structure points to is kept alive by whoever filled it.
  @SuppressWarnings("restricted")
  static MethodHandle link(String name, FunctionDescriptor descriptor, Linker.Option... options) {
    Linker.Option[] all = Arrays.copyOf(options, options.length + 1);
    all[options.length] = CAPTURE;
    Linker linker = Linker.nativeLinker();
    return linker.downcallHandle(linker.defaultLookup().findOrThrow(name), descriptor, all);
  }

  private static final class Availability {
    static final Optional<String> OBSTACLE = find();

    private static Optional<String> find() {
      if (ADDRESS.byteSize() != 8 || !System.getProperty("os.name", "").equals("Linux")) {
        return Optional.of("only 64-bit Linux has iommufd");
      }
      try {
        return Linked.IOCTL == null ? Optional.of("there is no ioctl") : Optional.empty();
      } catch (IllegalCallerException | LinkageError _) {
        return Optional.of(
            "native access is denied: start Java with --enable-native-access=io.vpasid.vmm (or"
                + " ALL-UNNAMED on the class path)");
      }
    }
  }
}
