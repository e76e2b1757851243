package io.vpasid.vmm.linux.calls;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.Collections;
import java.util.Set;
import java.util.WeakHashMap;

/// One thread's memory for system calls: a place for `errno`, and a block in which the structure of
/// an ioctl, or a few bytes of a register, are handed over.
///
/// There is one per thread, used again by every call, so that a call allocates nothing. It is
/// filled, handed to one call and read before the same thread makes another.
public final class CallFrame {
  /// Bytes of the block; more than the longest structure of a request.
  public static final int BLOCK = 256;

  private static final VarHandle USED;

  static {
    try {
      USED = MethodHandles.lookup().findVarHandle(CallFrame.class, "used", long.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  /// Those of all threads, until they are garbage.
  private static final Set<CallFrame> ALL = Collections.newSetFromMap(new WeakHashMap<>());

  private static final ThreadLocal<CallFrame> FRAMES = ThreadLocal.withInitial(CallFrame::new);

  /// The frame asked for last, by whichever thread: a thread that makes call after call finds its
  /// own here, faster than among its locals. Threads race for it and may overwrite each other,
  /// which costs them time and nothing else.
  private static CallFrame last = FRAMES.get();

  /// Only this thread uses it.
  private final Thread owner = Thread.currentThread();

  /// The id of the descriptor that the thread makes a call on now; 0 for none. It is a number since
  /// the garbage collector may want a fence where a reference is stored.
  @SuppressWarnings("UnusedVariable") // used through USED
  private long used;

  final MemorySegment state;
  final MemorySegment block;

  private CallFrame() {
    Arena arena = Arena.ofAuto();
    state = arena.allocate(Libc.STATE);
    block = arena.allocate(BLOCK, JAVA_LONG.byteAlignment());
    synchronized (ALL) {
      ALL.add(this);
    }
  }

  /// This thread's.
  public static CallFrame current() {
    CallFrame frame = last;
    if (frame.owner != Thread.currentThread()) {
      frame = FRAMES.get();
      last = frame;
    }
    return frame;
  }

  /// This thread's, with a structure in its block that is zero but for its first member, its size.
  static CallFrame with(Struct struct) {
    CallFrame frame = current();
    int size = struct.size();
    for (int at = 0; at < size; at += Long.BYTES) {
      frame.block.set(JAVA_LONG, at, 0);
    }
    frame.block.set(JAVA_INT, 0, size);
    return frame;
  }

  /// Says that this thread makes a call on the descriptor with this id, or on none: 0. What it did
  /// on the one before is done for whoever sees that.
  void use(long id) {
    USED.setRelease(this, id);
  }

  /// True if a thread is in a call on the descriptor with this id.
  static boolean anyUses(long id) {
    synchronized (ALL) {
      for (CallFrame frame : ALL) {
        if ((long) USED.getAcquire(frame) == id) {
          return true;
        }
      }
      return false;
    }
  }

  /// Sets a member of the structure in the block.
  ///
  /// @param value the bits above the member's width are ignored
  public CallFrame set(Field field, long value) {
    field.set(block, 0, value);
    return this;
  }

  /// Sets a member that points to a buffer. The caller keeps the buffer alive until the call is
  /// done; null where it is empty.
  public CallFrame point(Field field, MemorySegment buffer) {
    return set(field, buffer.byteSize() == 0 ? 0 : buffer.address());
  }

  /// A member of the structure in the block, zero-extended.
  public long get(Field field) {
    return field.get(block, 0);
  }

  /// A member of the structure in the block as an int.
  public int getInt(Field field) {
    return (int) get(field);
  }

  /// Puts the bytes of a register into the block, little endian.
  ///
  /// @param width 1, 2 or 4
  public void setRegister(int width, int value) {
    for (int i = 0; i < width; i++) {
      block.set(JAVA_BYTE, i, (byte) (value >>> (i << 3)));
    }
  }

  /// The bytes of a register from the block, little endian and zero-extended.
  ///
  /// @param width 1, 2 or 4
  public int register(int width) {
    int value = 0;
    for (int i = 0; i < width; i++) {
      value |= Byte.toUnsignedInt(block.get(JAVA_BYTE, i)) << (i << 3);
    }
    return value;
  }
}
