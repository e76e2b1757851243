package io.vpasid.it.isolation;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout.PathElement;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/// System calls of attackers, on 64-bit Linux. Each returns what the C function returns, or the
/// negated errno.
public final class Calls {
  static final int EAGAIN = 11;

  private static final int AF_UNIX = 1;
  private static final int SOCK_STREAM = 1;
  private static final int SOL_SOCKET = 1;
  private static final int SO_RCVTIMEO = 20;
  private static final int SO_SNDTIMEO = 21;
  private static final int SCM_RIGHTS = 1;
  private static final int MSG_NOSIGNAL = 0x4000;
  private static final int F_SETFL = 4;
  private static final int F_SETLEASE = 1024;
  private static final int F_ADD_SEALS = 1033;
  private static final int F_SEAL_SHRINK = 2;
  private static final int F_WRLCK = 1;
  private static final int MFD_ALLOW_SEALING = 2;
  private static final int O_RDWR = 2;

  private static final StructLayout STATE = Linker.Option.captureStateLayout();
  private static final VarHandle ERRNO = STATE.varHandle(PathElement.groupElement("errno"));

  private static final MethodHandle SOCKET = link("socket", 0, JAVA_INT, JAVA_INT, JAVA_INT);
  private static final MethodHandle CONNECT = link("connect", 0, JAVA_INT, ADDRESS, JAVA_INT);
  private static final MethodHandle SETSOCKOPT =
      link("setsockopt", 0, JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT);
  private static final MethodHandle SENDMSG = link("sendmsg", 0, JAVA_INT, ADDRESS, JAVA_INT);
  private static final MethodHandle RECV = link("recv", 0, JAVA_INT, ADDRESS, JAVA_LONG, JAVA_INT);
  private static final MethodHandle DUP = link("dup", 0, JAVA_INT);
  private static final MethodHandle CLOSE = link("close", 0, JAVA_INT);
  private static final MethodHandle OPEN = link("open", 2, ADDRESS, JAVA_INT, JAVA_INT);
  private static final MethodHandle EVENTFD = link("eventfd", 0, JAVA_INT, JAVA_INT);
  private static final MethodHandle MEMFD = link("memfd_create", 0, ADDRESS, JAVA_INT);
  private static final MethodHandle TRUNCATE = link("ftruncate", 0, JAVA_INT, JAVA_LONG);
  private static final MethodHandle FCNTL = link("fcntl", 2, JAVA_INT, JAVA_INT, JAVA_INT);
  private static final MethodHandle WRITE = link("write", 0, JAVA_INT, ADDRESS, JAVA_LONG);
  private static final MethodHandle READ = link("read", 0, JAVA_INT, ADDRESS, JAVA_LONG);

  private Calls() {}

  /// A Unix socket that is connected, on which waiting ends with EAGAIN after some seconds.
  static int connect(Path path, int seconds) {
    try (Arena arena = Arena.ofConfined()) {
      int socket = (int) succeed("socket", call(SOCKET, AF_UNIX, SOCK_STREAM, 0));
      MemorySegment time = arena.allocate(JAVA_LONG, 2);
      time.setAtIndex(JAVA_LONG, 0, seconds);
      call(SETSOCKOPT, socket, SOL_SOCKET, SO_RCVTIMEO, time, 16);
      call(SETSOCKOPT, socket, SOL_SOCKET, SO_SNDTIMEO, time, 16);
      byte[] name = path.toString().getBytes(StandardCharsets.UTF_8);
      MemorySegment address = arena.allocate(2L + name.length + 1);
      address.set(ValueLayout.JAVA_SHORT, 0, (short) AF_UNIX);
      MemorySegment.copy(name, 0, address, ValueLayout.JAVA_BYTE, 2, name.length);
      succeed("connect", call(CONNECT, socket, address, (int) address.byteSize()));
      return socket;
    }
  }

