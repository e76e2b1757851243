package io.vpasid.guest.transport;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.netty.channel.unix.FileDescriptor;
import java.lang.foreign.AddressLayout;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemoryLayout.PathElement;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;
import java.util.ArrayList;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// `recvmsg` and `sendmsg` with `SCM_RIGHTS`, and the calls around them that neither the JDK nor
/// Netty has.
///
/// ```text
/// struct msghdr, 64-bit Linux                       struct cmsghdr
///  0        8           16      24          32       0         8           12        16
///  +--------+-----------+-------+-----------+----    +---------+-----------+---------+------
///  | name   | namelen u32 - | iov | iovlen u64 | ..   | len u64 | level i32 | type i32 | fds ..
///  +--------+-----------+-------+-----------+----    +---------+-----------+---------+------
///  32        40               48
///  +---------+----------------+-----------+---
///  | control | controllen u64 | flags i32 | -
///  +---------+----------------+-----------+---
/// ```
///
/// Every call returns what the C function returns, or the negated `errno`. The structures of a call
/// are per thread and reused.
final class SocketCalls {
  /// Most descriptors that a message may carry, in either direction. The number QEMU sends at most.
  static final int MAX_DESCRIPTORS = 16;

  /// Most pieces that one call writes.
  static final int MAX_PIECES = 64;

  /// Nothing to read, or no room to write.
  static final int EAGAIN = 11;

  /// Interrupted by a signal before anything was done.
  static final int EINTR = 4;

  /// More descriptors arrived than a message may carry; they have been closed.
  static final int TOO_MANY_DESCRIPTORS = 109; // ETOOMANYREFS

  private static final Logger LOG = LoggerFactory.getLogger(SocketCalls.class);

  private static final int SOL_SOCKET = 1;
  private static final int SCM_RIGHTS = 1;
  private static final int MSG_CTRUNC = 0x8;
  private static final int MSG_DONTWAIT = 0x40;
  private static final int MSG_NOSIGNAL = 0x4000;
  private static final int MSG_CMSG_CLOEXEC = 0x4000_0000;
  private static final int F_GETFL = 3;
  private static final int F_SETFL = 4;
  private static final int F_GET_SEALS = 1034;
  private static final int O_NONBLOCK = 0x800;

  private static final int CMSG_HEADER = 16;
  private static final int CONTROL_LENGTH = CMSG_HEADER + 4 * MAX_DESCRIPTORS;

  private static final StructLayout IOVEC =
      MemoryLayout.structLayout(ADDRESS.withName("base"), JAVA_LONG.withName("len"));
  private static final StructLayout MSGHDR =
      MemoryLayout.structLayout(
          ADDRESS.withName("name"),
          JAVA_INT.withName("namelen"),
          MemoryLayout.paddingLayout(4),
          ADDRESS.withName("iov"),
          JAVA_LONG.withName("iovlen"),
          ADDRESS.withName("control"),
          JAVA_LONG.withName("controllen"),
          JAVA_INT.withName("flags"),
          MemoryLayout.paddingLayout(4));

  private static final long MSG_IOV = offset("iov");
  private static final long MSG_IOVLEN = offset("iovlen");
  private static final long MSG_CONTROL = offset("control");
  private static final long MSG_CONTROLLEN = offset("controllen");
  private static final long MSG_FLAGS = offset("flags");

  private static final ThreadLocal<SocketCalls> CALLS = ThreadLocal.withInitial(SocketCalls::new);

  private final MemorySegment state;
  private final MemorySegment header;
  private final MemorySegment vector;
  private final MemorySegment control;

  private SocketCalls() {
    Arena arena = Arena.ofAuto();
    state = arena.allocate(Linked.STATE);
    header = arena.allocate(MSGHDR);
    vector = arena.allocate(IOVEC, MAX_PIECES);
    control = arena.allocate(CONTROL_LENGTH, JAVA_LONG.byteAlignment());
  }

  /// Whether descriptors can be passed here: 64-bit Linux, and native access allowed to this
  /// module.
  static boolean available() {
    return Availability.AVAILABLE;
  }

