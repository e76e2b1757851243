package io.vpasid.synth.preflight;

/// The checks of a Linux guest, in its order, before it enables PASIDs on a function under an Intel
/// virtual IOMMU, and ATS, PRI and SVA behind them.
///
/// As of Linux 7.3. What each is about stands in [#rule], where it stands in the kernel in
/// [#source].
public enum CheckId {
  P1(
      "Kernel with the IOMMU driver",
      "Only IOMMU drivers enable PASIDs: the kernel needs CONFIG_INTEL_IOMMU, which selects"
          + " CONFIG_PCI_PASID, and the IOMMU switched on.",
      "drivers/iommu/intel/Kconfig"),
  P2(
      "Scalable mode switched on",
      "The kernel uses scalable mode by CONFIG_INTEL_IOMMU_SCALABLE_MODE_DEFAULT_ON or"
          + " intel_iommu=sm_on, unless intel_iommu=sm_off says no. pci=noats takes away ATS only.",
      "drivers/iommu/intel/iommu.c: intel_iommu_setup"),
  P3(
      "Bridges that pass extended space on",
      "Every bridge above must be a Root Port, an Upstream Port or a Downstream Port, or have PCI-X"
          + " at 266 or 533 MHz. Below any other, functions have 256 bytes.",
      "drivers/pci/probe.c: pci_bridge_child_ext_cfg_accessible, pci_cfg_space_size"),
  P4(
      "PCI Express capability",
      "Only a function with a PCI Express capability in the standard list has extended space; host"
          + " bridges and PCI-X at 266 or 533 MHz are excepted. The walk needs Status bit 4, takes at"
          + " most 48 headers, ends at a pointer below 0x40 and at id 0xff.",
      "drivers/pci/probe.c: pci_cfg_space_size, set_pcie_port_type"),
  P5(
      "Extended space readable",
      "The dword at 0x100 must be readable, which takes ECAM (MCFG) on x86, and must not read as all"
          + " ones. Zero is fine.",
      "drivers/pci/probe.c: pci_cfg_space_size_ext"),
  P6(
      "Extended space not aliased",
      "Where the dwords at 0x100, 0x200 and so on up to 0xf00 all equal the one at 0, the space counts"
          + " as 256 bytes that repeat.",
      "drivers/pci/probe.c: pci_ext_cfg_is_aliased"),
  P7(
      "Extended list within the walk's limits",
      "With more than 256 bytes, the walk starts at 0x100 and reads at most 480 headers; nothing else"
          + " ends a loop.",
      "drivers/pci/pci.c: pci_find_next_ext_capability"),
  P8(
      "Extended list not cut short",
      "The walk ends at a header of zeros, at 0x100 already, and at a next pointer below 0x100. The"
          + " two low bits of a pointer are ignored; neither version nor order matter.",
      "drivers/pci/pci.c: pci_find_next_ext_capability"),
  P9(
      "No header of all ones",
      "A header of all ones is none to the walk but id 0xffff with a pointer to 0xffc, where it may"
          + " spin until its limit.",
      "drivers/pci/pci.c: pci_find_next_ext_capability"),
  P10(
      "Placeholders in the list",
      "A header with id 0, version 0 and a next pointer, as vfio-pci leaves it at the head, is walked"
          + " through.",
      "drivers/pci/pci.c: pci_find_next_ext_capability"),
  P11(
      "PASID capability found",
      "The walk must find id 0x001b. A function that the guest knows as a virtual one uses its physical"
          + " function's.",
      "drivers/pci/ats.c: pci_pasid_init"),
  P12(
      "PASID width",
      "PASIDs have the bits of Max PASID Width, or of the IOMMU's PSS if those are fewer. 0 bits leave"
          + " one PASID, which cannot be used; 31 overflow. Linux does not compare with the host.",
      "drivers/pci/ats.c: pci_max_pasids; drivers/iommu/iommu.c: dev_iommu_get_max_pasids"),
  P13(
      "IOMMU unit in charge",
      "A unit of the DMAR table must cover the function, and must not be ignored: it needs an address"
          + " width that Linux can use.",
      "drivers/iommu/intel/dmar.c: alloc_iommu; drivers/iommu/intel/iommu.c: iommu_calculate_agaw"),
  P14(
      "Scalable mode of the IOMMU",
      "ECAP.SMTS, bit 43, must be set.",
      "drivers/iommu/intel/iommu.h: sm_supported"),
  P15(
      "PASIDs of the IOMMU",
      "ECAP.PASID, bit 40, must be set.",
      "drivers/iommu/intel/iommu.c: intel_iommu_probe_device"),
  P16(
      "Preparation of ATS",
      "Where the function has an ATS capability and is trusted, the kernel writes the smallest"
          + " translation unit first. If that fails, which it does for a virtual function whose physical"
          + " function has another unit or none, the function gets no IOMMU at all.",
      "drivers/iommu/intel/iommu.c: intel_iommu_probe_device; drivers/pci/ats.c: pci_prepare_ats"),
  P17(
      "Physical function",
      "On a function that the guest knows as a virtual one, PASIDs count as enabled when they are on its"
          + " physical function; nothing else is checked.",
      "drivers/pci/ats.c: pci_enable_pasid"),
  P18(
      "PASIDs not enabled before",
      "The kernel's own record must say that PASIDs are off. The Enable bit of the register is not"
          + " looked at.",
      "drivers/pci/ats.c: pci_enable_pasid"),
  P19(
      "End-End TLP prefixes",
      "The PCI Express capability must have version 2 or higher and Device Capabilities 2 bit 21. For"
          + " a Root Port and a Root Complex Integrated Endpoint that is all; any other function needs"
          + " the same of the bridge above it, and so on up to the Root Port. Six Huawei functions are"
          + " excepted.",
      "drivers/pci/probe.c: pci_configure_eetlp_prefix; drivers/pci/ats.c: pci_enable_pasid;"
          + " drivers/pci/quirks.c: quirk_huawei_pcie_sva"),
  P20(
      "PASID capability recorded",
      "The offset that the walk found must not be 0.",
      "drivers/pci/ats.c: pci_enable_pasid"),
  P21(
      "ACS on the path",
      "From the function to the root bus, everything must redirect requests (RR) and forward upstream"
          + " (UF). Root and Downstream Ports need an ACS capability, with the control bits set of what"
          + " it advertises; so do endpoints and Upstream Ports of multi-function devices. Bridges to"
          + " PCI and event collectors fail. A table of exceptions comes first. With an IOMMU, the"
          + " kernel sets the control bits itself.",
      "drivers/pci/pci.c: pci_acs_path_enabled, pci_acs_enabled; drivers/pci/quirks.c:"
          + " pci_dev_specific_acs_enabled"),
  P22(
      "Permissions supported",
      "Execute Permission and Privileged Mode are enabled as the capability register offers them. Linux"
          + " does not compare with the host, nor read back what it wrote.",
      "drivers/pci/ats.c: pci_enable_pasid"),
  P23(
      "ATS",
      "After PASIDs, ATS is enabled if the IOMMU has ECAP.DT (bit 2), the function is trusted, and on the"
          + " root bus or below a Root Port that the DMAR table names (ATSR, SATC); its ATS capability"
          + " must have Page Aligned Request (bit 5). PASIDs work without.",
      "drivers/iommu/intel/iommu.c: dmar_ats_supported; drivers/pci/ats.c: pci_enable_ats"),
  P24(
      "PRI",
      "Behind ATS, page requests are enabled if the IOMMU has ECAP.PRS (bit 29) and PDS (bit 42), and"
          + " the PRI capability's status has PRG Response PASID Required (bit 15) and Stopped (bit 8)."
          + " PASIDs work without, page faults do not.",
      "drivers/iommu/intel/iommu.c; drivers/pci/ats.c: pci_enable_pri"),
  P25(
      "Shared virtual addressing",
      "SVA, where the IOMMU walks a process's own page table, wants more of the IOMMU than PASIDs do:"
          + " ECAP.SMPWC (bit 48), first-stage pages of 1 GiB (CAP bit 56) if the guest's CPU has them,"
          + " and 5 levels (CAP bit 60) if it has LA57. PASIDs work without.",
      "drivers/iommu/intel/svm.c: intel_svm_check");

  private final String title;
  private final String rule;
  private final String source;

  CheckId(String title, String rule, String source) {
    this.title = title;
    this.rule = rule;
    this.source = source;
  }

  /// The check's name.
  public String title() {
    return title;
  }

  /// The rule that Linux follows, in whole sentences.
  public String rule() {
    return rule;
  }

  /// The files of the Linux source tree, and the functions in them, where Linux does it.
  public String source() {
    return source;
  }

  /// True if PASIDs depend on it; ATS, PRI and SVA, which come behind them, do not count.
  public boolean decidesPasid() {
    return compareTo(P22) <= 0;
  }
}