  /// Sends bytes, with descriptors.
  ///
  /// @return how many bytes were sent, or a negated errno
  static long send(int socket, byte[] bytes, int from, int... descriptors) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment data = arena.allocate(bytes.length - from);
      MemorySegment.copy(bytes, from, data, ValueLayout.JAVA_BYTE, 0, bytes.length - from);
      MemorySegment vector = arena.allocate(16, 8);
      vector.set(ADDRESS, 0, data);
      vector.set(JAVA_LONG, 8, data.byteSize());
      MemorySegment message = arena.allocate(56, 8);
      message.set(ADDRESS, 16, vector);
      message.set(JAVA_LONG, 24, 1);
      if (descriptors.length > 0) {
        long length = 16 + 4L * descriptors.length;
        MemorySegment control = arena.allocate((length + 7) & ~7L, 8);
        control.set(JAVA_LONG, 0, length);
        control.set(JAVA_INT, 8, SOL_SOCKET);
        control.set(JAVA_INT, 12, SCM_RIGHTS);
        for (int i = 0; i < descriptors.length; i++) {
          control.set(JAVA_INT, 16 + 4L * i, descriptors[i]);
        }
        message.set(ADDRESS, 32, control);
        message.set(JAVA_LONG, 40, control.byteSize());
      }
      return call(SENDMSG, socket, message, MSG_NOSIGNAL);
    }
  }

  /// Receives what is there.
  ///
  /// @return how many bytes, 0 at the end, or a negated errno
  static int receive(int socket, byte[] into, int at) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment data = arena.allocate(into.length - at);
      long length = call(RECV, socket, data, data.byteSize(), 0);
      if (length > 0) {
        MemorySegment.copy(data, ValueLayout.JAVA_BYTE, 0, into, at, (int) length);
      }
      return (int) length;
    }
  }

  public static void close(int descriptor) {
    call(CLOSE, descriptor);
  }

  /// A second descriptor of the same open file.
  public static int duplicate(int descriptor) {
    return (int) succeed("dup", call(DUP, descriptor));
  }

  static int open(Path path) {
    try (Arena arena = Arena.ofConfined()) {
      return (int) succeed("open", call(OPEN, arena.allocateFrom(path.toString()), O_RDWR, 0));
    }
  }

  /// An eventfd whose reads and writes block.
  static int eventfd() {
    return (int) succeed("eventfd", call(EVENTFD, 0, 0));
  }

  /// Adds to an eventfd's counter.
  static void add(int eventfd, long value) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment bytes = arena.allocate(JAVA_LONG);
      bytes.set(JAVA_LONG, 0, value);
      succeed("write", call(WRITE, eventfd, bytes, 8L));
    }
  }

  /// Takes an eventfd's counter, and waits while it is 0.
  static long take(int eventfd) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment bytes = arena.allocate(JAVA_LONG);
      succeed("read", call(READ, eventfd, bytes, 8L));
      return bytes.get(JAVA_LONG, 0);
    }
  }

  /// Has reads and writes of an open file wait again, whoever has set it not to.
  static void makeBlocking(int descriptor) {
    succeed("fcntl", call(FCNTL, descriptor, F_SETFL, 0));
  }

  /// A file in memory.
  ///
  /// @param sealed whether it can no longer become shorter
  public static int memoryFile(long size, boolean sealed) {
    try (Arena arena = Arena.ofConfined()) {
      int file =
          (int)
              succeed("memfd_create", call(MEMFD, arena.allocateFrom("guest"), MFD_ALLOW_SEALING));
      succeed("ftruncate", call(TRUNCATE, file, size));
      if (sealed) {
        succeed("F_ADD_SEALS", call(FCNTL, file, F_ADD_SEALS, F_SEAL_SHRINK));
      }
      return file;
    }
  }

  /// Has whoever opens the file from now on wait, for as long as the kernel allows (45 s).
  static void lease(int file) {
    succeed("F_SETLEASE", call(FCNTL, file, F_SETLEASE, F_WRLCK));
  }

  private static long succeed(String what, long result) {
    if (result < 0) {
      throw new IllegalStateException(what + " failed with errno " + -result);
    }
    return result;
  }

  private static long call(MethodHandle function, Object... arguments) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment state = arena.allocate(STATE);
      List<Object> all = new ArrayList<>(List.of(arguments));
      all.addFirst(state);
      Object returned = function.invokeWithArguments(all);
      long result = returned instanceof Integer i ? i : (long) returned;
      return result < 0 ? -(int) ERRNO.get(state, 0L) : result;
    } catch (Throwable t) {
      throw new LinkageError("a system call", t);
    }
  }

  // SAFETY: the descriptors are those of POSIX on 64-bit Linux, and every segment outlives its
  // call.
  @SuppressWarnings("restricted")
  private static MethodHandle link(
      String name, int firstVariadic, java.lang.foreign.MemoryLayout... arguments) {
    boolean isLong =
        switch (name) {
          case "sendmsg", "recv", "write", "read" -> true;
          default -> false;
        };
    FunctionDescriptor descriptor =
        isLong
            ? FunctionDescriptor.of(JAVA_LONG, arguments)
            : FunctionDescriptor.of(JAVA_INT, arguments);
    List<Linker.Option> options = new ArrayList<>();
    options.add(Linker.Option.captureCallState("errno"));
    if (firstVariadic > 0) {
      options.add(Linker.Option.firstVariadicArg(firstVariadic));
    }
    Linker linker = Linker.nativeLinker();
    return linker.downcallHandle(
        linker.defaultLookup().findOrThrow(name),
        descriptor,
        options.toArray(Linker.Option[]::new));
  }
}
