package io.vpasid.pci.capability;

import java.util.HexFormat;
import org.jspecify.annotations.Nullable;

/// Id of a capability: a number in one of two lists.
///
/// The numbers are assigned by the PCI Code and ID Assignment Specification, section 2 for standard
/// and section 3 for extended capabilities. Ids that nobody has assigned are values like any other.
///
/// @param kind which of the two lists the number belongs to
/// @param value 0 to 0xff for a standard, 0 to 0xffff for an extended capability
public record CapabilityId(Kind kind, int value) {

  /// The two capability lists of a function.
  public enum Kind {
    /// In the first 256 bytes, found from the Capabilities Pointer; the id has 8 bits.
    STANDARD,
    /// In the bytes 0x100 to 0xfff, the first one at 0x100; the id has 16 bits.
    EXTENDED
  }

  // The tables come first: the constants below read them.
  private static final Name[] STANDARD_NAMES = {
    /* 00 */ plain("Null", "Null Capability"),
    /* 01 */ acronym("PM", "Power Management"),
    /* 02 */ acronym("AGP", "Accelerated Graphics Port"),
    /* 03 */ acronym("VPD", "Vital Product Data"),
    /* 04 */ plain("Slot ID", "Slot Identification"),
    /* 05 */ acronym("MSI", "Message Signaled Interrupts"),
    /* 06 */ plain("Hot Swap", "CompactPCI Hot Swap"),
    /* 07 */ plain("PCI-X", "PCI-X"),
    /* 08 */ acronym("HT", "HyperTransport"),
    /* 09 */ plain("Vendor", "Vendor-Specific Information"),
    /* 0a */ plain("Debug Port", "Debug Port"),
    /* 0b */ plain("CPCI CRC", "CompactPCI Central Resource Control"),
    /* 0c */ acronym("SHPC", "Standard Hot-Plug Controller"),
    /* 0d */ acronym("SSVID", "Subsystem ID and Subsystem Vendor ID"),
    /* 0e */ plain("AGP 8x", "Accelerated Graphics Port 8x"),
    /* 0f */ plain("Secure", "Secure Device"),
    /* 10 */ acronym("PCIe", "PCI Express"),
    /* 11 */ acronym("MSI-X", "Extended Message Signaled Interrupts"),
    /* 12 */ plain("SATA", "Serial ATA Data/Index Configuration"),
    /* 13 */ acronym("AF", "Conventional PCI Advanced Features"),
    /* 14 */ acronym("EA", "Enhanced Allocation"),
    /* 15 */ acronym("FPB", "Flattening Portal Bridge"),
  };

