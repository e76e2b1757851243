package io.vpasid.synth.quirk;

import java.util.Locale;

/// A run of ids or revisions, both ends included.
///
/// @param first the lowest
/// @param last the highest, not below `first`
public record IdRange(int first, int last) {

  /// @throws IllegalArgumentException if the range is turned round, negative, or reaches past
  ///   0xffff
  public IdRange {
    if (first < 0 || last < first || last > 0xffff) {
      throw new IllegalArgumentException(
          String.format(Locale.ROOT, "No range of ids: 0x%x to 0x%x", first, last));
    }
  }

  /// True if `id` is one of them.
  public boolean contains(int id) {
    return id >= first && id <= last;
  }

  /// True if every id of `other` is one of them.
  boolean contains(IdRange other) {
    return other.first >= first && other.last <= last;
  }

  /// True if it is only one.
  boolean isSingle() {
    return first == last;
  }

  /// As quirk files write it: `0x20b0` or `0x20b0-0x20b7`.
  @Override
  public String toString() {
    return isSingle()
        ? String.format(Locale.ROOT, "0x%04x", first)
        : String.format(Locale.ROOT, "0x%04x-0x%04x", first, last);
  }

  /// As quirk files write revisions: `0xa1` or `0xa0-0xaf`.
  public String toRevisions() {
    return isSingle()
        ? String.format(Locale.ROOT, "0x%02x", first)
        : String.format(Locale.ROOT, "0x%02x-0x%02x", first, last);
  }
}
