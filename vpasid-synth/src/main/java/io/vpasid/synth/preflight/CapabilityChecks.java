package io.vpasid.synth.preflight;

import io.vpasid.pci.ConfigSpace;
import io.vpasid.synth.HardwareInfo;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/// P11, P12, P18, P20 and P22: the PASID capability that the walk found.
///
/// ```text
///        31     19 18 17 16 15  13 12         8 7        3  2  1  0
///  +0x04 | reserved|PE|EE|E|  rsvd |   Width   |  reserved |PS|ES|r|
/// ```
final class CapabilityChecks {
  private static final int REGISTERS = 0x04;
  private static final int EXEC = 1 << 1;
  private static final int PRIV = 1 << 2;
  private static final int ENABLE = 1 << 16;
  private static final int WIDTH_SHIFT = 8;
  private static final int WIDTH_MASK = 0x1f;

  /// 1 << 31 is negative as a C int, which Linux takes for none.
  private static final int OVERFLOWING_WIDTH = 31;

  private static final String NONE_FOUND = "No PASID capability is found (P11).";

  private final LinuxFunction function;
  private final boolean walked;
  private final ExtendedSearch search;
  private final HardwareInfo hardware;
  private final Optional<IommuRegisters> iommu;

  /// @param walked whether Linux walks the extended list at all
  CapabilityChecks(
      LinuxFunction function,
      boolean walked,
      ExtendedSearch search,
      HardwareInfo hardware,
      Optional<IommuRegisters> iommu) {
    this.function = function;
    this.walked = walked;
    this.search = search;
    this.hardware = hardware;
    this.iommu = iommu;
  }

  private boolean isFound() {
    return walked && search.found();
  }

  private boolean isWhole() {
    return search.offset() + REGISTERS + 4 <= ConfigSpace.EXTENDED_SIZE;
  }

  private int registers() {
    return function.u32(search.offset() + REGISTERS);
  }

  private Evidence header() {
    return function.dwordAt(search.offset(), "PASID capability");
  }

  private Evidence registersEvidence() {
    return function.dwordAt(search.offset() + REGISTERS, "PASID Capability and Control");
  }

  Check found() {
    if (isFound()) {
      return Check.pass(
          CheckId.P11,
          String.format(Locale.ROOT, "The walk finds it at 0x%03x.", search.offset()),
          header());
    }
    return Check.fail(
        CheckId.P11,
        walked
            ? "The walk ends without it."
            : "Linux walks no extended list (P7), so it finds no PASID capability.",
        walked
            ? "Link a PASID capability (id 0x001b) into the list that the guest sees."
            : "See P7.");
  }

  Check width() {
    if (!isFound()) {
      return Check.notApplicable(CheckId.P12, NONE_FOUND);
    }
    if (!isWhole()) {
      return Check.fail(
          CheckId.P12,
          "The capability's registers would lie behind the end of the configuration space.",
          "Put the capability at 0xff8 or below.",
          header());
    }
    int shown = registers() >>> WIDTH_SHIFT & WIDTH_MASK;
    int host = hardware.maxPasidLog2();
    if (shown == 0 || shown == OVERFLOWING_WIDTH) {
      return Check.fail(
          CheckId.P12,
          shown == 0
              ? "A Max PASID Width of 0 leaves one PASID, which Linux keeps for itself."
              : "A Max PASID Width of 31 overflows in Linux, which then has no PASIDs.",
          "Show the width that the host reports, 1 to 20 bits.",
          registersEvidence());
    }
    if (host == 0) {
      return Check.fail(
          CheckId.P12,
          "The guest sees PASIDs of "
              + bits(shown)
              + ", but the host's IOMMU reports none for the device: every attachment would fail.",
          "Show no PASID capability on this host.",
          registersEvidence());
    }
    int used = iommu.map(i -> Math.min(shown, i.pasidBits())).orElse(shown);
    String byIommu = used < shown ? ", as the IOMMU has no more," : "";
    if (used <= host) {
      return Check.pass(
          CheckId.P12,
          "The guest uses PASIDs of "
              + bits(used)
              + byIommu
              + " and the host has "
              + bits(host)
              + ".",
          evidence(iommu));
    }
    String tooWide =
        "The capability shows " + bits(shown) + ", but the host has " + bits(host) + " only";
    String remedy = "Show at most " + bits(host) + ".";
    return iommu.isPresent()
        ? Check.fail(
            CheckId.P12,
            tooWide + ", and the guest's IOMMU has " + bits(iommu.get().pasidBits()) + ".",
            remedy,
            evidence(iommu))
        : Check.unknown(
            CheckId.P12,
            tooWide + "; fewer bits of the guest's IOMMU could make up for it.",
            remedy,
            registersEvidence());
  }

  private Evidence[] evidence(Optional<IommuRegisters> registers) {
    List<Evidence> evidence = new ArrayList<>(List.of(registersEvidence()));
    registers.ifPresent(i -> evidence.add(i.ecapEvidence()));
    return evidence.toArray(Evidence[]::new);
  }

  private static String bits(int count) {
    return count == 1 ? "1 bit" : count + " bits";
  }

  Check notEnabledBefore() {
    if (isFound() && isWhole() && (registers() & ENABLE) != 0) {
      return Check.pass(
          CheckId.P18,
          "The register has PASID Enable set already; Linux goes by its own record, which is clear"
              + " when it meets a function.",
          registersEvidence());
    }
    return Check.pass(
        CheckId.P18, "The kernel's record is clear when it meets a function for the first time.");
  }

  Check recorded() {
    return isFound()
        ? Check.pass(
            CheckId.P20,
            String.format(Locale.ROOT, "The offset is 0x%03x.", search.offset()),
            header())
        : Check.fail(CheckId.P20, "No offset is recorded.", "See P11.");
  }

  Check permissions() {
    if (!isFound()) {
      return Check.notApplicable(CheckId.P22, NONE_FOUND);
    }
    if (!isWhole()) {
      return Check.notApplicable(CheckId.P22, "The capability has no registers (P12).");
    }
    boolean exec = (registers() & EXEC) != 0;
    boolean priv = (registers() & PRIV) != 0;
    if ((exec && !hardware.exec()) || (priv && !hardware.priv())) {
      String beyond =
          exec && !hardware.exec()
              ? priv && !hardware.priv() ? "both permissions" : "Execute Permission"
              : "Privileged Mode";
      return Check.fail(
          CheckId.P22,
          "The capability offers " + beyond + ", which Linux would enable but the host has not.",
          "Offer only what IOMMU_GET_HW_INFO reports.",
          registersEvidence());
    }
    return Check.pass(
        CheckId.P22,
        "Linux asks for what the capability offers, and the host has it: Exec"
            + (exec ? '+' : '-')
            + ", Priv"
            + (priv ? '+' : '-')
            + ".",
        registersEvidence());
  }
}