  private static final Name[] EXTENDED_NAMES = {
    /* 00 */ plain("Null", "Null Extended Capability"),
    /* 01 */ acronym("AER", "Advanced Error Reporting"),
    /* 02 */ acronym("VC", "Virtual Channel"),
    /* 03 */ acronym("DSN", "Device Serial Number"),
    /* 04 */ acronym("PB", "Power Budgeting"),
    /* 05 */ acronym("RCLD", "Root Complex Link Declaration"),
    /* 06 */ acronym("RCILC", "Root Complex Internal Link Control"),
    /* 07 */ plain("RCEC", "Root Complex Event Collector Endpoint Association"),
    /* 08 */ acronym("MFVC", "Multi-Function Virtual Channel"),
    /* 09 */ plain("VC9", "Virtual Channel beside MFVC"),
    /* 0a */ plain("RCRB", "Root Complex Register Block Header"),
    /* 0b */ acronym("VSEC", "Vendor-Specific Extended Capability"),
    /* 0c */ acronym("CAC", "Configuration Access Correlation"),
    /* 0d */ acronym("ACS", "Access Control Services"),
    /* 0e */ acronym("ARI", "Alternative Routing-ID Interpretation"),
    /* 0f */ acronym("ATS", "Address Translation Services"),
    /* 10 */ acronym("SR-IOV", "Single Root I/O Virtualization"),
    /* 11 */ acronym("MR-IOV", "Multi-Root I/O Virtualization"),
    /* 12 */ plain("Multicast", "Multicast"),
    /* 13 */ acronym("PRI", "Page Request Interface"),
    /* 14 */ plain("AMD", "Reserved for AMD"),
    /* 15 */ plain("ReBAR", "Resizable BAR"),
    /* 16 */ acronym("DPA", "Dynamic Power Allocation"),
    /* 17 */ plain("TPH", "TLP Processing Hints Requester"),
    /* 18 */ acronym("LTR", "Latency Tolerance Reporting"),
    /* 19 */ plain("Secondary PCIe", "Secondary PCI Express"),
    /* 1a */ acronym("PMUX", "Protocol Multiplexing"),
    /* 1b */ acronym("PASID", "Process Address Space ID"),
    /* 1c */ acronym("LNR", "Lightweight Notification Requester"),
    /* 1d */ acronym("DPC", "Downstream Port Containment"),
    /* 1e */ plain("L1SS", "L1 PM Substates"),
    /* 1f */ acronym("PTM", "Precision Time Measurement"),
    /* 20 */ acronym("M-PCIe", "PCI Express over M-PHY"),
    /* 21 */ plain("FRS", "Function Readiness Status Queuing"),
    /* 22 */ acronym("RTR", "Readiness Time Reporting"),
    /* 23 */ acronym("DVSEC", "Designated Vendor-Specific Extended Capability"),
    /* 24 */ plain("VF ReBAR", "VF Resizable BAR"),
    /* 25 */ acronym("DLF", "Data Link Feature"),
    /* 26 */ plain("PL16", "Physical Layer 16.0 GT/s"),
    /* 27 */ acronym("LMR", "Lane Margining at the Receiver"),
    /* 28 */ plain("HID", "Hierarchy ID"),
    /* 29 */ acronym("NPEM", "Native PCIe Enclosure Management"),
    /* 2a */ plain("PL32", "Physical Layer 32.0 GT/s"),
    /* 2b */ plain("AP", "Alternate Protocol"),
    /* 2c */ acronym("SFI", "System Firmware Intermediary"),
    /* 2d */ plain("SF", "Shadow Functions"),
    /* 2e */ acronym("DOE", "Data Object Exchange"),
    /* 2f */ plain("DEV3", "Device 3"),
    /* 30 */ acronym("IDE", "Integrity and Data Encryption"),
    /* 31 */ plain("PL64", "Physical Layer 64.0 GT/s"),
    /* 32 */ plain("Flit Log", "Flit Logging"),
    /* 33 */ plain("Flit Perf", "Flit Performance Measurement"),
    /* 34 */ plain("Flit Inject", "Flit Error Injection"),
    /* 35 */ acronym("SVC", "Streamlined Virtual Channel"),
    /* 36 */ acronym("MRBL", "MMIO Register Block Locator"),
    /* 37 */ plain("NOP Flit", "NOP Flit"),
    /* 38 */ acronym("SIOV", "Scalable I/O Virtualization"),
    /* 39 */ plain("PL128", "Physical Layer 128.0 GT/s"),
    /* 3a */ plain("Captured", "Captured Data"),
  };

  private static final CapabilityId[] STANDARD_IDS = all(Kind.STANDARD, 0x100);
  private static final CapabilityId[] EXTENDED_IDS = all(Kind.EXTENDED, 0x100);

  public static final CapabilityId NULL = standard(0x00);
  public static final CapabilityId POWER_MANAGEMENT = standard(0x01);
  public static final CapabilityId AGP = standard(0x02);
  public static final CapabilityId VPD = standard(0x03);
  public static final CapabilityId SLOT_ID = standard(0x04);
  public static final CapabilityId MSI = standard(0x05);
  public static final CapabilityId HOT_SWAP = standard(0x06);
  public static final CapabilityId PCI_X = standard(0x07);
  public static final CapabilityId HYPERTRANSPORT = standard(0x08);

  /// The standard capability 0x09; its length is its own third byte.
  public static final CapabilityId VENDOR_SPECIFIC = standard(0x09);

  public static final CapabilityId DEBUG_PORT = standard(0x0a);
  public static final CapabilityId CENTRAL_RESOURCE_CONTROL = standard(0x0b);
  public static final CapabilityId STANDARD_HOT_PLUG = standard(0x0c);
  public static final CapabilityId SUBSYSTEM_IDS = standard(0x0d);
  public static final CapabilityId AGP_8X = standard(0x0e);
  public static final CapabilityId SECURE_DEVICE = standard(0x0f);
  public static final CapabilityId PCI_EXPRESS = standard(0x10);
  public static final CapabilityId MSI_X = standard(0x11);
  public static final CapabilityId SATA = standard(0x12);
  public static final CapabilityId ADVANCED_FEATURES = standard(0x13);
  public static final CapabilityId ENHANCED_ALLOCATION = standard(0x14);
  public static final CapabilityId FLATTENING_PORTAL_BRIDGE = standard(0x15);

