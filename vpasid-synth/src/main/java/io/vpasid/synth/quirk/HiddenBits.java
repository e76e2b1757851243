package io.vpasid.synth.quirk;

import io.vpasid.pci.ByteRange;
import java.util.Comparator;
import java.util.Locale;

/// Register bits that no capability describes.
///
/// ```text
///        31            24 23            16 15             8 7              0
///  dword |   offset + 3    |   offset + 2    |   offset + 1    |     offset      |
/// ```
///
/// @param range the bytes from the first that has such a bit to the last; inside the 4096 bytes of
///   a configuration space and not empty
/// @param mask when the range lies in one dword: which bits of that dword they are, bits 7:0 being
///   the byte at the dword's own offset. Otherwise every bit of the range, and this is 0xffffffff
/// @param access what software does with them
/// @param evidence how it is known that they are there
/// @param what name or meaning, for people to read
/// @param source the quirk that knows of them
public record HiddenBits(
    ByteRange range, int mask, Access access, Evidence evidence, String what, QuirkSource source) {

  private static final int ALL = 0xffffffff;

  /// By ascending offset.
  static final Comparator<HiddenBits> BY_OFFSET =
      (a, b) -> Integer.compare(a.range.offset(), b.range.offset());

  /// All bits of `range`.
  ///
  /// @param range 1 byte or more, of any alignment
  static HiddenBits allOf(
      ByteRange range, Access access, Evidence evidence, String what, QuirkSource source) {
    int shift = (range.offset() & 3) * 8;
    int mask = isInOneDword(range) ? (ALL >>> (32 - range.length() * 8)) << shift : ALL;
    return new HiddenBits(range, mask, access, evidence, what, source);
  }

  /// The bits of `mask` in the dword at `dword`.
  ///
  /// @param dword offset of the dword, a multiple of 4
  /// @param mask at least one bit
  static HiddenBits masked(
      int dword, int mask, Access access, Evidence evidence, String what, QuirkSource source) {
    int first = Integer.numberOfTrailingZeros(mask) / 8;
    int last = (31 - Integer.numberOfLeadingZeros(mask)) / 8;
    ByteRange range = ByteRange.between(dword + first, dword + last + 1);
    return new HiddenBits(range, mask, access, evidence, what, source);
  }

  /// True if they are all bits of the range.
  public boolean isWholeBytes() {
    return equals(allOf(range, access, evidence, what, source));
  }

  /// True if every bit of `other` is among these.
  boolean contains(HiddenBits other) {
    return range.contains(other.range)
        && (isWholeBytes() || (sameDword(other) && (other.mask & ~mask) == 0));
  }

  /// True if they share a bit with `other`.
  boolean overlaps(HiddenBits other) {
    return range.overlaps(other.range) && (!sameDword(other) || (other.mask & mask) != 0);
  }

  /// True if both lie in the same dword, so that their masks can be compared.
  private boolean sameDword(HiddenBits other) {
    return isInOneDword(range)
        && isInOneDword(other.range)
        && (range.offset() & ~3) == (other.range.offset() & ~3);
  }

  private static boolean isInOneDword(ByteRange range) {
    return (range.offset() & ~3) == ((range.end() - 1) & ~3);
  }

  /// As in `0xff8-0xffb ELBI_CTRL (rw), by habana-gaudi (built in)`.
  @Override
  public String toString() {
    return String.format(
        Locale.ROOT,
        "%s%s %s (%s), by %s",
        range,
        isWholeBytes() ? "" : String.format(Locale.ROOT, " mask 0x%08x", mask),
        what,
        access,
        source);
  }
}
