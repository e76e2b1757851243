package io.vpasid.it.walker;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;

/// As the `lspci -v` of pciutils 3.9 walks: `show_caps` of `ls-caps.c`, `show_ext_caps` of
/// `ls-ecaps.c`.
///
/// Both lists remember where they have been. Neither minds where a pointer leads, the header
/// included. An extended list is looked for with a PCI-X capability too. Headers of layouts it does
/// not know have no lists.
public final class LspciWalker implements Walker {
  private static final int PCI_X = 0x07;
  private static final int PCI_EXPRESS = 0x10;
  private static final int BROKEN = 0xff;

  @Override
  public String name() {
    return "lspci";
  }

  @Override
  public Walk walk(byte[] config) {
    Registers registers = new Registers(config);
    List<Step> standard =
        registers.headerLayout() <= Registers.CARDBUS_BRIDGE ? standard(registers) : List.of();
    boolean express = standard.stream().anyMatch(s -> s.standardId() == PCI_EXPRESS);
    boolean mayBeExtended = express || standard.stream().anyMatch(s -> s.standardId() == PCI_X);
    return new Walk(express, standard, mayBeExtended ? extended(registers) : List.of(), true, true);
  }

  private static List<Step> standard(Registers registers) {
    List<Step> steps = new ArrayList<>();
    if (!registers.hasCapabilitiesList()) {
      return steps;
    }
    BitSet seen = new BitSet();
    int where =
        registers.u8(registers.headerLayout() == Registers.CARDBUS_BRIDGE ? 0x14 : 0x34) & ~3;
    while (where != 0 && !seen.get(where)) {
      seen.set(where);
      int header = registers.u16(where);
      if ((header & 0xff) == BROKEN) {
        break;
      }
      steps.add(new Step(where, header));
      where = header >>> 8 & ~3;
    }
    return steps;
  }

  private static List<Step> extended(Registers registers) {
    List<Step> steps = new ArrayList<>();
    BitSet seen = new BitSet();
    int where = 0x100;
    do {
      if (!registers.has(where, 4) || seen.get(where)) {
        break;
      }
      seen.set(where);
      int header = registers.u32(where);
      if (header == 0 || header == -1) {
        break;
      }
      steps.add(new Step(where, header));
      where = header >>> 20 & ~3;
    } while (where != 0);
    return steps;
  }
}