  /// The extended capability 0; a place holder that only carries a next pointer.
  public static final CapabilityId NULL_EXTENDED = extended(0x00);

  public static final CapabilityId AER = extended(0x01);
  public static final CapabilityId VIRTUAL_CHANNEL = extended(0x02);
  public static final CapabilityId DEVICE_SERIAL_NUMBER = extended(0x03);
  public static final CapabilityId POWER_BUDGETING = extended(0x04);
  public static final CapabilityId RC_LINK_DECLARATION = extended(0x05);
  public static final CapabilityId RC_INTERNAL_LINK_CONTROL = extended(0x06);
  public static final CapabilityId RCEC_ASSOCIATION = extended(0x07);
  public static final CapabilityId MULTI_FUNCTION_VIRTUAL_CHANNEL = extended(0x08);

  /// Virtual Channel of a function whose device also has a Multi-Function Virtual Channel.
  public static final CapabilityId VIRTUAL_CHANNEL_WITH_MFVC = extended(0x09);

  public static final CapabilityId RCRB_HEADER = extended(0x0a);

  /// VSEC, the extended capability 0x0b, whose layout the function's vendor defines.
  public static final CapabilityId VENDOR_SPECIFIC_EXTENDED = extended(0x0b);

  public static final CapabilityId CONFIGURATION_ACCESS_CORRELATION = extended(0x0c);
  public static final CapabilityId ACS = extended(0x0d);
  public static final CapabilityId ARI = extended(0x0e);
  public static final CapabilityId ATS = extended(0x0f);
  public static final CapabilityId SR_IOV = extended(0x10);
  public static final CapabilityId MR_IOV = extended(0x11);
  public static final CapabilityId MULTICAST = extended(0x12);
  public static final CapabilityId PRI = extended(0x13);
  public static final CapabilityId RESERVED_FOR_AMD = extended(0x14);
  public static final CapabilityId RESIZABLE_BAR = extended(0x15);
  public static final CapabilityId DPA = extended(0x16);
  public static final CapabilityId TPH = extended(0x17);
  public static final CapabilityId LTR = extended(0x18);
  public static final CapabilityId SECONDARY_PCI_EXPRESS = extended(0x19);
  public static final CapabilityId PMUX = extended(0x1a);
  public static final CapabilityId PASID = extended(0x1b);
  public static final CapabilityId LN_REQUESTER = extended(0x1c);
  public static final CapabilityId DPC = extended(0x1d);
  public static final CapabilityId L1_PM_SUBSTATES = extended(0x1e);
  public static final CapabilityId PTM = extended(0x1f);
  public static final CapabilityId M_PCIE = extended(0x20);
  public static final CapabilityId FRS_QUEUING = extended(0x21);
  public static final CapabilityId READINESS_TIME_REPORTING = extended(0x22);

  /// An extended capability of any function whose layout the vendor named in it defines.
  public static final CapabilityId DVSEC = extended(0x23);

  public static final CapabilityId VF_RESIZABLE_BAR = extended(0x24);
  public static final CapabilityId DATA_LINK_FEATURE = extended(0x25);
  public static final CapabilityId PHYSICAL_LAYER_16GT = extended(0x26);
  public static final CapabilityId LANE_MARGINING = extended(0x27);
  public static final CapabilityId HIERARCHY_ID = extended(0x28);
  public static final CapabilityId NPEM = extended(0x29);
  public static final CapabilityId PHYSICAL_LAYER_32GT = extended(0x2a);
  public static final CapabilityId ALTERNATE_PROTOCOL = extended(0x2b);
  public static final CapabilityId SYSTEM_FIRMWARE_INTERMEDIARY = extended(0x2c);
  public static final CapabilityId SHADOW_FUNCTIONS = extended(0x2d);
  public static final CapabilityId DOE = extended(0x2e);
  public static final CapabilityId DEVICE_3 = extended(0x2f);
  public static final CapabilityId IDE = extended(0x30);
  public static final CapabilityId PHYSICAL_LAYER_64GT = extended(0x31);
  public static final CapabilityId FLIT_LOGGING = extended(0x32);
  public static final CapabilityId FLIT_PERFORMANCE = extended(0x33);
  public static final CapabilityId FLIT_ERROR_INJECTION = extended(0x34);
  public static final CapabilityId STREAMLINED_VIRTUAL_CHANNEL = extended(0x35);
  public static final CapabilityId MMIO_REGISTER_BLOCK_LOCATOR = extended(0x36);
  public static final CapabilityId NOP_FLIT = extended(0x37);
  public static final CapabilityId SCALABLE_IO_VIRTUALIZATION = extended(0x38);
  public static final CapabilityId PHYSICAL_LAYER_128GT = extended(0x39);
  public static final CapabilityId CAPTURED_DATA = extended(0x3a);

