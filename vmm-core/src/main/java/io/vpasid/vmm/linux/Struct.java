package io.vpasid.vmm.linux;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemoryLayout.PathElement;
import java.lang.foreign.StructLayout;
import java.lang.foreign.ValueLayout;

/// A structure of the kernel's headers. Its members are aligned by nature and have no gaps.
public final class Struct {
  private final StructLayout layout;
  private final int size;

  private Struct(StructLayout layout) {
    this.layout = layout;
    this.size = Math.toIntExact(layout.byteSize());
  }

  static Struct of(String name, MemoryLayout... members) {
    return new Struct(MemoryLayout.structLayout(members).withName(name));
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
  public String name() {
    return layout.name().orElseThrow();
  }

  /// Its bytes.
  public int size() {
    return size;
  }

  /// Its members, in order.
  StructLayout layout() {
    return layout;
  }

  /// One of its members.
  Field field(String name) {
    PathElement path = PathElement.groupElement(name);
    return new Field(layout.byteOffset(path), Math.toIntExact(layout.select(path).byteSize()));
  }
}
