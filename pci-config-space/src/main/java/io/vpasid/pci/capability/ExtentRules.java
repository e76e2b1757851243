package io.vpasid.pci.capability;

import static java.lang.Math.max;
import static java.lang.Math.min;

import io.vpasid.pci.ByteRange;
import io.vpasid.pci.ConfigSpace;
import io.vpasid.pci.capability.Extent.Certainty;

/// Lengths of capabilities in bytes: two tables, one row per id, each with its source.
///
/// A row is a fixed length or a method that computes one from the capability's registers and from
/// what the function's PCI Express capability says ([FunctionTraits]). Where the sources leave room
/// the longer reading wins, because the question is who owns a byte, not what software needs:
///
/// - The PCI Express capability runs to its Slot Status 2 register from version 2 on, for every
///   port type: registers that do not apply read 0 but are there. (Endpoints exist that keep theirs
///   so near the end of the space that the last two do not fit; it is cut there.) Version 1 may end
///   before them, and real functions put the next capability there.
/// - Arrays per lane, per port or per entry end at a 4-byte border; extended capabilities consist
///   of whole doublewords.
/// - The TLP Prefix Log of AER is there if End-End TLP Prefixes are supported, whatever the version
///   says: functions exist that claim version 1 and support prefixes. Without them version 2 is no
///   longer than version 1, and real functions do put the next capability at +0x38 and +0x40.
/// - The lanes of Physical Layer 64.0 GT/s start at 0x20 in PCIe 6.0, and at 0x10 in 6.3 and 7.0,
///   under the same version 1: nothing tells which, so it is as long as in 6.0.
/// - Registers that only some port types have count for a function whose port type is not known,
///   and an unknown link width is the widest that leaves the next header alone.
///
/// Lengths that the registers deny (a length field smaller than the fields in front of it, a count
/// outside its range) and versions newer than the rule become lower bounds that reach up to the
/// next known structure.
///
/// `PCIe` is the PCI Express Base Specification; a row names an older revision where 7.0 has
/// dropped or moved the section.
final class ExtentRules {

  /// For capabilities whose layout grows only by fields that the rule already reads, and for the
  /// standard ones, whose header has no version.
  private static final int ANY = Integer.MAX_VALUE;

  private static final int WIDEST_LINK = 32;

  private static final Rule[] STANDARD = {
    /* 00 Null */ fixed(2, ANY, "PCIe 7.0 §7.9.27"),
    /* 01 PM */ fixed(8, ANY, "PCIe 7.0 §7.5.2"),
    /* 02 AGP */ computed(ExtentRules::agp, ANY, "AGP 3.0 chapter 6: revision, target or master"),
    /* 03 VPD */ fixed(8, ANY, "PCIe 7.0 §7.9.18"),
    /* 04 Slot ID */ fixed(4, ANY, "PCI-to-PCI Bridge 1.2 chapter 13"),
    /* 05 MSI */ computed(ExtentRules::msi, ANY, "PCIe 7.0 §7.7.1: Message Control bits 9:7"),
    /* 06 Hot Swap */ fixed(4, ANY, "PICMG 2.1: HS_CSR"),
    /* 07 PCI-X */ computed(
        ExtentRules::pciX, ANY, "PCI-X 2.0a chapters 7 and 8: header layout, version"),
    /* 08 HT */ computed(
        ExtentRules::hyperTransport, ANY, "HyperTransport 3.10 chapter 7: capability type"),
    /* 09 Vendor */ computed(ExtentRules::vendorSpecific, ANY, "PCIe 7.0 §7.9.4: length byte"),
    /* 0a Debug Port */ fixed(4, ANY, "EHCI 1.0 appendix C"),
    /* 0b CPCI CRC */ computed(at -> atLeast(4), ANY, "PICMG 2.13: layout not known"),
    /* 0c SHPC */ fixed(8, ANY, "SHPC 1.0: Dword Select, Controller Status, Dword Data"),
    /* 0d SSVID */ fixed(8, ANY, "PCIe 7.0 §7.9.23"),
    /* 0e AGP 8x */ computed(at -> atLeast(4), ANY, "AGP 3.0: layout in a bridge not known"),
    /* 0f Secure */ computed(
        ExtentRules::secureDevice, ANY, "AMD IOMMU and DEV capability blocks: block type, CapExt"),
    /* 10 PCIe */ computed(
        ExtentRules::pciExpress, ANY, "PCIe 7.0 §7.5.3: version; port type and slot in version 1"),
    /* 11 MSI-X */ fixed(12, ANY, "PCIe 7.0 §7.7.2"),
    /* 12 SATA */ computed(ExtentRules::sata, ANY, "AHCI 1.3.1 §2.4: BAR Location"),
    /* 13 AF */ fixed(6, ANY, "PCIe 7.0 §7.9.21"),
    /* 14 EA */ computed(
        ExtentRules::enhancedAllocation, ANY, "PCIe 7.0 §7.8.5: header layout, Num Entries, sizes"),
    /* 15 FPB */ fixed(0x24, ANY, "PCIe 7.0 §7.8.11"),
  };

