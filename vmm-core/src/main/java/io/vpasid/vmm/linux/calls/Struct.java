package io.vpasid.vmm.linux.calls;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemoryLayout.PathElement;
import java.lang.foreign.StructLayout;
import java.lang.foreign.ValueLayout;

/// A structure of the kernel's headers. Its members are aligned by nature and have no gaps.
///
/// @param layout its members, in order
/// @param size its bytes; a component, because the JIT compiler takes those of constants for
///   constant
public record Struct(StructLayout layout, int size) {

  /// @throws IllegalArgumentException if the layout has another size
  public Struct {
    if (layout.byteSize() != size) {
      throw new IllegalArgumentException(layout + " has not " + size + " bytes");
    }
  }

  static Struct of(String name, MemoryLayout... members) {
    StructLayout layout = MemoryLayout.structLayout(members).withName(name);
    return new Struct(layout, Math.toIntExact(layout.byteSize()));
  }

  static ValueLayout u8(String name) {
    return JAVA_BYTE.withName(name);
  }

  static ValueLayout u32(String name) {
    return JAVA_INT.withName(name);
  }

  static ValueLayout u64(String name) {
    return JAVA_LONG.withName(name);
  }

  /// Its name in the header.
  String name() {
    return layout.name().orElseThrow();
  }

  /// One of its members.
  Field field(String name) {
    PathElement path = PathElement.groupElement(name);
    return new Field(layout.byteOffset(path), Math.toIntExact(layout.select(path).byteSize()));
  }
}
