package io.vpasid.synth.preflight;

import io.vpasid.synth.HardwareInfo;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// P13 to P16 and P23 to P25: the guest's IOMMU, and the capabilities that it drives.
final class IommuChecks {
  private static final String NAME_IOMMU =
      "Name the registers CAP and ECAP of the guest's IOMMU; QEMU's intel-iommu has it with"
          + " scalable-mode=on,fsts=on and pasid-bits.";

  private static final int ATS_CAPABILITY = 0x04;
  private static final int PAGE_ALIGNED_REQUEST = 1 << 5;

  private static final int PRI_STATUS = 0x06;
  private static final int STOPPED = 1 << 8;
  private static final int RESPONSE_NEEDS_PASID = 1 << 15;

  private final LinuxFunction function;
  private final boolean walked;
  private final HardwareInfo hardware;
  private final Optional<List<LinuxFunction>> ports;
  private final Optional<IommuRegisters> iommu;

  /// @param walked whether Linux walks the function's extended list at all
  IommuChecks(
      LinuxFunction function,
      boolean walked,
      HardwareInfo hardware,
      Optional<List<LinuxFunction>> ports,
      Optional<IommuRegisters> iommu) {
    this.function = function;
    this.walked = walked;
    this.hardware = hardware;
    this.ports = ports;
    this.iommu = iommu;
  }

  Check unit() {
    if (iommu.isPresent() && !iommu.get().hasUsableWidth()) {
      return Check.fail(
          CheckId.P13,
          "The unit has no address width that Linux can use, and is ignored.",
          "Give the IOMMU an address width of 39, 48 or 57 bits, or first-stage translation in scalable"
              + " mode.",
          iommu.get().capEvidence(),
          iommu.get().ecapEvidence());
    }
    return Check.unknown(
        CheckId.P13,
        "Whether the guest's DMAR table has a unit for the function is not in configuration space.",
        "Give the guest an Intel IOMMU for all PCI functions (QEMU: -device intel-iommu), and look for"
            + " DMAR in its kernel log.",
        iommu.map(i -> new Evidence[] {i.capEvidence(), i.ecapEvidence()}).orElse(new Evidence[0]));
  }

  Check scalableMode() {
    if (iommu.isEmpty()) {
      return Check.unknown(CheckId.P14, "The guest's IOMMU is not known.", NAME_IOMMU);
    }
    return iommu.get().scalableMode()
        ? Check.pass(CheckId.P14, "The IOMMU has it.", iommu.get().ecapEvidence())
        : Check.fail(
            CheckId.P14,
            "ECAP bit 43 is 0: the IOMMU has no scalable mode.",
            "Switch it on (QEMU: -device intel-iommu,scalable-mode=on,fsts=on).",
            iommu.get().ecapEvidence());
  }

  Check pasids() {
    if (iommu.isEmpty()) {
      return Check.unknown(CheckId.P15, "The guest's IOMMU is not known.", NAME_IOMMU);
    }
    return iommu.get().pasid()
        ? Check.pass(
            CheckId.P15,
            "The IOMMU has PASIDs of " + iommu.get().pasidBits() + " bits.",
            iommu.get().ecapEvidence())
        : Check.fail(
            CheckId.P15,
            "ECAP bit 40 is 0: the IOMMU has no PASIDs.",
            "Switch them on (QEMU: -device intel-iommu,scalable-mode=on,fsts=on,pasid-bits=20).",
            iommu.get().ecapEvidence());
  }

  /// @param physical the physical function, if the guest knows this one as its virtual function
  Check preparation(Optional<LinuxFunction> physical) {
    ExtendedSearch ats = function.extendedCapability(LinuxFunction.ATS);
    if (!walked || !ats.found()) {
      return Check.pass(CheckId.P16, "The function shows no ATS, so there is nothing to prepare.");
    }
    Evidence capability = function.dwordAt(ats.offset(), "ATS capability");
    if (physical.isEmpty()) {
      return Check.pass(
          CheckId.P16,
          "The kernel writes the smallest translation unit, 4 KiB, and does not read it back.",
          capability);
    }
    ExtendedSearch ofPhysical = physical.get().extendedCapability(LinuxFunction.ATS);
    return ofPhysical.found()
        ? Check.pass(
            CheckId.P16,
            "The physical function has ATS, and got the same translation unit before.",
            capability,
            physical.get().dwordAt(ofPhysical.offset(), "ATS capability"))
        : Check.fail(
            CheckId.P16,
            "The function shows ATS but its physical function does not, so the guest gives it no IOMMU.",
            "Show ATS on both, or on neither.",
            capability);
  }

