package io.vpasid.synth.placement;

import io.vpasid.pci.ByteRange;
import java.util.List;
import java.util.Optional;

/// Request for a hole, with what the user and the quirks say of where.
///
/// @param length of the capability in bytes, a multiple of 4
/// @param requested the offset that the user wants; there or nowhere
/// @param pinned the offset that a quirk names
/// @param ownSlot the bytes of the device's own capability of the same kind, which is hidden
/// @param available ranges to try before any other, in order
/// @param shadowable live ranges that may be taken when nothing else is left, in order
/// @param shadowing the user allows the requested offset to cover what lives there
/// @param emptyList whether the extended list has no capability, so that 0x100 has to be ours
public record HoleRequest(
    int length,
    Optional<Wish> requested,
    Optional<Wish> pinned,
    Optional<ByteRange> ownSlot,
    List<Wish> available,
    List<Wish> shadowable,
    boolean shadowing,
    boolean emptyList) {

  /// @throws IllegalArgumentException if the length is not a positive multiple of 4
  public HoleRequest {
    if (length <= 0 || (length & 3) != 0) {
      throw new IllegalArgumentException("A capability has a multiple of 4 bytes, not " + length);
    }
    available = List.copyOf(available);
    shadowable = List.copyOf(shadowable);
  }

  /// Bytes that somebody names.
  ///
  /// @param range the bytes; of an offset, the place for the capability there
  /// @param says who names them, for people: `--offset`, or a quirk's id and file
  public record Wish(ByteRange range, String says) {}
}