  private static final Rule[] EXTENDED = {
    /* 00 Null */ fixed(4, ANY, "PCIe 7.0 §7.9.28"),
    /* 01 AER */ computed(
        ExtentRules::aer, 3, "PCIe 7.0 §7.8.4: Header Log Size, End-End TLP Prefixes, port type"),
    /* 02 VC */ computed(
        ExtentRules::virtualChannel, 1, "PCIe 7.0 §7.9.1: Extended VC Count, arbitration tables"),
    /* 03 DSN */ fixed(0x0c, 1, "PCIe 7.0 §7.9.3"),
    /* 04 PB */ fixed(0x10, 1, "PCIe 7.0 §7.8.1"),
    /* 05 RCLD */ computed(
        at -> 0x10 + 0x10 * bits(at.u32(4), 15, 8), 1, "PCIe 7.0 §7.9.8: Number of Link Entries"),
    /* 06 RCILC */ fixed(0x0c, 1, "PCIe 7.0 §7.9.9"),
    /* 07 RCEC */ computed(
        at -> at.version < 2 ? 0x08 : 0x0c, 2, "PCIe 7.0 §7.9.10: bus numbers from version 2 on"),
    /* 08 MFVC */ computed(
        ExtentRules::virtualChannel, 1, "PCIe 7.0 §7.9.2: Extended VC Count, arbitration tables"),
    /* 09 VC9 */ computed(
        ExtentRules::virtualChannel, 1, "PCIe 7.0 §7.9.1: Extended VC Count, arbitration tables"),
    /* 0a RCRB */ fixed(0x14, 1, "PCIe 7.0 §7.9.7"),
    /* 0b VSEC */ computed(
        at -> declared(bits(at.u32(4), 31, 20), 0x08), ANY, "PCIe 7.0 §7.9.5: VSEC Length"),
    /* 0c CAC */ fixed(0x08, 1, "Trusted Configuration Space ECN to PCIe 1.1"),
    /* 0d ACS */ computed(ExtentRules::acs, 1, "PCIe 7.0 §7.7.12: Egress Control Vector Size"),
    /* 0e ARI */ fixed(0x08, 1, "PCIe 7.0 §7.8.8"),
    /* 0f ATS */ fixed(0x08, 1, "PCIe 7.0 §10.5.1"),
    /* 10 SR-IOV */ fixed(0x40, 1, "PCIe 6.3 §9.3.3"),
    /* 11 MR-IOV */ computed(at -> atLeast(4), 0, "MR-IOV 1.0: layout not known"),
    /* 12 Multicast */ computed(
        at -> at.traits.mayRoute() ? 0x30 : 0x28, 1, "PCIe 7.0 §7.9.11: Overlay BAR in ports only"),
    /* 13 PRI */ fixed(0x10, 1, "PCIe 7.0 §10.5.2"),
    /* 14 AMD */ computed(at -> atLeast(4), 0, "reserved for AMD: layout not known"),
    /* 15 ReBAR */ computed(ExtentRules::resizableBar, 1, "PCIe 7.0 §7.8.6: number of BARs"),
    /* 16 DPA */ computed(
        at -> dwords(0x10 + bits(at.u32(4), 4, 0) + 1), 1, "PCIe 7.0 §7.9.12: Substate_Max"),
    /* 17 TPH */ computed(ExtentRules::tph, 1, "PCIe 7.0 §7.9.13: ST Table Location and Size"),
    /* 18 LTR */ fixed(0x08, 1, "PCIe 7.0 §7.8.2"),
    /* 19 Secondary PCIe */ computed(
        at -> perLane(at, 0x0c, 2), 1, "PCIe 7.0 §7.7.3: Maximum Link Width"),
    /* 1a PMUX */ computed(
        at -> 0x10 + 4 * bits(at.u32(4), 5, 0), 1, "PCIe 6.3 §G.5: Protocol Array Size"),
    /* 1b PASID */ fixed(0x08, 1, "PCIe 7.0 §7.8.9"),
    /* 1c LNR */ fixed(0x08, 1, "PCIe 5.0 §7.9.14"),
    /* 1d DPC */ computed(ExtentRules::dpc, 1, "PCIe 7.0 §7.9.14: RP Extensions, RP PIO Log Size"),
    /* 1e L1SS */ computed(
        at -> at.version < 2 ? 0x10 : 0x14, 2, "PCIe 7.0 §7.8.3: status from version 2 on"),
    /* 1f PTM */ fixed(0x0c, 1, "PCIe 7.0 §7.9.15"),
    /* 20 M-PCIe */ fixed(0x1c, 1, "PCIe 3.1 M-PCIe"),
    /* 21 FRS */ fixed(0x10, 1, "PCIe 7.0 §7.8.10"),
    /* 22 RTR */ fixed(0x0c, 1, "PCIe 7.0 §7.9.16"),
    /* 23 DVSEC */ computed(
        at -> declared(bits(at.u32(4), 31, 20), 0x0a), ANY, "PCIe 7.0 §7.9.6: DVSEC Length"),
    /* 24 VF ReBAR */ computed(ExtentRules::resizableBar, 1, "PCIe 7.0 §7.8.7: number of BARs"),
    /* 25 DLF */ fixed(0x0c, 1, "PCIe 7.0 §7.7.4"),
    /* 26 PL16 */ computed(at -> perLane(at, 0x20, 1), 1, "PCIe 7.0 §7.7.5: Maximum Link Width"),
    /* 27 LMR */ computed(at -> perLane(at, 0x08, 4), 1, "PCIe 7.0 §7.7.11: Maximum Link Width"),
    /* 28 HID */ fixed(0x20, 1, "PCIe 7.0 §7.9.17"),
    /* 29 NPEM */ fixed(0x10, 1, "PCIe 7.0 §7.9.19"),
    /* 2a PL32 */ computed(at -> perLane(at, 0x20, 1), 1, "PCIe 7.0 §7.7.6: Maximum Link Width"),
    /* 2b AP */ computed(
        ExtentRules::alternateProtocol, 1, "PCIe 7.0 §7.9.20: Count, Selective Enable Supported"),
    /* 2c SFI */ fixed(0x14, 1, "PCIe 7.0 §7.9.22"),
    /* 2d SF */ computed(at -> atLeast(0x1c), 1, "PCIe 7.0 §7.9.25: number of instances not known"),
    /* 2e DOE */ fixed(0x18, 2, "PCIe 7.0 §7.9.24"),
    /* 2f DEV3 */ fixed(0x10, 1, "PCIe 7.0 §7.7.10"),
    /* 30 IDE */ computed(
        ExtentRules::ide, 1, "PCIe 7.0 §7.9.26: streams, address association blocks"),
    /* 31 PL64 */ computed(at -> perLane(at, 0x20, 1), 1, "PCIe 6.0 §7.7.7: Maximum Link Width"),
    /* 32 Flit Log */ fixed(0x3c, 1, "PCIe 7.0 §7.7.9"),
    /* 33 Flit Perf */ fixed(0x24, 1, "PCIe 7.0 §7.8.12"),
    /* 34 Flit Inject */ fixed(0x24, 1, "PCIe 7.0 §7.8.13"),
    /* 35 SVC */ computed(
        at -> 0x14 + 0x0c * (bits(at.u32(4), 2, 0) + 1),
        1,
        "PCIe 7.0 §7.9.29: SVC Extended VC Count"),
    /* 36 MRBL */ computed(
        at -> declared(bits(at.u32(4), 11, 0), 0x08), 1, "PCIe 7.0 §7.9.30: Structure Length"),
    /* 37 NOP Flit */ fixed(0x14, 1, "PCIe 7.0 §7.8.14"),
    /* 38 SIOV */ fixed(0x10, 1, "PCIe 7.0 SIOV: up to SDI Stride"),
    /* 39 PL128 */ computed(at -> perLane(at, 0x10, 1), 1, "PCIe 7.0 §7.7.8: Maximum Link Width"),
    /* 3a Captured */ computed(at -> atLeast(4), 0, "Captured Data: layout not known"),
  };

