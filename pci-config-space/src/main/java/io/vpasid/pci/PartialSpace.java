package io.vpasid.pci;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;

/// A configuration space of which some bytes are not known, because a dump does not have them.
///
/// It is never taken for a [ConfigSpace]: what is missing could be anything. Immutable.
public final class PartialSpace {
  private final byte[] bytes;
  private final BitSet missing;

  /// A space with a copy of these bytes.
  ///
  /// @param bytes 256 or 4096 of them; those that are missing are not looked at
  /// @param missing the offsets of those that are not known
  /// @throws IllegalArgumentException if there is another number of bytes
  public PartialSpace(byte[] bytes, BitSet missing) {
    this.bytes = ConfigSpace.of(bytes).toByteArray();
    this.missing = missing.get(0, bytes.length);
    for (int at = missing.nextSetBit(0); at >= 0 && at < bytes.length; ) {
      this.bytes[at] = 0;
      at = missing.nextSetBit(at + 1);
    }
  }

  /// Number of bytes that the space has: 4096 if any above 0xff is known, otherwise 256.
  public int size() {
    return bytes.length;
  }

  /// How many bytes are known.
  public int known() {
    return bytes.length - missing.cardinality();
  }

  /// True if all bytes of `range` are known; false if it reaches outside the space.
  public boolean has(ByteRange range) {
    int next = missing.nextSetBit(range.offset());
    return range.end() <= bytes.length && (next < 0 || next >= range.end());
  }

  /// The runs of bytes that are not known, in address order.
  public List<ByteRange> missing() {
    List<ByteRange> runs = new ArrayList<>();
    for (int start = missing.nextSetBit(0); start >= 0; ) {
      int end = Math.min(missing.nextClearBit(start), bytes.length);
      runs.add(ByteRange.between(start, end));
      start = missing.nextSetBit(end);
    }
    return runs;
  }

  /// The bytes, with 0 for those that are not known.
  public ConfigSpace withZeros() {
    return ConfigSpace.of(bytes);
  }

  /// The bytes, with 0xff for those that are not known.
  public ConfigSpace withOnes() {
    byte[] filled = bytes.clone();
    missing.stream().forEach(at -> filled[at] = (byte) 0xff);
    return ConfigSpace.of(filled);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof PartialSpace that
        && Arrays.equals(bytes, that.bytes)
        && missing.equals(that.missing);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(bytes);
  }

  /// How many bytes are known: `512 of 4096 bytes`; not the content.
  @Override
  public String toString() {
    return known() + " of " + size() + " bytes";
  }
}