  /// @throws IllegalArgumentException if `value` is not in the range of its kind
  public CapabilityId {
    int last = kind == Kind.STANDARD ? 0xff : 0xffff;
    if (value < 0 || value > last) {
      throw new IllegalArgumentException(
          "%s capability ids lie in 0 to %s, not %s"
              .formatted(kind == Kind.STANDARD ? "Standard" : "Extended", last, value));
    }
  }

  /// The standard capability with this id, 0 to 0xff.
  ///
  /// @throws IllegalArgumentException if `value` needs more than 8 bits
  public static CapabilityId standard(int value) {
    return value >= 0 && value < STANDARD_IDS.length
        ? STANDARD_IDS[value]
        : new CapabilityId(Kind.STANDARD, value);
  }

  /// The extended capability with this id, 0 to 0xffff.
  ///
  /// @throws IllegalArgumentException if `value` needs more than 16 bits
  public static CapabilityId extended(int value) {
    return value >= 0 && value < EXTENDED_IDS.length
        ? EXTENDED_IDS[value]
        : new CapabilityId(Kind.EXTENDED, value);
  }

  /// True if it belongs to the list of extended capabilities.
  public boolean isExtended() {
    return kind == Kind.EXTENDED;
  }

  /// True if the id is assigned, so that it has a name.
  boolean isKnown() {
    return value < names().length;
  }

  /// The short name, as in `PASID` or `MSI-X`; `cap 0x7f` or `ecap 0x0123` if the id is not
  /// assigned.
  public String mnemonic() {
    if (isKnown()) {
      return names()[value].mnemonic;
    }
    return isExtended()
        ? value > 0xff ? "ecap 0x" + hex4() : "ecap 0x" + hex2()
        : "cap 0x" + hex2();
  }

  /// The full name, as in `Process Address Space ID (PASID)`; `Unknown extended capability 0x007b`
  /// or `Unknown capability 0x7b` if the id is not assigned.
  public String title() {
    if (isKnown()) {
      return names()[value].title;
    }
    return isExtended()
        ? "Unknown extended capability 0x" + hex4()
        : "Unknown capability 0x" + hex2();
  }

  // By hand, as that of a record is made when it is first asked for, which each command would wait
  // for.
  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof CapabilityId id && id.value == value && id.kind == kind;
  }

  @Override
  public int hashCode() {
    return isExtended() ? 0x100 + value : value;
  }

  /// The mnemonic.
  @Override
  public String toString() {
    return mnemonic();
  }

  private Name[] names() {
    return kind == Kind.STANDARD ? STANDARD_NAMES : EXTENDED_NAMES;
  }

  private String hex2() {
    return HexFormat.of().toHexDigits((byte) value);
  }

  private String hex4() {
    return HexFormat.of().toHexDigits((short) value);
  }

  private static CapabilityId[] all(Kind kind, int count) {
    CapabilityId[] ids = new CapabilityId[count];
    for (int value = 0; value < count; value++) {
      ids[value] = new CapabilityId(kind, value);
    }
    return ids;
  }

  /// A name whose abbreviation stands behind it, in brackets.
  private static Name acronym(String mnemonic, String fullName) {
    return new Name(mnemonic, fullName + " (" + mnemonic + ")");
  }

  private static Name plain(String mnemonic, String title) {
    return new Name(mnemonic, title);
  }

  /// Names of an assigned id.
  private record Name(String mnemonic, String title) {}
}
