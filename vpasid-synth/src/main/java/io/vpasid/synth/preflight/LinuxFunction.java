package io.vpasid.synth.preflight;

import io.vpasid.pci.ConfigSpace;
import io.vpasid.pci.Header;
import java.util.Locale;

/// A function's bytes as Linux makes sense of them: its own walks with its own limits, and no table
/// of lengths. What it tells may differ from [io.vpasid.pci.capability.CapabilityChain] on broken
/// lists, which is why it is here.
///
/// Whatever the bytes are, nothing throws; a register outside the space reads as nobody answering.
final class LinuxFunction {
  /// Name in [Evidence#of] of the function that the preflight is about.
  static final String ITSELF = "function";

  static final int EXPRESS = 0x10;
  static final int PCI_X = 0x07;

  static final int PASID = 0x1b;
  static final int ACS = 0x0d;
  static final int ATS = 0x0f;
  static final int PRI = 0x13;

  static final int ENDPOINT = 0;
  static final int LEGACY_ENDPOINT = 1;
  static final int ROOT_PORT = 4;
  static final int UPSTREAM_PORT = 5;
  static final int DOWNSTREAM_PORT = 6;
  static final int EXPRESS_TO_PCI_BRIDGE = 7;
  static final int PCI_TO_EXPRESS_BRIDGE = 8;
  static final int ROOT_COMPLEX_ENDPOINT = 9;
  static final int EVENT_COLLECTOR = 10;

  static final int EXTENDED_HEADERS = 480;

  private static final int STANDARD_HEADERS = 48;
  private static final int STANDARD_START = 0x40;
  private static final int LAST_LAYOUT = 2;

  private static final int EXPRESS_FLAGS = 0x02;
  private static final int DEVICE_CAPABILITIES_2 = 0x24;
  private static final int END_END_PREFIX_SUPPORTED = 1 << 21;
  private static final int PCI_X_STATUS = 0x04;
  private static final int PCI_X_MODE_2 = 0xc000_0000;
  private static final int MULTI_FUNCTION = 0x80;
  private static final int HOST_BRIDGE = 0x0600;

  private final String label;
  private final ConfigSpace config;

  /// Offset of the PCI Express capability; 0 if Linux finds none.
  private final int express;

  LinuxFunction(String label, ConfigSpace config) {
    this.label = label;
    this.config = config;
    express = standardCapability(EXPRESS);
  }

  static LinuxFunction port(int index, ConfigSpace config) {
    return new LinuxFunction(
        String.format(Locale.ROOT, "port %d (%s)", index + 1, config.id()), config);
  }

  /// Whose registers these are, for texts.
  String label() {
    return label;
  }

  ConfigSpace config() {
    return config;
  }

  int u16(int offset) {
    return offset + 2 <= config.size() ? config.u16(offset) : 0xffff;
  }

  int u32(int offset) {
    return offset + 4 <= config.size() ? config.u32(offset) : 0xffffffff;
  }

  Evidence byteAt(int offset, String what) {
    int value = offset < config.size() ? config.u8(offset) : 0xff;
    return new Evidence(label, offset, 1, value, what);
  }

  Evidence wordAt(int offset, String what) {
    return new Evidence(label, offset, 2, u16(offset), what);
  }

  Evidence dwordAt(int offset, String what) {
    return new Evidence(label, offset, 4, Integer.toUnsignedLong(u32(offset)), what);
  }

  /// Offset of the first standard capability with this id; 0 if Linux finds none.
  int standardCapability(int id) {
    int layout = config.headerLayout();
    if ((config.u16(Header.STATUS) & Header.STATUS_CAPABILITIES_LIST) == 0
        || layout > LAST_LAYOUT) {
      return 0;
    }
    int pointer = config.u8(Header.capabilitiesPointer(layout));
    for (int i = 0; i < STANDARD_HEADERS && pointer >= STANDARD_START; i++) {
      int position = pointer & ~3;
      int header = config.u16(position);
      int found = header & 0xff;
      if (found == 0xff) {
        return 0;
      }
      if (found == id) {
        return position;
      }
      pointer = header >>> 8;
    }
    return 0;
  }