  private static final Rule NO_RULE = computed(at -> atLeast(4), ANY, "id not assigned");

  private ExtentRules() {}

  /// The bytes of one capability, for a caller that asks about one only.
  ///
  /// @see #of(ConfigSpace, FunctionTraits, CapabilityId, int, int, int)
  static Extent of(ConfigSpace config, CapabilityId id, int version, int offset, int limit) {
    return of(config, FunctionTraits.of(config), id, version, offset, limit);
  }

  /// The bytes of one capability; defined for any content of `config`.
  ///
  /// @param traits of the same function
  /// @param version of an extended capability's header; ignored for a standard one
  /// @param offset of its first byte, 4-byte aligned, inside the space that its kind lives in
  /// @param limit where bytes begin that are known to be something else: the next capability's
  ///   header, or the end of the standard or the extended space. Only capabilities whose length no
  ///   register tells reach up to it
  static Extent of(
      ConfigSpace config,
      FunctionTraits traits,
      CapabilityId id,
      int version,
      int offset,
      int limit) {
    Rule rule = ruleOf(id);
    int end = id.isExtended() ? config.size() : ConfigSpace.STANDARD_SIZE;
    int known = rule.length.in(new Registers(config, traits, version, offset, limit, end));
    boolean exact = known > 0 && (!id.isExtended() || version <= rule.newestVersion);
    int length = exact ? known : max(Math.abs(known), limit - offset);
    boolean cut = length > end - offset;
    return new Extent(
        new ByteRange(offset, min(length, end - offset)),
        exact ? Certainty.EXACT : Certainty.LOWER_BOUND,
        exact ? (cut ? rule.cut : rule.source) : rule.open);
  }

