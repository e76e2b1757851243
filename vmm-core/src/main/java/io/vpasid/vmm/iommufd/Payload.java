package io.vpasid.vmm.iommufd;

import java.util.Arrays;
import java.util.HexFormat;

/// Bytes of a structure for which there is no type here, in the order in which they lie in memory.
public final class Payload {
  private final byte[] bytes;

  private Payload(byte[] bytes) {
    this.bytes = bytes;
  }

  /// A payload with a copy of these bytes.
  public static Payload of(byte... bytes) {
    return new Payload(bytes.clone());
  }

  /// Number of bytes.
  public int size() {
    return bytes.length;
  }

  /// A copy of the bytes.
  public byte[] toByteArray() {
    return bytes.clone();
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Payload that && Arrays.equals(bytes, that.bytes);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(bytes);
  }

  /// The bytes in hexadecimal.
  @Override
  public String toString() {
    return HexFormat.of().formatHex(bytes);
  }
}
