package io.vpasid.pci.occupancy;

import io.vpasid.pci.ConfigSpace;
import io.vpasid.pci.capability.CapabilityId;

/// Test of the registers behind a header, which may be those of its capability: reserved bits are
/// 0, and fields have values that the specification has. The sections are those of the PCI Express
/// Base Specification 7.0.
final class CapabilityBody {
  private CapabilityBody() {}

  /// Likeness of registers to those of a capability.
  enum Likeness {
    /// They cannot be.
    NONE,
    /// They can be, as much else could.
    PLAUSIBLE,
    /// Hardly anything else has such values.
    DISTINCT
  }

  /// @param offset of the header, 4-byte aligned, below 0x100
  /// @param express whether the function has a PCI Express capability
  static Likeness standard(ConfigSpace config, CapabilityId id, int offset, boolean express) {
    int first = config.u32(offset);
    int second = offset + 8 <= ConfigSpace.STANDARD_SIZE ? config.u32(offset + 4) : 0;
    boolean endpoint = config.headerLayout() == 0 && config.classCode() >>> 16 != 0x06;
    return switch (id.value()) {
      // Power management: version 1 to 3.
      case 0x01 -> plausible((first >>> 16 & 7) >= 1 && (first >>> 16 & 7) <= 3);
      // VPD that nobody has used. Functions that are no PCI Express endpoints have registers with
      // the
      // value 3.
      case 0x03 ->
          first >>> 16 != 0 || second != 0
              ? Likeness.NONE
              : endpoint && express ? Likeness.DISTINCT : Likeness.PLAUSIBLE;
      // MSI: up to 32 messages, enabled no more than capable; alone only if it has 64 bits and has
      // never been used.
      case 0x05 -> msi(first >>> 16, second, endpoint);
      // PCI Express: version 1 or 2, a port type that exists.
      case 0x10 -> {
        int version = first >>> 16 & 0xf;
        int type = first >>> 20 & 0xf;
        yield plausible(
            version >= 1
                && version <= 2
                && (type <= 1 || (type >= 4 && type <= 10))
                && first >>> 30 == 0);
      }
      // MSI-X: reserved bits, BAR indicators.
      case 0x11 ->
          plausible((first >>> 16 & 0x3800) == 0 && (second & 7) <= 5 && offset + 12 <= 0x100);
      default -> Likeness.NONE;
    };
  }

  private static Likeness msi(int control, int address, boolean endpoint) {
    int capable = control >>> 1 & 7;
    int enabled = control >>> 4 & 7;
    if (control >>> 11 != 0 || capable > 5 || enabled > capable || (address & 3) != 0) {
      return Likeness.NONE;
    }
    boolean untouched = (control & 1) == 0 && address == 0;
    return untouched && endpoint && (control & 0x80) != 0 ? Likeness.DISTINCT : Likeness.PLAUSIBLE;
  }

