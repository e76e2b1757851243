package io.vpasid.pci;

import java.util.HexFormat;

/// A run of bytes in a configuration space.
///
/// @param offset first byte, from the start of the configuration space; not negative
/// @param length number of bytes; may be 0, which is a place but covers nothing
public record ByteRange(int offset, int length) {
  private static final HexFormat HEX = HexFormat.of();

  /// @throws IllegalArgumentException if a value is negative or the end does not fit an `int`
  public ByteRange {
    if (offset < 0 || length < 0 || offset > Integer.MAX_VALUE - length) {
      throw new IllegalArgumentException(
          "A byte range needs offset and length of at least 0, not " + offset + " and " + length);
    }
  }

  /// The range from `offset` up to but not including `end`.
  ///
  /// @throws IllegalArgumentException if `end` lies before `offset`
  public static ByteRange between(int offset, int end) {
    return new ByteRange(offset, end - offset);
  }

  /// The first byte behind the range.
  public int end() {
    return offset + length;
  }

  /// True if the range covers nothing.
  public boolean isEmpty() {
    return length == 0;
  }

  /// True if the byte at `position` belongs to the range.
  public boolean contains(int position) {
    return position >= offset && position < end();
  }

  /// True if every byte of `other` belongs to this range.
  public boolean contains(ByteRange other) {
    return other.offset >= offset && other.end() <= end();
  }

  /// True if the two ranges share at least one byte.
  public boolean overlaps(ByteRange other) {
    return length > 0 && other.length > 0 && offset < other.end() && other.offset < end();
  }

  /// First and last byte, both included, as in `0x230-0x237`; an empty range is `0x230 (empty)`.
  @Override
  public String toString() {
    return length == 0 ? hex(offset) + " (empty)" : hex(offset) + "-" + hex(end() - 1);
  }

  /// At least three digits. Faster than a format: the reasons of a plan name ranges.
  private static String hex(int offset) {
    return offset < 0x1000 ? "0x" + HEX.toHexDigits(offset, 3) : "0x" + Integer.toHexString(offset);
  }
}
