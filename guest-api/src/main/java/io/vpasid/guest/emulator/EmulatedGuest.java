package io.vpasid.guest.emulator;

import io.vpasid.guest.emulator.Enumeration.Found;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/// A guest kernel's dealings with one function: it sizes the configuration space, walks the lists
/// and enables PASIDs in the way, and with the limits, of Linux 7.3.
///
/// It shares no code with the engine that makes the guest view, so that each tests the other.
public final class EmulatedGuest {
  private static final int STATUS = 0x06;
  private static final int STATUS_CAPABILITIES_LIST = 0x10;
  private static final int CAPABILITIES_POINTER = 0x34;
  private static final int MAX_STANDARD_STEPS = 48;

  private static final int STANDARD_SIZE = 0x100;
  private static final int EXTENDED_SIZE = 0x1000;
  private static final int MAX_EXTENDED_STEPS = (EXTENDED_SIZE - STANDARD_SIZE) / 8;

  private static final int PCI_EXPRESS = 0x10;
  private static final int PCI_EXPRESS_FLAGS = 0x02;
  private static final int DEVICE_CAPABILITIES_2 = 0x24;
  private static final int END_END_PREFIX_SUPPORTED = 1 << 21;

  private static final int PASID = 0x1b;
  private static final int PASID_CAPABILITY = 0x04;
  private static final int PASID_CONTROL = 0x06;
  private static final int PASID_ENABLE = 1;
  private static final int PASID_PERMISSIONS = 0x06;

  private final ConfigPort port;

  /// A guest that has not looked yet.
  public EmulatedGuest(ConfigPort port) {
    this.port = port;
  }

  /// Sizes the configuration space and walks both lists.
  public Enumeration enumerate() {
    int ids = port.read(0, 4);
    List<Found> standard = walkStandard();
    int size = hasExtendedSpace(standard) ? EXTENDED_SIZE : STANDARD_SIZE;
    return new Enumeration(
        ids & 0xffff,
        ids >>> 16,
        size,
        standard,
        size == EXTENDED_SIZE ? walkExtended() : List.of());
  }

  private List<Found> walkStandard() {
    List<Found> found = new ArrayList<>();
    if ((port.read(STATUS, 2) & STATUS_CAPABILITIES_LIST) == 0) {
      return found;
    }
    int position = port.read(CAPABILITIES_POINTER, 1);
    for (int step = 0; step < MAX_STANDARD_STEPS && position >= 0x40; step++) {
      int at = position & ~3;
      int header = port.read(at, 2);
      int id = header & 0xff;
      if (id == 0xff) {
        break;
      }
      found.add(new Found(id, at));
      position = header >>> 8;
    }
    return found;
  }

  private boolean hasExtendedSpace(List<Found> standard) {
    if (standard.stream().noneMatch(f -> f.id() == PCI_EXPRESS)) {
      return false;
    }
    return port.read(STANDARD_SIZE, 4) != -1 && !isAliased();
  }

  /// True if the dword at every 0x100 repeats the ids.
  private boolean isAliased() {
    int ids = port.read(0, 4);
    for (int at = STANDARD_SIZE; at < EXTENDED_SIZE; at += STANDARD_SIZE) {
      if (port.read(at, 4) != ids) {
        return false;
      }
    }
    return true;
  }

  private List<Found> walkExtended() {
    List<Found> found = new ArrayList<>();
    int position = STANDARD_SIZE;
    for (int step = 0; step < MAX_EXTENDED_STEPS && position >= STANDARD_SIZE; step++) {
      int header = port.read(position, 4);
      if (header == 0) {
        break;
      }
      found.add(new Found(header & 0xffff, position));
      position = header >>> 20 & 0xffc;
    }
    return found;
  }

  /// Enables PASIDs, with every permission that the capability offers.
  ///
  /// What the function alone decides is checked as the kernel does. What hangs on the rest of the
  /// machine (the virtual IOMMU, the ports above) is taken to be in order.
  public EnableOutcome enablePasid() {
    Enumeration seen = enumerate();
    Optional<Integer> express = seen.capability(PCI_EXPRESS);
    Optional<Integer> pasid = seen.extendedCapability(PASID);
    if (pasid.isEmpty()) {
      return new EnableOutcome.NotEnabled("there is no PASID capability in the list.");
    }
    if (express.isEmpty() || !hasEndEndPrefixes(express.get())) {
      return new EnableOutcome.NotEnabled(
          String.format(
              Locale.ROOT,
              "the function has no End-End TLP prefixes (Device Capabilities 2 bit 21 at 0x%03x).",
              express.orElse(0) + DEVICE_CAPABILITIES_2));
    }
    int at = pasid.get();
    int capability = port.read(at + PASID_CAPABILITY, 2);
    port.write(at + PASID_CONTROL, 2, PASID_ENABLE | (capability & PASID_PERMISSIONS));
    int control = port.read(at + PASID_CONTROL, 2);
    if ((control & PASID_ENABLE) == 0) {
      return new EnableOutcome.NotEnabled(
          String.format(
              Locale.ROOT, "PASID Enable does not stick (control at 0x%03x).", at + PASID_CONTROL));
    }
    return new EnableOutcome.Enabled(
        at, capability >>> 8 & 0x1f, (control & 2) != 0, (control & 4) != 0);
  }

  /// Disables PASIDs.
  ///
  /// @return whether there was a capability to do it in
  public boolean disablePasid() {
    Optional<Integer> pasid = enumerate().extendedCapability(PASID);
    pasid.ifPresent(at -> port.write(at + PASID_CONTROL, 2, 0));
    return pasid.isPresent();
  }

  private boolean hasEndEndPrefixes(int express) {
    return (port.read(express + PCI_EXPRESS_FLAGS, 2) & 0xf) >= 2
        && (port.read(express + DEVICE_CAPABILITIES_2, 4) & END_END_PREFIX_SUPPORTED) != 0;
  }
}