  /// @param offset of the header, 4-byte aligned, from 0x100 on
  static Likeness extended(ConfigSpace config, CapabilityId id, int offset) {
    Registers at = new Registers(config, offset);
    return switch (id.value()) {
      // AER, §7.8.4: errors that are fatal by default, and no reserved bit.
      case 0x01 ->
          distinct(
              (at.u32(0x0c) & 0x00040010) == 0x00040010
                  && at.isClear(0x0c, 0xf8000fce)
                  && at.isClear(0x14, 0xffff0e3e));
      // VC and MFVC, §7.9.1: VC0 is enabled and carries TC0.
      case 0x02, 0x08, 0x09 ->
          distinct((at.u32(0x14) & 0x87000001) == 0x80000001 && at.isClear(4, 0xfffff088));
      // DSN, §7.9.3: any number.
      case 0x03 -> Likeness.PLAUSIBLE;
      // Power budgeting, §7.8.1.
      case 0x04 ->
          plausible(at.isClear(4, 0xffffff00) && at.isClear(8, 0xffe00000) && at.isClear(0xc, ~1));
      // RCLD, §7.9.8: links that are valid and lead somewhere.
      case 0x05 -> distinct(hasLinks(at));
      // VSEC, §7.9.5.
      case 0x0b -> vendorSpecific(at.u32(4));
      // ACS, §7.7.12: what is enabled is there.
      case 0x0d -> plausible(at.isClear(4, 0xff800080));
      // ARI, §7.8.8.
      case 0x0e -> plausible(at.isClear(4, 0xff8c00fc));
      // ATS, §10.5.1.
      case 0x0f -> plausible(at.isClear(4, 0x7fe0ff00));
      // SR-IOV, §9.3.3: the VF's device id, 4 KiB pages supported, one page size chosen of them.
      case 0x10 ->
          distinct(
              at.isClear(0x18, 0xffff)
                  && at.u32(0x18) != 0
                  && (at.u32(0x1c) & 1) == 1
                  && Integer.bitCount(at.u32(0x20)) == 1
                  && (at.u32(0x1c) & at.u32(0x20)) != 0
                  && Integer.compareUnsigned(at.u32(0x0c) & 0xffff, at.u32(0x0c) >>> 16) <= 0);
      // PRI, §10.5.2.
      case 0x13 -> plausible(at.isClear(4, 0x7efcfffc));
      // Resizable BAR, §7.8.6: the first of 1 to 6 BARs has sizes.
      case 0x15, 0x24 -> plausible(at.isClear(4, 0xf) && at.u32(4) != 0);
      // DPA, §7.9.12: control of substates is enabled after reset.
      case 0x16 -> distinct((at.u32(0xc) & 0x100) != 0 && at.isClear(0xc, 0xffe0fee0));
      // TPH, §7.9.13: the mode without steering tags always exists.
      case 0x17 -> distinct((at.u32(4) & 1) == 1 && at.isClear(4, 0xf800f8f8));
      // LTR, §7.8.2.
      case 0x18 -> plausible(at.isClear(4, 0xe000e000));
      // Secondary PCI Express, §7.7.3: Link Control 3.
      case 0x19 -> plausible(at.isClear(4, 0xffff01fc));
      // PASID, §7.8.9.
      case 0x1b -> plausible(at.isClear(4, 0xfff8e0f9));
      // L1 PM Substates, §7.8.3: some substate is supported and takes time.
      case 0x1e ->
          distinct(
              (at.u32(4) & 0x1f) > 0x10 && (at.u32(4) & 0xff00) != 0 && at.isClear(4, 0xff0400c0));
      // PTM, §7.9.15.
      case 0x1f -> plausible(at.isClear(4, 0xffff00f0) && at.isClear(8, 0xffff00fc));
      // RTR, §7.9.16.
      case 0x22 -> plausible(at.isClear(4, 0x7f000000) && at.isClear(8, 0xff000000));
      // DVSEC, §7.9.6: of the function's own vendor or of the CXL Consortium.
      case 0x23 -> {
        int vendor = at.u32(4) & 0xffff;
        yield vendor == config.id().vendor() || vendor == 0x1e98
            ? Likeness.DISTINCT
            : Likeness.NONE;
      }
      // Data link feature, §7.7.4.
      case 0x25 -> plausible(at.isClear(4, 0x7f800000) && at.isClear(8, 0x7f800000));
      // What has few reserved bits.
      case 0x12, 0x1d, 0x26, 0x27, 0x29, 0x2a, 0x2e, 0x2f, 0x30, 0x31, 0x32 -> Likeness.PLAUSIBLE;
      default -> Likeness.NONE;
    };
  }

  private static Likeness vendorSpecific(int register) {
    int length = register >>> 20;
    boolean possible =
        (register & 0xffff) != 0
            && length >= 8
            && (length & 3) == 0
            && (register & 0xf0000) <= 0x40000;
    return !possible ? Likeness.NONE : length >= 0x10 ? Likeness.DISTINCT : Likeness.PLAUSIBLE;
  }

  private static boolean hasLinks(Registers at) {
    int links = at.u32(4) >>> 8 & 0xff;
    if (links == 0 || !at.isClear(4, 0xf0) || !at.isClear(8, ~0)) {
      return false;
    }
    for (int link = 0; link < links; link++) {
      int entry = 0x10 + 0x10 * link;
      if ((at.u32(entry) & 1) == 0 || at.u32(entry + 8) == 0) {
        return false;
      }
    }
    return true;
  }

  private static Likeness plausible(boolean possible) {
    return possible ? Likeness.PLAUSIBLE : Likeness.NONE;
  }

  private static Likeness distinct(boolean possible) {
    return possible ? Likeness.DISTINCT : Likeness.NONE;
  }

  /// Registers by their offset in the capability; behind the end of the space they are all ones,
  /// which no capability has.
  private record Registers(ConfigSpace config, int offset) {
    int u32(int register) {
      return offset + register + 4 <= config.size() ? config.u32(offset + register) : -1;
    }

    boolean isClear(int register, int bits) {
      return (u32(register) & bits) == 0;
    }
  }
}
