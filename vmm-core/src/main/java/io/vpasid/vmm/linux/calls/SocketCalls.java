package io.vpasid.vmm.linux.calls;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.vpasid.vmm.linux.Errno;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemoryLayout.PathElement;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.invoke.MethodHandle;
import java.util.List;
import java.util.Objects;
import java.util.function.IntConsumer;

/// `recvmsg` and `sendmsg` with `SCM_RIGHTS`, and the calls around them that the JDK does not have.
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
public final class SocketCalls {
  /// Most descriptors that a message may carry, in either direction. The number QEMU sends at most.
  public static final int MAX_DESCRIPTORS = 16;

  /// Most pieces that one call writes.
  public static final int MAX_PIECES = 64;

  /// More descriptors arrived than a message may carry; they have been closed.
  static final int TOO_MANY_DESCRIPTORS = 109; // ETOOMANYREFS

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
      MemoryLayout.structLayout(JAVA_LONG.withName("base"), JAVA_LONG.withName("len"));
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

  private final CallFrame frame = CallFrame.current();
  private final MemorySegment header;
  private final MemorySegment vector;
  private final MemorySegment control;

  private SocketCalls() {
    Arena arena = Arena.ofAuto();
    header = arena.allocate(MSGHDR);
    vector = arena.allocate(IOVEC, MAX_PIECES);
    control = arena.allocate(CONTROL_LENGTH, JAVA_LONG.byteAlignment());
    header.set(ADDRESS, MSG_IOV, vector);
  }

  /// This thread's structures.
  public static SocketCalls current() {
    return CALLS.get();
  }

