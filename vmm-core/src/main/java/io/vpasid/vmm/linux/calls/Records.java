package io.vpasid.vmm.linux.calls;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/// A buffer of equal structures, or of bytes, that a request points to or that is read or written.
/// It is for one thread, and its memory goes when it is closed.
public final class Records implements AutoCloseable {
  private final Arena arena = Arena.ofConfined();
  private final MemorySegment memory;
  private final int stride;

  private Records(long bytes, int stride) {
    this.memory = arena.allocate(bytes, JAVA_LONG.byteAlignment());
    this.stride = stride;
  }

  /// Room for some structures, all zero.
  public static Records room(int count, Struct struct) {
    return new Records((long) count * struct.size(), struct.size());
  }

  /// Room for some bytes, all zero.
  public static Records room(int bytes) {
    return new Records(bytes, 1);
  }

  /// A copy of bytes.
  public static Records of(byte... bytes) {
    Records records = new Records(bytes.length, 1);
    records.memory.copyFrom(MemorySegment.ofArray(bytes));
    return records;
  }

  /// The memory, to point to it.
  public MemorySegment memory() {
    return memory;
  }

  /// Number of bytes.
  public int size() {
    return (int) memory.byteSize();
  }

  /// Sets a member of a structure.
  public void set(int index, Field field, long value) {
    field.set(memory, (long) index * stride, value);
  }

  /// A member of a structure, zero-extended.
  public long get(int index, Field field) {
    return field.get(memory, (long) index * stride);
  }

  /// A member of a structure as an int.
  public int getInt(int index, Field field) {
    return (int) get(index, field);
  }

  /// The first bytes.
  public byte[] bytes(int count) {
    return memory.asSlice(0, count).toArray(JAVA_BYTE);
  }

  /// Fills the buffer from a file.
  ///
  /// @return number of bytes, or a negated errno
  public int readFrom(OwnedFd file) {
    return file.read(memory);
  }

  /// Writes the buffer to a file.
  ///
  /// @return number of bytes, or a negated errno
  public int writeTo(OwnedFd file) {
    return file.write(memory);
  }

  @Override
  public void close() {
    arena.close();
  }
}