  private static Rule ruleOf(CapabilityId id) {
    Rule[] rules = id.isExtended() ? EXTENDED : STANDARD;
    return id.value() < rules.length ? rules[id.value()] : NO_RULE;
  }

  // Standard capabilities.

  /// Revision 3 adds isochronous and aperture registers to the core logic, the target; a graphics
  /// card, the master, ends with the command register as before.
  private static int agp(Registers at) {
    boolean target = at.config.classCode() >>> 8 == 0x0600;
    return target && bits(at.u8(2), 7, 4) >= 3 ? 0x24 : 0x0c;
  }

  /// ```text
  ///            32-bit  64-bit
  ///  control     02      02
  ///  address     04      04
  ///  upper               08
  ///  data        08      0c   16 bits
  ///  extended    0a      0e   16 bits, if bit 9 or bit 8 of control
  ///  mask        0c      10   if bit 8 of control
  ///  pending     10      14   if bit 8 of control
  /// ```
  private static int msi(Registers at) {
    int control = at.u16(2);
    int data = bit(control, 7) ? 0x0c : 0x08;
    if (bit(control, 8)) {
      return data + 12;
    }
    return bit(control, 9) ? data + 4 : data + 2;
  }

  /// Mode 2 functions (version 1 and up) add four ECC registers.
  private static int pciX(Registers at) {
    boolean bridge = at.config.headerLayout() == 1;
    int ecc = bits(at.u16(2), 13, 12) == 0 ? 0 : 0x10;
    return (bridge ? 0x10 : 0x08) + ecc;
  }

