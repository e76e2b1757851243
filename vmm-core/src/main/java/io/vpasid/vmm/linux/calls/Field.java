package io.vpasid.vmm.linux.calls;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemorySegment;

/// A member of a [Struct].
///
/// @param offset bytes before it
/// @param width its bytes: 1, 4 or 8
public record Field(long offset, int width) {

  /// Sets it in the structure at `start`; bits above its width are ignored.
  void set(MemorySegment memory, long start, long value) {
    switch (width) {
      case 1 -> memory.set(JAVA_BYTE, start + offset, (byte) value);
      case 4 -> memory.set(JAVA_INT, start + offset, (int) value);
      default -> memory.set(JAVA_LONG, start + offset, value);
    }
  }

  /// Its value in the structure at `start`, zero-extended.
  long get(MemorySegment memory, long start) {
    return switch (width) {
      case 1 -> Byte.toUnsignedLong(memory.get(JAVA_BYTE, start + offset));
      case 4 -> Integer.toUnsignedLong(memory.get(JAVA_INT, start + offset));
      default -> memory.get(JAVA_LONG, start + offset);
    };
  }
}
