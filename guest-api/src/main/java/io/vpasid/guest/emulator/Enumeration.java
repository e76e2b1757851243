package io.vpasid.guest.emulator;

import java.util.List;
import java.util.Optional;

/// The findings of a guest in a function's configuration space.
///
/// @param vendor Vendor ID, 0 to 0xffff
/// @param device Device ID, 0 to 0xffff
/// @param configSize bytes of configuration space that the guest believes in: 256 or 4096
/// @param capabilities of the standard list, in list order
/// @param extendedCapabilities of the extended list, in list order
public record Enumeration(
    int vendor,
    int device,
    int configSize,
    List<Found> capabilities,
    List<Found> extendedCapabilities) {

  public Enumeration {
    capabilities = List.copyOf(capabilities);
    extendedCapabilities = List.copyOf(extendedCapabilities);
  }

  /// A capability header.
  ///
  /// @param id 8 bits in the standard list, 16 in the extended one
  /// @param offset where it is
  public record Found(int id, int offset) {}

  /// Offset of the first standard capability with this id.
  public Optional<Integer> capability(int id) {
    return first(capabilities, id);
  }

  /// Offset of the first extended capability with this id.
  public Optional<Integer> extendedCapability(int id) {
    return first(extendedCapabilities, id);
  }

  private static Optional<Integer> first(List<Found> list, int id) {
    return list.stream().filter(f -> f.id() == id).map(Found::offset).findFirst();
  }
}