  /// This thread's structures.
  static SocketCalls current() {
    return CALLS.get();
  }

  /// Reads bytes that are there already, and the descriptors that came with them.
  ///
  /// @param socket a stream socket
  /// @param into where the bytes go
  /// @param descriptors where the descriptors go; if the call fails they are none
  /// @return the number of bytes, 0 at the end of the stream, or a negated errno: `-EAGAIN`,
  ///   `-TOO_MANY_DESCRIPTORS`, or another
  int receive(int socket, MemorySegment into, List<FileDescriptor> descriptors) {
    setPiece(0, into);
    prepare(1, CONTROL_LENGTH);
    int length = call(Linked.RECVMSG, socket, header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (length < 0) {
      return length;
    }
    List<FileDescriptor> received = received();
    if ((header.get(JAVA_INT, MSG_FLAGS) & MSG_CTRUNC) != 0) {
      received.forEach(Descriptors::close);
      return -TOO_MANY_DESCRIPTORS;
    }
    descriptors.addAll(received);
    return length;
  }

  /// Writes as many bytes as there is room for, and all of the descriptors with the first of them.
  ///
  /// @param socket a stream socket
  /// @param from the bytes in up to [#MAX_PIECES] pieces, at least one byte in all
  /// @param descriptors at most [#MAX_DESCRIPTORS]
  /// @return the number of bytes, or a negated errno
  int send(int socket, List<MemorySegment> from, List<FileDescriptor> descriptors) {
    int count = descriptors.size();
    long length = CMSG_HEADER + 4L * count;
    if (count > 0) {
      control.set(JAVA_LONG, 0, length);
      control.set(JAVA_INT, 8, SOL_SOCKET);
      control.set(JAVA_INT, 12, SCM_RIGHTS);
      for (int i = 0; i < count; i++) {
        control.set(JAVA_INT, CMSG_HEADER + 4L * i, descriptors.get(i).intValue());
      }
    }
    for (int i = 0; i < from.size(); i++) {
      setPiece(i, from.get(i));
    }
    prepare(from.size(), count == 0 ? 0 : align(length));
    return call(Linked.SENDMSG, socket, header, MSG_DONTWAIT | MSG_NOSIGNAL);
  }

  /// Sets the permissions of a socket's inode. Called before `bind`, it decides those of the path,
  /// less the umask, so that there is no moment at which others could open it.
  ///
  /// @return 0 or a negated errno
  int changeMode(int socket, int mode) {
    try {
      return result((int) Linked.FCHMOD.invokeExact(state, socket, mode));
    } catch (Throwable t) {
      throw new LinkageError("fchmod", t);
    }
  }

  /// Makes reads and writes of a descriptor return instead of waiting.
  ///
  /// @return 0 or a negated errno
  int makeNonBlocking(int descriptor) {
    int flags = flags(descriptor);
    return flags < 0 ? flags : control(descriptor, F_SETFL, flags | O_NONBLOCK);
  }

  /// How a descriptor was opened: access mode and flags, as `F_GETFL` has them.
  ///
  /// @return the flags or a negated errno
  int flags(int descriptor) {
    return control(descriptor, F_GETFL, 0);
  }

  /// What can no longer be done to a memory file, as `F_GET_SEALS` has it.
  ///
  /// @return the seals, or a negated errno: `-EINVAL` for a file that cannot be sealed
  int seals(int descriptor) {
    return control(descriptor, F_GET_SEALS, 0);
  }

  private int control(int descriptor, int command, int argument) {
    try {
      return result((int) Linked.FCNTL.invokeExact(state, descriptor, command, argument));
    } catch (Throwable t) {
      throw new LinkageError("fcntl", t);
    }
  }

  private void setPiece(int index, MemorySegment data) {
    long at = index * IOVEC.byteSize();
    vector.set(ADDRESS, at, data);
    vector.set(JAVA_LONG, at + ADDRESS.byteSize(), data.byteSize());
  }

  private void prepare(int pieces, long controlLength) {
    header.fill((byte) 0);
    header.set(ADDRESS, MSG_IOV, vector);
    header.set(JAVA_LONG, MSG_IOVLEN, pieces);
    header.set(ADDRESS, MSG_CONTROL, controlLength == 0 ? MemorySegment.NULL : control);
    header.set(JAVA_LONG, MSG_CONTROLLEN, controlLength);
  }

  private List<FileDescriptor> received() {
    long filled = header.get(JAVA_LONG, MSG_CONTROLLEN);
    if (filled < CMSG_HEADER) {
      return List.of();
    }
    List<FileDescriptor> received = new ArrayList<>();
    for (long at = 0; at + CMSG_HEADER <= filled; ) {
      long length = control.get(JAVA_LONG, at);
      if (control.get(JAVA_INT, at + 8) == SOL_SOCKET
          && control.get(JAVA_INT, at + 12) == SCM_RIGHTS) {
        long end = Math.min(at + length, filled);
        for (long fd = at + CMSG_HEADER; fd + 4 <= end; fd += 4) {
          received.add(new FileDescriptor(control.get(JAVA_INT, fd)));
        }
      }
      at += Math.max(CMSG_HEADER, align(length));
    }
    return received;
  }

  private int call(MethodHandle function, int socket, MemorySegment message, int flags) {
    try {
      int result;
      do {
        result = result((int) (long) function.invokeExact(state, socket, message, flags));
      } while (result == -EINTR);
      return result;
    } catch (Throwable t) {
      throw new LinkageError("recvmsg or sendmsg", t);
    }
  }

  private int result(int returned) {
    return returned >= 0 ? returned : -(int) Linked.ERRNO.get(state, 0L);
  }

  private static long align(long length) {
    return (length + 7) & ~7L;
  }

  private static long offset(String field) {
    return MSGHDR.byteOffset(PathElement.groupElement(field));
  }

  /// The C functions, linked when first needed.
  private static final class Linked {
    private static final Linker LINKER = Linker.nativeLinker();
    private static final Linker.Option CAPTURE = Linker.Option.captureCallState("errno");
    static final StructLayout STATE = Linker.Option.captureStateLayout();
    static final VarHandle ERRNO = STATE.varHandle(PathElement.groupElement("errno"));

    static final MethodHandle RECVMSG =
        link("recvmsg", FunctionDescriptor.of(JAVA_LONG, JAVA_INT, ADDRESS, JAVA_INT), CAPTURE);
    static final MethodHandle SENDMSG =
        link("sendmsg", FunctionDescriptor.of(JAVA_LONG, JAVA_INT, ADDRESS, JAVA_INT), CAPTURE);
    static final MethodHandle FCHMOD =
        link("fchmod", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT), CAPTURE);
    static final MethodHandle FCNTL =
        link(
            "fcntl",
            FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT),
            CAPTURE,
            Linker.Option.firstVariadicArg(2));

    // SAFETY: the function descriptors above are those of POSIX on 64-bit Linux; every segment
    // handed to these
    // functions outlives the call.
    @SuppressWarnings("restricted")
    private static MethodHandle link(
        String name, FunctionDescriptor descriptor, Linker.Option... options) {
      return LINKER.downcallHandle(LINKER.defaultLookup().findOrThrow(name), descriptor, options);
    }
  }

  private static final class Availability {
    static final boolean AVAILABLE = probe();

    private static boolean probe() {
      AddressLayout pointer = ADDRESS;
      if (pointer.byteSize() != 8 || !System.getProperty("os.name", "").equals("Linux")) {
        return false;
      }
      try {
        return Linked.RECVMSG != null;
      } catch (IllegalCallerException | LinkageError e) {
        LOG.info(
            "No descriptors can be passed on sockets: native access is denied. Start Java with"
                + " --enable-native-access=io.vpasid.guest (or ALL-UNNAMED) to have it.");
        LOG.debug("Why native access is denied", e);
        return false;
      }
    }
  }
}