  /// Reads bytes that are there already, and the descriptors that came with them.
  ///
  /// Of several messages that a peer sent with a `sendmsg` each, one call returns all up to the
  /// first that has descriptors, the end of that one included if there is room for it; so the
  /// descriptors belong to the end of what is received (`unix_stream_read_generic` in
  /// net/unix/af_unix.c).
  ///
  /// @param socket a stream socket
  /// @param into where the bytes go, memory outside the heap
  /// @param at where in it the first byte goes
  /// @param room how many bytes at most, at least 1
  /// @param descriptors takes over each descriptor, in the order in which they were sent; none if
  ///   the call fails
  /// @return the number of bytes, 0 at the end of the stream, or a negated errno: `-EAGAIN`,
  ///   `-TOO_MANY_DESCRIPTORS`, or another
  public int receive(int socket, MemorySegment into, int at, int room, IntConsumer descriptors) {
    setPiece(0, into, at, room);
    prepare(1, CONTROL_LENGTH);
    int length = call(Linked.RECVMSG, socket, header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (length < 0) {
      return length;
    }
    if ((header.get(JAVA_INT, MSG_FLAGS) & MSG_CTRUNC) != 0) {
      received(fd -> Libc.CALLS.close(frame, fd));
      return -TOO_MANY_DESCRIPTORS;
    }
    received(descriptors);
    return length;
  }

  /// Writes as many bytes of one piece as there is room for.
  ///
  /// @param socket a stream socket
  /// @param from memory outside the heap
  /// @param length how many of its first bytes, at least 1
  /// @return the number of bytes, or a negated errno
  public int send(int socket, MemorySegment from, int length) {
    Objects.checkFromIndexSize(0, length, from.byteSize());
    try {
      int result;
      do {
        result =
            (int)
                Libc.result(
                    frame,
                    (long)
                        Linked.SEND.invokeExact(
                            frame.state, socket, from, (long) length, MSG_DONTWAIT | MSG_NOSIGNAL));
      } while (result == -Errno.EINTR.number());
      return result;
    } catch (Throwable t) {
      throw new LinkageError("send", t);
    }
  }

  /// Writes as many bytes as there is room for, and all of the descriptors with the first of them.
  ///
  /// @param socket a stream socket
  /// @param from the bytes in up to [#MAX_PIECES] pieces, at least one byte in all
  /// @param descriptors at most [#MAX_DESCRIPTORS]; they stay their owner's
  /// @return the number of bytes, or a negated errno
  public int send(int socket, List<MemorySegment> from, int... descriptors) {
    int count = descriptors.length;
    long length = CMSG_HEADER + 4L * count;
    if (count > 0) {
      control.set(JAVA_LONG, 0, length);
      control.set(JAVA_INT, 8, SOL_SOCKET);
      control.set(JAVA_INT, 12, SCM_RIGHTS);
      for (int i = 0; i < count; i++) {
        control.set(JAVA_INT, CMSG_HEADER + 4L * i, descriptors[i]);
      }
    }
    for (int i = 0; i < from.size(); i++) {
      setPiece(i, from.get(i), 0, from.get(i).byteSize());
    }
    prepare(from.size(), count == 0 ? 0 : align(length));
    return call(Linked.SENDMSG, socket, header, MSG_DONTWAIT | MSG_NOSIGNAL);
  }

  /// Sets the permissions of a socket's inode. Called before `bind`, it decides those of the path,
  /// less the umask, so that there is no moment at which others could open it.
  ///
  /// @return 0 or a negated errno
  public int changeMode(int socket, int mode) {
    try {
      return Libc.result(frame, (int) Linked.FCHMOD.invokeExact(frame.state, socket, mode));
    } catch (Throwable t) {
      throw new LinkageError("fchmod", t);
    }
  }

  /// Makes reads and writes of a descriptor return instead of waiting.
  ///
  /// @return 0 or a negated errno
  public int makeNonBlocking(int descriptor) {
    int flags = flags(descriptor);
    return flags < 0 ? flags : control(descriptor, F_SETFL, flags | O_NONBLOCK);
  }

  /// How a descriptor was opened: access mode and flags, as `F_GETFL` has them.
  ///
  /// @return the flags or a negated errno
  int flags(int descriptor) {
    return control(descriptor, F_GETFL, 0);
  }

  /// The seals of a memory file, which say what can no longer be done to it (`F_GET_SEALS`).
  ///
  /// @return the seals, or a negated errno: `-EINVAL` for a file that cannot be sealed
  int seals(int descriptor) {
    return control(descriptor, F_GET_SEALS, 0);
  }

  int control(int descriptor, int command, int argument) {
    try {
      return Libc.result(
          frame, (int) Linked.FCNTL.invokeExact(frame.state, descriptor, command, argument));
    } catch (Throwable t) {
      throw new LinkageError("fcntl", t);
    }
  }

  // SAFETY: the piece lies within memory that the caller holds during the call.
  private void setPiece(int index, MemorySegment data, int from, long length) {
    Objects.checkFromIndexSize(from, length, data.byteSize());
    if (!data.isNative()) {
      throw new IllegalArgumentException("The heap has no addresses.");
    }
    long at = index * IOVEC.byteSize();
    vector.set(JAVA_LONG, at, data.address() + from);
    vector.set(JAVA_LONG, at + JAVA_LONG.byteSize(), length);
  }

  private void prepare(int pieces, long controlLength) {
    header.set(JAVA_LONG, MSG_IOVLEN, pieces);
    header.set(ADDRESS, MSG_CONTROL, controlLength == 0 ? MemorySegment.NULL : control);
    header.set(JAVA_LONG, MSG_CONTROLLEN, controlLength);
    header.set(JAVA_INT, MSG_FLAGS, 0);
  }

  private void received(IntConsumer descriptors) {
    long filled = header.get(JAVA_LONG, MSG_CONTROLLEN);
    for (long at = 0; at + CMSG_HEADER <= filled; ) {
      long length = control.get(JAVA_LONG, at);
      if (control.get(JAVA_INT, at + 8) == SOL_SOCKET
          && control.get(JAVA_INT, at + 12) == SCM_RIGHTS) {
        long end = Math.min(at + length, filled);
        for (long fd = at + CMSG_HEADER; fd + 4 <= end; fd += 4) {
          descriptors.accept(control.get(JAVA_INT, fd));
        }
      }
      at += Math.max(CMSG_HEADER, align(length));
    }
  }

  private int call(MethodHandle function, int socket, MemorySegment message, int flags) {
    try {
      int result;
      do {
        result =
            (int)
                Libc.result(
                    frame, (long) function.invokeExact(frame.state, socket, message, flags));
      } while (result == -Errno.EINTR.number());
      return result;
    } catch (Throwable t) {
      throw new LinkageError("recvmsg or sendmsg", t);
    }
  }

  private static long align(long length) {
    return (length + 7) & ~7L;
  }

  private static long offset(String field) {
    return MSGHDR.byteOffset(PathElement.groupElement(field));
  }

  /// The C functions, linked when first needed.
  private static final class Linked {
    static final MethodHandle RECVMSG =
        Libc.link("recvmsg", FunctionDescriptor.of(JAVA_LONG, JAVA_INT, ADDRESS, JAVA_INT));
    static final MethodHandle SENDMSG =
        Libc.link("sendmsg", FunctionDescriptor.of(JAVA_LONG, JAVA_INT, ADDRESS, JAVA_INT));
    static final MethodHandle SEND =
        Libc.link("send", FunctionDescriptor.of(JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG, JAVA_INT));
    static final MethodHandle FCHMOD =
        Libc.link("fchmod", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT));
    static final MethodHandle FCNTL =
        Libc.link(
            "fcntl",
            FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT),
            Libc.variadic(2));
  }
}
