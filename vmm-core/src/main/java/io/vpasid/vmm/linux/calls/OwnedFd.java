package io.vpasid.vmm.linux.calls;

import io.vpasid.vmm.linux.Errno;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.lang.ref.Cleaner;
import java.lang.ref.Reference;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.IntUnaryOperator;

/// An open file descriptor, and the calls that are made on it.
///
/// Safe to use from several threads. The number of a closed descriptor is soon given to another
/// file, so a call that is under way keeps it open: [#close] refuses further calls at once, and the
/// descriptor goes when the last call is done. Every call returns what the C function returns, or
/// the negated `errno`, `-EBADF` once it is closed; a call that a signal interrupted is made again.
///
/// Closing is the owner's duty. One that is forgotten is closed when the garbage collector finds
/// it, as a last resort.
public final class OwnedFd implements AutoCloseable {
  private static final Cleaner CLEANER = Cleaner.create();
  private static final int EBADF = Errno.EBADF.number();
  private static final int EINTR = Errno.EINTR.number();

  private final SystemCalls calls;
  private final Descriptor descriptor;
  private final Cleaner.Cleanable cleanable;

  /// Takes over an open descriptor.
  public OwnedFd(SystemCalls calls, int number) {
    this.calls = calls;
    this.descriptor = new Descriptor(calls, number);
    this.cleanable = CLEANER.register(this, descriptor);
  }