  /// Bits 15:13 of the command register are the type, or bits 15:11 if bit 15 or 14 is set.
  private static int hyperTransport(Registers at) {
    int command = at.u16(2);
    return switch (bits(command, 15, 13)) {
      case 0b000 -> 0x1c; // slave or primary interface
      case 0b001 -> 0x18; // host or secondary interface
      default ->
          switch (bits(command, 15, 11)) {
            case 0b01000 -> 0x18; // switch
            case 0b10000 -> 0x08; // interrupt discovery and configuration
            case 0b10001 -> 0x04; // revision ID
            case 0b10010 -> 0x0c; // UnitID clumping
            case 0b10011 -> 0x0c; // extended configuration space access
            case 0b10100 -> hyperTransportAddressMapping(command);
            case 0b10101 -> bit(command, 1) ? 0x04 : 0x0c; // MSI mapping; no address if fixed
            case 0b10110 -> 0x0c; // direct route
            case 0b10111 -> 0x10; // VCSet
            case 0b11000 -> 0x0c; // retry mode
            default -> atLeast(4); // among them link generation 3 and power management
          };
    };
  }

  private static int hyperTransportAddressMapping(int command) {
    return switch (bits(command, 10, 9)) {
      case 0 -> 0x0c + 8 * bits(command, 3, 0); // 40-bit, with so many DMA windows
      case 1 -> 0x10; // 64-bit, through an index register
      default -> atLeast(4);
    };
  }

  private static int vendorSpecific(Registers at) {
    return declared(at.u8(2), 3);
  }

  /// Bits 18:16 of the header are the block type: 0 is the older Device Exclusion Vector, 3 an
  /// IOMMU, whose Miscellaneous Information Register 1 exists if CapExt (bit 28) is set.
  private static int secureDevice(Registers at) {
    int header = at.u32(0);
    return switch (bits(header, 18, 16)) {
      case 0 -> 0x0c;
      case 3 -> bit(header, 28) ? 0x18 : 0x14;
      default -> atLeast(4);
    };
  }

  /// ```text
  ///  00  header, PCI Express Capabilities        version 1 ends
  ///  04  Device Capabilities, Control, Status    0c  root complex integrated endpoint
  ///  0c  Link Capabilities, Control, Status      14  others without a slot
  ///  14  Slot Capabilities, Control, Status      1c  others with a slot
  ///  1c  Root Control, Capabilities, Status      24  root port, event collector
  ///  24  Device, Link and Slot 2                 3c  version 2, all types
  /// ```
  private static int pciExpress(Registers at) {
    int flags = at.u16(2);
    int version = bits(flags, 3, 0);
    if (version > 2) {
      return atLeast(0x3c);
    }
    if (version == 2) {
      return 0x3c;
    }
    return switch (bits(flags, 7, 4)) {
      case FunctionTraits.ROOT_PORT, FunctionTraits.ROOT_COMPLEX_EVENT_COLLECTOR -> 0x24;
      case FunctionTraits.ROOT_COMPLEX_ENDPOINT -> 0x0c;
      default -> bit(flags, 8) ? 0x1c : 0x14;
    };
  }

  /// The index and data registers follow if SATACR1 says that they lie in configuration space.
  private static int sata(Registers at) {
    return bits(at.u32(4), 3, 0) == 0b1111 ? 0x10 : 0x08;
  }