  Check ats() {
    ExtendedSearch ats = function.extendedCapability(LinuxFunction.ATS);
    if (!walked || !ats.found()) {
      return Check.notApplicable(CheckId.P23, "The function shows no ATS capability.");
    }
    Evidence registers =
        function.dwordAt(ats.offset() + ATS_CAPABILITY, "ATS Capability and Control");
    if ((function.u16(ats.offset() + ATS_CAPABILITY) & PAGE_ALIGNED_REQUEST) == 0) {
      return Check.fail(
          CheckId.P23,
          "ATS Capability bit 5 is 0: the function's requests are not page aligned.",
          "No remedy: the device works that way.",
          registers);
    }
    if (!hardware.ats()) {
      return Check.fail(
          CheckId.P23,
          "The host says that ATS is not supported for the device, but the guest is shown it.",
          "Hide the ATS capability.",
          registers);
    }
    if (iommu.isPresent() && !iommu.get().deviceTlbs()) {
      return Check.fail(
          CheckId.P23,
          "ECAP bit 2 is 0: the IOMMU has no device TLBs.",
          "Switch them on (QEMU: -device intel-iommu,device-iotlb=on).",
          registers,
          iommu.get().ecapEvidence());
    }
    Optional<LinuxFunction> foreign = bridgeWithoutAts();
    if (foreign.isPresent()) {
      return Check.fail(
          CheckId.P23,
          "ATS does not go through " + foreign.get().label() + ".",
          "Put the function on the root bus or below PCI Express ports only.",
          registers);
    }
    if (iommu.isEmpty()) {
      return Check.unknown(
          CheckId.P23, "The function can; the guest's IOMMU is not known.", NAME_IOMMU, registers);
    }
    if (ports.isEmpty()) {
      return Check.unknown(
          CheckId.P23,
          "The function and the IOMMU can; the virtual ports above the function are not known.",
          PathChecks.NAME_PORTS,
          registers,
          iommu.get().ecapEvidence());
    }
    return ports.get().isEmpty()
        ? Check.pass(
            CheckId.P23,
            "The function and the IOMMU can, and on the root bus Linux asks for no more.",
            registers,
            iommu.get().ecapEvidence())
        : Check.unknown(
            CheckId.P23,
            "The function and the IOMMU can; whether the guest's DMAR table names the Root Port (ATSR) is"
                + " not in configuration space.",
            "Look for ATSR in the guest's DMAR table.",
            registers,
            iommu.get().ecapEvidence());
  }

  /// The first bridge, from the function to the Root Port, that ends ATS.
  private Optional<LinuxFunction> bridgeWithoutAts() {
    for (LinuxFunction port : ports.orElse(List.of())) {
      if (!port.isExpress() || port.portType() == LinuxFunction.EXPRESS_TO_PCI_BRIDGE) {
        return Optional.of(port);
      }
      if (port.portType() == LinuxFunction.ROOT_PORT) {
        return Optional.empty();
      }
    }
    return Optional.empty();
  }

  /// @param ats the result of P23
  Check pri(Check ats) {
    ExtendedSearch pri = function.extendedCapability(LinuxFunction.PRI);
    if (!walked || !pri.found()) {
      return Check.notApplicable(CheckId.P24, "The function shows no PRI capability.");
    }
    Evidence status = function.wordAt(pri.offset() + PRI_STATUS, "Page Request Status");
    int bits = function.u16(pri.offset() + PRI_STATUS);
    if ((bits & RESPONSE_NEEDS_PASID) == 0) {
      return Check.fail(
          CheckId.P24,
          "Page Request Status bit 15 is 0: responses carry no PASID, and with PASIDs on Linux wants"
              + " them to.",
          "No remedy: the device works that way.",
          status);
    }
    if ((bits & STOPPED) == 0) {
      return Check.fail(
          CheckId.P24,
          "Page Request Status bit 8 (Stopped) is 0, so Linux finds the interface busy.",
          "Serve the status with that bit set while page requests are off.",
          status);
    }
    if (ats.verdict() == Verdict.FAIL || ats.verdict() == Verdict.NOT_APPLICABLE) {
      return Check.fail(CheckId.P24, "Page requests need ATS.", "See P23.", status);
    }
    if (iommu.isPresent() && !(iommu.get().pageRequests() && iommu.get().pageRequestDrain())) {
      return Check.fail(
          CheckId.P24,
          "ECAP bits 29 (page requests) and 42 (drain) must both be set.",
          "Switch page requests on in the guest's IOMMU (QEMU: -device intel-iommu,svm=on).",
          status,
          iommu.get().ecapEvidence());
    }
    List<Evidence> evidence = new ArrayList<>(List.of(status));
    iommu.ifPresent(i -> evidence.add(i.ecapEvidence()));
    Check result =
        ats.verdict() == Verdict.PASS && iommu.isPresent()
            ? Check.pass(CheckId.P24, "The function and the IOMMU can, and ATS is on.")
            : Check.unknown(
                CheckId.P24, "The function can; whether ATS is enabled first is open.", "See P23.");
    return result.with(evidence);
  }

  /// P25: PASIDs that are enabled are not all that SVA takes.
  Check sva() {
    if (iommu.isEmpty()) {
      return Check.unknown(CheckId.P25, "The guest's IOMMU is not known.", NAME_IOMMU);
    }
    IommuRegisters registers = iommu.get();
    if (!registers.scalableMode() || !registers.pasid()) {
      return Check.fail(
          CheckId.P25, "The IOMMU has no PASIDs.", "See P14 and P15.", registers.ecapEvidence());
    }
    if (!registers.snoopedWalks()) {
      return Check.fail(
          CheckId.P25,
          "ECAP bit 48 (SMPWC) is 0: Linux refuses SVA, though it enables PASIDs.",
          "QEMU's intel-iommu does not have it, not with svm=on either (as of 11.1.3); the virtual IOMMU"
              + " of vpasid serve does.",
          registers.ecapEvidence());
    }
    List<String> missing = new ArrayList<>();
    if (!registers.firstStageGigabytePages()) {
      missing.add("1 GiB pages (CAP bit 56), which a CPU with pdpe1gb asks for");
    }
    if (!registers.firstStageFiveLevels()) {
      missing.add("5 levels (CAP bit 60), which a CPU with la57 asks for");
    }
    return missing.isEmpty()
        ? Check.pass(
            CheckId.P25,
            "The IOMMU can, on any CPU.",
            registers.capEvidence(),
            registers.ecapEvidence())
        : Check.unknown(
            CheckId.P25,
            "The IOMMU's first stage has no " + String.join(", and no ", missing) + ".",
            "Look for pdpe1gb and la57 in the guest's /proc/cpuinfo; where they are, take them from"
                + " the CPU, or give the IOMMU the same.",
            registers.capEvidence());
  }
}