  /// Opens a file for reading and writing; programs that are started do not inherit it.
  ///
  /// @throws SystemCallException with the call `open`
  public static OwnedFd open(SystemCalls calls, Path path) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment name = arena.allocateFrom(path.toString());
      CallFrame frame = CallFrame.current();
      int number;
      do {
        number = calls.open(frame, name);
      } while (number == -EINTR);
      if (number < 0) {
        throw new SystemCallException(new Errno(-number), "open", path.toString());
      }
      return new OwnedFd(calls, number);
    }
  }

  /// A new eventfd that nobody has signalled.
  ///
  /// @throws SystemCallException with the call `eventfd`
  public static OwnedFd eventFd(SystemCalls calls) {
    int number = calls.eventfd(CallFrame.current());
    if (number < 0) {
      throw new SystemCallException(new Errno(-number), "eventfd", "");
    }
    return new OwnedFd(calls, number);
  }

  /// Makes a request with the structure in the frame.
  public int ioctl(IoctlRequest request, CallFrame frame) {
    return ioctl(request.number(), frame);
  }

  /// Makes a request by its number, for those without an argument.
  public int ioctl(int request) {
    return ioctl(request, CallFrame.current());
  }

  private int ioctl(int request, CallFrame frame) {
    if (!descriptor.enter(frame)) {
      return -EBADF;
    }
    try {
      int result;
      do {
        result = calls.ioctl(frame, descriptor.number, request);
      } while (result == -EINTR);
      return result;
    } finally {
      descriptor.leave(frame);
      Reference.reachabilityFence(this);
    }
  }

  /// Makes a call that takes this descriptor's number as an argument; it stays open meanwhile.
  public int lend(IntUnaryOperator call) {
    if (!descriptor.acquire()) {
      return -EBADF;
    }
    try {
      return call.applyAsInt(descriptor.number);
    } finally {
      descriptor.release();
      Reference.reachabilityFence(this);
    }
  }

  /// Reads a register at a position of the file.
  ///
  /// @param width 1, 2 or 4 bytes, which are in the frame afterwards
  public int pread(CallFrame frame, int width, long position) {
    if (!descriptor.enter(frame)) {
      return -EBADF;
    }
    try {
      int result;
      do {
        result = (int) calls.pread(frame, descriptor.number, width, position);
      } while (result == -EINTR);
      return result;
    } finally {
      descriptor.leave(frame);
      Reference.reachabilityFence(this);
    }
  }

  /// Writes a register at a position of the file.
  ///
  /// @param width 1, 2 or 4 bytes, taken from the frame
  public int pwrite(CallFrame frame, int width, long position) {
    if (!descriptor.enter(frame)) {
      return -EBADF;
    }
    try {
      int result;
      do {
        result = (int) calls.pwrite(frame, descriptor.number, width, position);
      } while (result == -EINTR);
      return result;
    } finally {
      descriptor.leave(frame);
      Reference.reachabilityFence(this);
    }
  }

  /// Reads into all of a buffer, or as much of it as there is.
  int read(MemorySegment buffer) {
    return transfer((frame, fd) -> calls.read(frame, fd, buffer));
  }

  /// Writes all of a buffer, or as much of it as goes.
  int write(MemorySegment buffer) {
    return transfer((frame, fd) -> calls.write(frame, fd, buffer));
  }

  private int transfer(Transfer call) {
    CallFrame frame = CallFrame.current();
    if (!descriptor.enter(frame)) {
      return -EBADF;
    }
    try {
      long result;
      do {
        result = call.make(frame, descriptor.number);
      } while (result == -EINTR);
      return Math.toIntExact(result);
    } finally {
      descriptor.leave(frame);
      Reference.reachabilityFence(this);
    }
  }

  /// Waits until this file or another one can be read. A signal ends the wait early.
  ///
  /// @param timeout in milliseconds
  /// @return bit 0 set if this one can be read, bit 1 set if the other can; 0 after the timeout
  public int poll(OwnedFd other, int timeout) {
    return lend(
        first -> other.lend(second -> calls.poll(CallFrame.current(), first, second, timeout)));
  }

  /// Makes an eventfd readable for ever.
  public void signal() {
    CallFrame frame = CallFrame.current();
    frame.block.set(ValueLayout.JAVA_LONG, 0, 1);
    write(frame.block.asSlice(0, Long.BYTES));
  }

  /// True if it was closed.
  public boolean isClosed() {
    return descriptor.isClosed();
  }

  /// Closes it, which takes some tens of microseconds, as every thread of the JVM has a part in it;
  /// it waits for none in a system call. Closing again does nothing.
  @Override
  public void close() {
    cleanable.clean();
  }

  private interface Transfer {
    long make(CallFrame frame, int fd);
  }

  /// The number, and who uses it now. It is apart from its owner, so that the owner can become
  /// garbage.
  ///
  /// A loan is counted. A single call says in the frame of its thread what it uses instead, which
  /// spares the two atomic updates that a count takes: with them, a short ioctl takes a fifth
  /// longer than in C. Nothing then orders a thread's store in its frame before its load of the
  /// state, but that matters to whoever closes only, who has time:
  ///
  /// 1. It sets [#CLOSED], passes the [#barrier()] and sets [#SETTLED]. A call whose thread loaded
  ///    the state before the barrier stands in its frame by now; every later one is refused. So
  ///    nobody looks through the frames before the descriptor is settled.
  /// 2. It closes the number unless somebody uses it.
  /// 3. Those who end a call after the barrier see that it is closed and try the same. They have
  ///    changed their frame or the count before, with a fence in between, as whoever closes has
  ///    settled before it looks; so of all those who try, the last finds it unused.
  private static final class Descriptor implements Runnable {
    private static final int CLOSED = 1 << 31;
    private static final int SETTLED = 1 << 30;
    private static final int GONE = 1 << 29;
    private static final AtomicLong IDS = new AtomicLong();
    private static final VarHandle USES;

    static {
      try {
        USES = MethodHandles.lookup().findVarHandle(Descriptor.class, "uses", int.class);
      } catch (ReflectiveOperationException e) {
        throw new ExceptionInInitializerError(e);
      }
    }

    final SystemCalls calls;
    final int number;

    /// What frames call it: a closed descriptor's number is given to another one, its id is not.
    private final long id = IDS.incrementAndGet();

    /// Number of loans, and the three bits. No call or loan begins after [#CLOSED], the sign bit;
    /// whoever adds [#GONE] closes the number, once.
    private volatile int uses;

    Descriptor(SystemCalls calls, int number) {
      this.calls = calls;
      this.number = number;
    }

    boolean isClosed() {
      return uses < 0;
    }

    boolean enter(CallFrame frame) {
      frame.use(id);
      if ((int) USES.getOpaque(this) < 0) {
        leave(frame);
        return false;
      }
      return true;
    }

    void leave(CallFrame frame) {
      frame.use(0);
      if ((int) USES.getOpaque(this) < 0) {
        closeIfUnused();
      }
    }

    boolean acquire() {
      int seen = uses;
      while (seen >= 0) {
        if (USES.compareAndSet(this, seen, seen + 1)) {
          return true;
        }
        seen = uses;
      }
      return false;
    }

    void release() {
      if ((int) USES.getAndAdd(this, -1) < 0) {
        closeIfUnused();
      }
    }

    @Override
    public void run() {
      USES.getAndBitwiseOr(this, CLOSED);
      barrier();
      USES.getAndBitwiseOr(this, SETTLED);
      closeIfUnused();
    }

    private void closeIfUnused() {
      VarHandle.fullFence();
      int unused = CLOSED | SETTLED;
      if (uses == unused
          && !CallFrame.anyUses(id)
          && USES.compareAndSet(this, unused, unused | GONE)) {
        calls.close(CallFrame.current(), number);
      }
    }

    /// Returns when each thread has been at a point between two accesses to memory, with what it
    /// wrote before visible to this thread, and what this thread wrote visible to it afterwards.
    ///
    /// Closing a shared arena is that: its segments are read without fences too, so the JVM shakes
    /// hands with every thread. One that is in a system call need not come back for it.
    @SuppressWarnings("MustBeClosedChecker") // it is closed at once
    private static void barrier() {
      Arena.ofShared().close();
    }
  }
}