  /// Looks for an extended capability as if the space had 4096 bytes.
  ExtendedSearch extendedCapability(int id) {
    int position = ConfigSpace.EXTENDED_START;
    int placeholder = 0;
    int allOnes = 0;
    for (int headers = 1; ; headers++) {
      int header = u32(position);
      if (header == 0) {
        return new ExtendedSearch(
            0, ExtendedSearch.Stop.ZERO_HEADER, position, header, headers, placeholder, allOnes);
      }
      if ((header & 0xffff) == id) {
        return new ExtendedSearch(
            position, ExtendedSearch.Stop.FOUND, position, header, headers, placeholder, allOnes);
      }
      if (placeholder == 0 && (header & 0xfffff) == 0) {
        placeholder = position;
      }
      if (allOnes == 0 && header == 0xffffffff) {
        allOnes = position;
      }
      int next = header >>> 20 & 0xffc;
      if (next < ConfigSpace.EXTENDED_START || headers == EXTENDED_HEADERS) {
        ExtendedSearch.Stop stop =
            next == 0
                ? ExtendedSearch.Stop.END
                : next < ConfigSpace.EXTENDED_START
                    ? ExtendedSearch.Stop.POINTER_BELOW
                    : ExtendedSearch.Stop.LIMIT;
        return new ExtendedSearch(0, stop, position, header, headers, placeholder, allOnes);
      }
      position = next;
    }
  }

  boolean isExpress() {
    return express != 0;
  }

  /// Offset of the PCI Express capability, 0 if there is none.
  int express() {
    return express;
  }

  /// Version of the PCI Express capability, 0 to 15; 0 if there is none.
  int expressVersion() {
    return isExpress() ? u16(express + EXPRESS_FLAGS) & 0xf : 0;
  }

  /// Device/Port Type, 0 to 15; -1 without a PCI Express capability.
  int portType() {
    return isExpress() ? u16(express + EXPRESS_FLAGS) >>> 4 & 0xf : -1;
  }

  /// As in `Root Port (type 4)`.
  String portTypeText() {
    int type = portType();
    String name =
        switch (type) {
          case -1 -> "function without a PCI Express capability";
          case ENDPOINT -> "Endpoint";
          case LEGACY_ENDPOINT -> "Legacy Endpoint";
          case ROOT_PORT -> "Root Port";
          case UPSTREAM_PORT -> "Upstream Port";
          case DOWNSTREAM_PORT -> "Downstream Port";
          case EXPRESS_TO_PCI_BRIDGE -> "PCI Express to PCI bridge";
          case PCI_TO_EXPRESS_BRIDGE -> "PCI to PCI Express bridge";
          case ROOT_COMPLEX_ENDPOINT -> "Root Complex Integrated Endpoint";
          case EVENT_COLLECTOR -> "Root Complex Event Collector";
          default -> "function of a reserved type";
        };
    return type < 0 ? name : name + " (type " + type + ")";
  }

  /// True if Device Capabilities 2 can be read and has bit 21; a capability of version 1 has no
  /// such register.
  boolean hasEndEndPrefixes() {
    return expressVersion() >= 2
        && express + DEVICE_CAPABILITIES_2 + 4 <= config.size()
        && (u32(express + DEVICE_CAPABILITIES_2) & END_END_PREFIX_SUPPORTED) != 0;
  }

  Evidence expressFlags() {
    return wordAt(express + EXPRESS_FLAGS, "PCI Express Capabilities");
  }

  Evidence deviceCapabilities2() {
    return dwordAt(express + DEVICE_CAPABILITIES_2, "Device Capabilities 2");
  }

  /// True if a PCI-X capability says that the function runs at 266 or 533 MHz, which has 4096 bytes
  /// of configuration space.
  boolean isPciXMode2() {
    int at = standardCapability(PCI_X);
    return at != 0
        && at + PCI_X_STATUS + 4 <= config.size()
        && (u32(at + PCI_X_STATUS) & PCI_X_MODE_2) != 0;
  }

  boolean isHostBridge() {
    return config.classCode() >>> 8 == HOST_BRIDGE;
  }

  /// Header Type bit 7.
  boolean hasMultiFunctionBit() {
    return (config.u8(Header.HEADER_TYPE) & MULTI_FUNCTION) != 0;
  }
}
