package io.vpasid.it.walker;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;

/// As Linux 7.3 walks: `PCI_FIND_NEXT_CAP`, `pci_cfg_space_size` and `PCI_FIND_NEXT_EXT_CAP`.
///
/// Loops end by the number of steps, 48 and 480. An extended space whose first dword is all ones,
/// or that shows the dword at 0 again at every multiple of 0x100, does not count. Headers of all
/// ones inside the list are followed like any other.
public final class LinuxWalker implements Walker {
  private static final int STANDARD_STEPS = 48;
  private static final int EXTENDED_STEPS = 480;

  private static final int CLASS_HOST_BRIDGE = 0x0600;
  private static final int PCI_X = 0x07;
  private static final int PCI_X_STATUS_266_OR_533 = 0xc0000000;
  private static final int PCI_EXPRESS = 0x10;

  @Override
  public String name() {
    return "Linux";
  }

  @Override
  public Walk walk(byte[] config) {
    Registers registers = new Registers(config);
    List<Step> standard = standard(registers);
    boolean express = standard.stream().anyMatch(s -> s.standardId() == PCI_EXPRESS);
    boolean mayBeExtended =
        registers.u16(0x0a) == CLASS_HOST_BRIDGE || express || isFastPciX(registers, standard);
    List<Step> extended =
        mayBeExtended && hasExtendedSpace(registers) ? extended(registers) : List.of();
    return new Walk(express, standard, extended, true, true);
  }

  /// Whether Linux takes a space of 4096 bytes for one of 256, because it only repeats these or
  /// reads as all ones. vfio-pci shows no more of it then.
  public static boolean hasNoExtendedSpace(byte[] config) {
    return !hasExtendedSpace(new Registers(config));
  }

  private static List<Step> standard(Registers registers) {
    List<Step> steps = new ArrayList<>();
    if (!registers.hasCapabilitiesList()) {
      return steps;
    }
    int position =
        switch (registers.headerLayout()) {
          case 0, 1 -> registers.u8(0x34);
          case Registers.CARDBUS_BRIDGE -> registers.u8(0x14);
          default -> 0;
        };
    BitSet seen = new BitSet();
    for (int step = 0; step < STANDARD_STEPS && position >= 0x40; step++) {
      position &= ~3;
      int header = registers.u16(position);
      if ((header & 0xff) == 0xff) {
        break;
      }
      if (!seen.get(position)) {
        seen.set(position);
        steps.add(new Step(position, header));
      }
      position = header >>> 8;
    }
    return steps;
  }

  private static boolean isFastPciX(Registers registers, List<Step> standard) {
    return standard.stream()
        .filter(s -> s.standardId() == PCI_X && registers.has(s.offset(), 8))
        .findFirst()
        .filter(s -> (registers.u32(s.offset() + 4) & PCI_X_STATUS_266_OR_533) != 0)
        .isPresent();
  }

  private static boolean hasExtendedSpace(Registers registers) {
    return registers.has(0x100, 4) && registers.u32(0x100) != -1 && !isAliased(registers);
  }

  private static boolean isAliased(Registers registers) {
    for (int offset = 0x100; registers.has(offset, 4); offset += 0x100) {
      if (registers.u32(offset) != registers.u32(0)) {
        return false;
      }
    }
    return true;
  }

  private static List<Step> extended(Registers registers) {
    List<Step> steps = new ArrayList<>();
    BitSet seen = new BitSet();
    int position = 0x100;
    for (int step = 0; step < EXTENDED_STEPS && position >= 0x100; step++) {
      int header = registers.u32(position);
      if (header == 0) {
        break;
      }
      if (!seen.get(position)) {
        seen.set(position);
        steps.add(new Step(position, header));
      }
      position = header >>> 20 & ~3;
    }
    return steps;
  }
}
