package io.vpasid.pci.capability;

import io.vpasid.pci.ConfigSpace;
import io.vpasid.pci.Header;

/// The part of a function's PCI Express capability that decides how long *other* capabilities are.
///
/// Read once per function. A function without a PCI Express capability has [#NONE]; rules are then
/// generous, since the missing answer may be "yes".
///
/// @param portType Device/Port Type, 0 to 15, or [#NO_PORT_TYPE]
/// @param maxLinkWidth lanes in Maximum Link Width: 1, 2, 4, 8, 12, 16 or 32; 0 if the register
///   says nothing usable, as in a function that is integrated into the root complex
/// @param endEndPrefixes whether End-End TLP Prefixes are supported
record FunctionTraits(int portType, int maxLinkWidth, boolean endEndPrefixes) {

  static final int NO_PORT_TYPE = -1;
  static final int ROOT_PORT = 4;
  static final int UPSTREAM_PORT = 5;
  static final int DOWNSTREAM_PORT = 6;
  static final int PCI_EXPRESS_TO_PCI_BRIDGE = 7;
  static final int PCI_TO_PCI_EXPRESS_BRIDGE = 8;
  static final int ROOT_COMPLEX_ENDPOINT = 9;
  static final int ROOT_COMPLEX_EVENT_COLLECTOR = 10;

  /// Of a function without a PCI Express capability.
  static final FunctionTraits NONE = new FunctionTraits(NO_PORT_TYPE, 0, false);

  /// Capabilities lie at 0x40 to 0xff and have at least 4 bytes: a longer list is a loop.
  private static final int MAX_STEPS = 48;

  private static final int FLAGS = 0x02;
  private static final int LINK_CAPABILITIES = 0x0c;
  private static final int DEVICE_CAPABILITIES_2 = 0x24;

  /// Reads them; never fails, whatever the bytes are.
  static FunctionTraits of(ConfigSpace config) {
    if ((config.u16(Header.STATUS) & Header.STATUS_CAPABILITIES_LIST) == 0) {
      return NONE;
    }
    int offset = config.u8(Header.capabilitiesPointer(config.headerLayout())) & ~3;
    for (int step = 0; step < MAX_STEPS && Header.RANGE.end() <= offset; step++) {
      if (config.u8(offset) == CapabilityId.PCI_EXPRESS.value()) {
        return ofCapability(config, offset);
      }
      offset = config.u8(offset + 1) & ~3;
    }
    return NONE;
  }

  private static FunctionTraits ofCapability(ConfigSpace config, int offset) {
    int flags = config.u16(offset + FLAGS);
    boolean hasSecondSet =
        (flags & 0xf) >= 2 && offset + DEVICE_CAPABILITIES_2 + 4 <= ConfigSpace.STANDARD_SIZE;
    return new FunctionTraits(
        flags >>> 4 & 0xf,
        offset + LINK_CAPABILITIES + 4 <= ConfigSpace.STANDARD_SIZE
            ? width(config.u32(offset + LINK_CAPABILITIES) >>> 4 & 0x3f)
            : 0,
        hasSecondSet && (config.u32(offset + DEVICE_CAPABILITIES_2) >>> 21 & 1) == 1);
  }

  private static int width(int field) {
    return switch (field) {
      case 1, 2, 4, 8, 12, 16, 32 -> field;
      default -> 0;
    };
  }

  /// True if error registers for a whole hierarchy exist, or may exist.
  boolean mayCollectErrors() {
    return portType == ROOT_PORT
        || portType == ROOT_COMPLEX_EVENT_COLLECTOR
        || portType == NO_PORT_TYPE;
  }

  /// True if the function is a bridge between PCI Express and PCI or PCI-X.
  boolean isPciBridge() {
    return portType == PCI_EXPRESS_TO_PCI_BRIDGE || portType == PCI_TO_PCI_EXPRESS_BRIDGE;
  }

  /// True if the function forwards what others send, or may do so.
  boolean mayRoute() {
    return portType == ROOT_PORT
        || portType == UPSTREAM_PORT
        || portType == DOWNSTREAM_PORT
        || portType == NO_PORT_TYPE;
  }
}