  /// A type 1 function has a second doubleword with bus numbers before the entries; each entry says
  /// in bits 2:0 how many doublewords follow its first one. At most 63 entries.
  private static int enhancedAllocation(Registers at) {
    int length = at.config.headerLayout() == 1 ? 8 : 4;
    int entries = bits(at.u8(2), 5, 0);
    for (int entry = 0; entry < entries; entry++) {
      length += 4 + 4 * bits(at.u32(length), 2, 0);
    }
    return length;
  }

  // Extended capabilities.

  /// ```text
  ///  00  header, error and control registers
  ///  1c  Header Log, 4 doublewords
  ///  2c  Root Error Command, Status, Source      root port, event collector
  ///  38  TLP Prefix Log, 4 doublewords           End-End TLP Prefixes supported
  ///      or doublewords 5 and up of the log      Header Log Size above 4 (Flit Mode)
  ///
  ///  2c  Secondary Uncorrectable Error Status,   bridge between PCI Express and PCI
  ///      Mask, Severity, Capabilities and
  ///      Control, Header Log of 4 doublewords
  /// ```
  ///
  /// The last from the PCI Express to PCI/PCI-X Bridge Specification 1.0, section 5.2.3.
  private static int aer(Registers at) {
    int size = bits(at.u32(0x18), 17, 13);
    int log = size == 0 && at.version >= 3 ? 14 : max(size, at.traits.endEndPrefixes() ? 8 : 4);
    int bridge = at.traits.isPciBridge() ? 0x4c : 0;
    if (log > 4) {
      return max(bridge, 0x38 + 4 * (log - 4));
    }
    if (bridge > 0) {
      return bridge;
    }
    return at.traits.mayCollectErrors() ? 0x38 : 0x2c;
  }

  /// Registers of each virtual channel, then the tables that they and the port point to. Phases of
  /// the port's own table have 4 bits, those of a channel's table 1, 2, 4 or 8.
  private static int virtualChannel(Registers at) {
    int port = at.u32(4);
    int channels = bits(port, 2, 0) + 1;
    int phaseBits = 1 << bits(port, 11, 10);
    int vcArbitration = at.u32(8);
    int length =
        max(
            0x10 + 0x0c * channels,
            arbitrationTableEnd(vcArbitration, bits(vcArbitration, 3, 0), 4));
    for (int channel = 0; channel < channels; channel++) {
      int resource = at.u32(0x10 + 0x0c * channel);
      length = max(length, arbitrationTableEnd(resource, bits(resource, 5, 0), phaseBits));
    }
    return length;
  }

  /// Bits 31:24 of the register are where the table starts, in 16 bytes from the capability's own
  /// start, 0 if there is none; the highest scheme offered decides how long it is.
  private static int arbitrationTableEnd(int register, int schemes, int phaseBits) {
    int start = 0x10 * bits(register, 31, 24);
    int phases =
        switch (Integer.highestOneBit(schemes)) {
          case 0b00_0010 -> 32;
          case 0b00_0100 -> 64;
          case 0b00_1000, 0b01_0000 -> 128;
          case 0b10_0000 -> 256;
          default -> 0; // a fixed scheme has no table
        };
    return start == 0 || phases == 0 ? 0 : start + phases * phaseBits / 8;
  }

  private static int acs(Registers at) {
    int capability = at.u16(4);
    if (!bit(capability, 5)) {
      return 0x08;
    }
    int size = bits(capability, 15, 8);
    int vectorBits = size == 0 ? 256 : size;
    return 0x08 + dwords((vectorBits + 7) / 8);
  }

  /// The first control register says how many BARs there are, 1 to 6.
  private static int resizableBar(Registers at) {
    int bars = bits(at.u32(8), 7, 5);
    return bars >= 1 && bars <= 6 ? 0x04 + 8 * bars : atLeast(0x0c);
  }

