package io.vpasid.it.walker;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;

/// As the PCI bus driver of EDK2 walks: `LocateCapabilityRegBlock` and
/// `LocatePciExpressCapabilityRegBlock` of `PciBusDxe/PciCommand.c`.
///
/// Neither counts steps: a search in a cyclic list for what is not in it does not end, which is an
/// outcome here ([Walk#ends]); only a standard capability that points at itself ends its list.
/// Pointers of the standard list are not aligned but have to be; those of the extended list are
/// aligned, and followed below 0x100, even to 0. Whatever fails to answer reads as all ones.
public final class Edk2Walker implements Walker {
  private static final int PCI_EXPRESS = 0x10;

  @Override
  public String name() {
    return "EDK2";
  }

  @Override
  public Walk walk(byte[] config) {
    Registers registers = new Registers(config);
    List<Step> standard = new ArrayList<>();
    boolean standardEnds = standard(registers, standard);
    boolean express = standard.stream().anyMatch(s -> s.standardId() == PCI_EXPRESS);
    List<Step> extended = new ArrayList<>();
    boolean extendedEnds = !express || extended(registers, extended);
    return new Walk(express, standard, extended, standardEnds, extendedEnds);
  }

  /// Fills in the steps; false if they repeat for ever.
  private static boolean standard(Registers registers, List<Step> steps) {
    if (!registers.hasCapabilitiesList()) {
      return true;
    }
    BitSet seen = new BitSet();
    int pointer = registers.u8(registers.headerLayout() == Registers.CARDBUS_BRIDGE ? 0x14 : 0x34);
    while (pointer >= 0x40 && (pointer & 3) == 0) {
      if (seen.get(pointer)) {
        return false;
      }
      seen.set(pointer);
      int entry = registers.u16(pointer);
      steps.add(new Step(pointer, entry));
      if (entry >>> 8 == pointer) {
        return true;
      }
      pointer = entry >>> 8;
    }
    return true;
  }

  /// Fills in the steps; false if they repeat for ever.
  private static boolean extended(Registers registers, List<Step> steps) {
    BitSet seen = new BitSet();
    int pointer = 0x100;
    while (pointer != 0) {
      pointer &= 0xffc;
      int entry = registers.has(pointer, 4) ? registers.u32(pointer) : -1;
      if (entry == -1) {
        return true;
      }
      if (seen.get(pointer)) {
        return false;
      }
      seen.set(pointer);
      steps.add(new Step(pointer, entry));
      pointer = entry >>> 20;
    }
    return true;
  }
}
