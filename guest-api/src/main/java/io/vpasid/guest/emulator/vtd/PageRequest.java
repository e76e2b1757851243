package io.vpasid.guest.emulator.vtd;

import java.util.Locale;

/// A request of a function for a page.
///
/// @param pasid 0 for the function itself
/// @param address of the page
/// @param write whether it wants to write
/// @param group index
public record PageRequest(int pasid, long address, boolean write, int group) {
  @Override
  public String toString() {
    return String.format(
        Locale.ROOT,
        "to %s the page 0x%x by %s",
        write ? "write" : "read",
        address,
        pasid == 0 ? "the function itself" : "PASID " + pasid);
  }
}