  /// The steering tag table follows if it is located here; it has at most 64 entries then.
  private static int tph(Registers at) {
    int capability = at.u32(4);
    if (bits(capability, 10, 9) != 1) {
      return 0x0c;
    }
    int entries = bits(capability, 26, 16) + 1;
    return entries <= 64 ? 0x0c + dwords(2 * entries) : atLeast(0x0c);
  }

  /// RP PIO Log Size counts the doublewords from 0x20 on; its bit 4 lies apart, in bit 13.
  private static int dpc(Registers at) {
    int capability = at.u16(4);
    if (!bit(capability, 5)) {
      return 0x0c;
    }
    return 0x20 + 4 * (bits(capability, 13, 13) << 4 | bits(capability, 11, 8));
  }

  private static int alternateProtocol(Registers at) {
    int capability = at.u32(4);
    return bit(capability, 8) ? 0x14 + dwords(max(1, (bits(capability, 7, 0) + 7) / 8)) : 0x14;
  }

  /// ```text
  ///  00  header, IDE Capability, IDE Control
  ///  0c  per traffic class, if Link IDE is supported: control, status
  ///  ..  per stream, if Selective IDE is supported: capability, control, status,
  ///      RID association 1 and 2, and per address association block 3 doublewords
  /// ```
  private static int ide(Registers at) {
    int capability = at.u32(4);
    int length = 0x0c;
    if (bit(capability, 0)) {
      length += 8 * (bits(capability, 15, 13) + 1);
    }
    if (bit(capability, 1)) {
      int streams = bits(capability, 23, 16) + 1;
      for (int stream = 0; stream < streams; stream++) {
        length += 0x14 + 0x0c * bits(at.u32(length), 3, 0);
      }
    }
    return length;
  }

  private static int perLane(Registers at, int start, int bytes) {
    int lanes = at.traits.maxLinkWidth();
    if (lanes > 0) {
      return dwords(start + bytes * lanes);
    }
    int room = at.limit - at.offset;
    return max(dwords(start + bytes), min(dwords(start + bytes * WIDEST_LINK), room));
  }

  // Notation.

  /// A length that a register declares, if it covers at least the fields in front.
  private static int declared(int length, int smallest) {
    return length >= smallest ? length : atLeast(smallest);
  }

  /// Marks a length as a lower bound.
  private static int atLeast(int length) {
    return -length;
  }

  private static int dwords(int bytes) {
    return (bytes + 3) & ~3;
  }

  private static boolean bit(int register, int position) {
    return (register >>> position & 1) == 1;
  }

  /// The field `high:low` of a register, both included, as the specifications write it.
  private static int bits(int register, int high, int low) {
    return register >>> low & -1 >>> (31 - (high - low));
  }

  private static Rule fixed(int length, int newestVersion, String source) {
    return computed(at -> length, newestVersion, source);
  }

  private static Rule computed(Length length, int newestVersion, String source) {
    return new Rule(
        length,
        newestVersion,
        source,
        source + "; cut at the end of the space",
        source + "; not known how far, up to the next known structure");
  }

  /// A row of the tables.
  ///
  /// @param newestVersion the newest version of the capability that the rule covers
  /// @param source where the length comes from, for an exact extent
  /// @param cut the same, for an extent that would run past the space
  /// @param open the same, for a lower bound
  private record Rule(Length length, int newestVersion, String source, String cut, String open) {}

  /// Bytes from the capability's first one; negative for a lower bound. Never 0.
  @FunctionalInterface
  private interface Length {
    int in(Registers at);
  }

  /// A capability's registers by their offset in it; those behind the end of the space read 0.
  private record Registers(
      ConfigSpace config, FunctionTraits traits, int version, int offset, int limit, int end) {

    /// Of the first dword, which is always there.
    int u8(int register) {
      return config.u8(offset + register);
    }

    int u16(int register) {
      return offset + register + 2 <= end ? config.u16(offset + register) : 0;
    }

    int u32(int register) {
      return offset + register + 4 <= end ? config.u32(offset + register) : 0;
    }
  }
}
