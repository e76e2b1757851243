package io.vpasid.guest.scenario;

import io.vpasid.guest.emulator.Enumeration;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalInt;

/// A register of a function: by its name, at an offset of a capability wherever that is, or by its
/// own offset.
///
/// @param name how messages call it
/// @param capability whose it is; empty: `at` counts from the start of the space
/// @param at offset in bytes
/// @param width 1, 2 or 4 bytes
record Register(String name, Optional<Owner> capability, int at, int width) {

  /// A capability.
  ///
  /// @param id its id
  /// @param extended whether it is in the extended list
  record Owner(int id, boolean extended) {}

  private static final Owner POWER_MANAGEMENT = new Owner(0x01, false);
  private static final Owner MSI = new Owner(0x05, false);
  private static final Owner PCI_EXPRESS = new Owner(0x10, false);
  private static final Owner MSI_X = new Owner(0x11, false);
  private static final Owner ATS = new Owner(0x0f, true);
  private static final Owner PRI = new Owner(0x13, true);
  private static final Owner PASID = new Owner(0x1b, true);

  /// The registers with a name (PCI Express Base Specification 7.0, sections 7.5, 7.7, 7.8, 10.5).
  static final List<Register> NAMED =
      List.of(
          header("vendor-id", 0x00, 2),
          header("device-id", 0x02, 2),
          header("command", 0x04, 2),
          header("status", 0x06, 2),
          header("class-code", 0x08, 4),
          header("bar0", 0x10, 4),
          header("bar1", 0x14, 4),
          header("bar2", 0x18, 4),
          header("bar3", 0x1c, 4),
          header("bar4", 0x20, 4),
          header("bar5", 0x24, 4),
          header("interrupt-line", 0x3c, 1),
          of(POWER_MANAGEMENT, "pm-control", 0x04, 2),
          of(MSI, "msi-control", 0x02, 2),
          of(MSI_X, "msix-control", 0x02, 2),
          of(PCI_EXPRESS, "device-capabilities", 0x04, 4),
          of(PCI_EXPRESS, "device-control", 0x08, 2),
          of(PCI_EXPRESS, "device-status", 0x0a, 2),
          of(PCI_EXPRESS, "device-capabilities-2", 0x24, 4),
          of(ATS, "ats-capability", 0x04, 2),
          of(ATS, "ats-control", 0x06, 2),
          of(PRI, "pri-control", 0x04, 2),
          of(PRI, "pri-status", 0x06, 2),
          of(PASID, "pasid-header", 0x00, 4),
          of(PASID, "pasid-capability", 0x04, 2),
          of(PASID, "pasid-control", 0x06, 2));

  private static Register header(String name, int at, int width) {
    return new Register(name, Optional.empty(), at, width);
  }

  private static Register of(Owner capability, String name, int at, int width) {
    return new Register(name, Optional.of(capability), at, width);
  }

  /// A register by its own offset.
  static Register atOffset(int offset, int width) {
    return header(String.format(Locale.ROOT, "0x%03x", offset), offset, width);
  }

  /// Its offset in a function; empty if that has no such capability.
  OptionalInt offsetIn(Enumeration seen) {
    if (capability.isEmpty()) {
      return OptionalInt.of(at);
    }
    Owner owner = capability.get();
    return (owner.extended() ? seen.extendedCapability(owner.id()) : seen.capability(owner.id()))
        .map(start -> OptionalInt.of(start + at))
        .orElse(OptionalInt.empty());
  }
}
