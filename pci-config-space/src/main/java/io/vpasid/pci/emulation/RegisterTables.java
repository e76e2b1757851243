package io.vpasid.pci.emulation;

import io.vpasid.pci.capability.CapabilityId;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// Access of software to each register of a function: one table per capability, to be read beside
/// the specification's.
///
/// Sections are those of the PCI Express Base Specification 7.0 (chapter 9 as of 6.3) unless the
/// table names another. A row is a field: its attribute as in the specification's last column, its
/// bits, its name, and where it applies the condition on which a function has it (`when`), its
/// value after power-on if that is not 0, and whether function-level reset leaves it although it is
/// not sticky (`keptByReset`, section 6.6.2). Fields that are not listed, and capabilities without
/// a table, show what was captured and ignore writes. Where the specification leaves a choice:
///
/// - Fields that a function is "permitted to hardwire" are implemented, except where another
///   register says that the function does not have the feature.
/// - Status that only hardware sets, and bits that read 0 because writing 1 starts something, are
///   0: nothing happens here that could set it, and what is started is over at once.
/// - Data that a selector chooses (PMCSR Data_Select, Power Budgeting) stays with the selection
///   that was captured, so the selector is read-only: the other data are not known.
/// - The exemption from function-level reset that section 6.6.2 grants to ARI, L1 PM Substates, LTR
///   and PTM for Flit Mode holds for all functions.
/// - A virtual function has the fields that the tables' "VF RsvdP" and "VF ROZ" leave it.
final class RegisterTables {

  private static final Map<CapabilityId, RegisterTable> CAPABILITIES =
      Map.ofEntries(
          Map.entry(CapabilityId.POWER_MANAGEMENT, StandardRegisters.POWER_MANAGEMENT),
          Map.entry(CapabilityId.AGP, StandardRegisters.AGP),
          Map.entry(CapabilityId.VPD, StandardRegisters.VPD),
          Map.entry(CapabilityId.MSI, StandardRegisters.MSI),
          Map.entry(CapabilityId.PCI_X, StandardRegisters.PCI_X),
          Map.entry(CapabilityId.HYPERTRANSPORT, StandardRegisters.HYPERTRANSPORT),
          Map.entry(CapabilityId.PCI_EXPRESS, StandardRegisters.PCI_EXPRESS),
          Map.entry(CapabilityId.MSI_X, StandardRegisters.MSI_X),
          Map.entry(CapabilityId.ADVANCED_FEATURES, StandardRegisters.ADVANCED_FEATURES),
          Map.entry(CapabilityId.ENHANCED_ALLOCATION, StandardRegisters.ENHANCED_ALLOCATION),
          Map.entry(CapabilityId.AER, ExtendedRegisters.AER),
          Map.entry(CapabilityId.VIRTUAL_CHANNEL, ExtendedRegisters.VIRTUAL_CHANNEL),
          Map.entry(CapabilityId.MULTI_FUNCTION_VIRTUAL_CHANNEL, ExtendedRegisters.VIRTUAL_CHANNEL),
          Map.entry(CapabilityId.VIRTUAL_CHANNEL_WITH_MFVC, ExtendedRegisters.VIRTUAL_CHANNEL),
          Map.entry(
              CapabilityId.RC_INTERNAL_LINK_CONTROL, ExtendedRegisters.RC_INTERNAL_LINK_CONTROL),
          Map.entry(CapabilityId.ACS, ExtendedRegisters.ACS),
          Map.entry(CapabilityId.ARI, ExtendedRegisters.ARI),
          Map.entry(CapabilityId.ATS, ExtendedRegisters.ATS),
          Map.entry(CapabilityId.SR_IOV, ExtendedRegisters.SR_IOV),
          Map.entry(CapabilityId.MULTICAST, ExtendedRegisters.MULTICAST),
          Map.entry(CapabilityId.PRI, ExtendedRegisters.PRI),
          Map.entry(CapabilityId.RESIZABLE_BAR, ExtendedRegisters.RESIZABLE_BAR),
          Map.entry(CapabilityId.VF_RESIZABLE_BAR, ExtendedRegisters.VF_RESIZABLE_BAR),
          Map.entry(CapabilityId.DPA, ExtendedRegisters.DPA),
          Map.entry(CapabilityId.TPH, ExtendedRegisters.TPH),
          Map.entry(CapabilityId.LTR, ExtendedRegisters.LTR),
          Map.entry(CapabilityId.SECONDARY_PCI_EXPRESS, ExtendedRegisters.SECONDARY_PCI_EXPRESS),
          Map.entry(CapabilityId.PASID, ExtendedRegisters.PASID),
          Map.entry(CapabilityId.LN_REQUESTER, ExtendedRegisters.LN_REQUESTER),
          Map.entry(CapabilityId.DPC, ExtendedRegisters.DPC),
          Map.entry(CapabilityId.L1_PM_SUBSTATES, ExtendedRegisters.L1_PM_SUBSTATES),
          Map.entry(CapabilityId.PTM, ExtendedRegisters.PTM),
          Map.entry(CapabilityId.FRS_QUEUING, ExtendedRegisters.FRS_QUEUING),
          Map.entry(CapabilityId.PHYSICAL_LAYER_16GT, ExtendedRegisters.PHYSICAL_LAYER_16GT),
          Map.entry(CapabilityId.LANE_MARGINING, ExtendedRegisters.LANE_MARGINING),
          Map.entry(CapabilityId.NPEM, ExtendedRegisters.NPEM),
          Map.entry(CapabilityId.DOE, ExtendedRegisters.DOE),
          Map.entry(CapabilityId.DEVICE_3, ExtendedRegisters.DEVICE_3),
          Map.entry(CapabilityId.IDE, ExtendedRegisters.IDE));

  private RegisterTables() {}

  /// The capabilities that have a table.
  static Set<CapabilityId> ids() {
    return CAPABILITIES.keySet();
  }

  /// The table of a capability, if it has one.
  static Optional<RegisterTable> of(CapabilityId id) {
    return Optional.ofNullable(CAPABILITIES.get(id));
  }

  /// The table of a header.
  ///
  /// @param layout 0 endpoint, 1 bridge; any other is taken for a CardBus bridge (2), of whose
  ///   registers only those that all headers share are emulated
  static RegisterTable ofHeader(int layout) {
    return switch (layout) {
      case 0 -> HeaderRegisters.TYPE_0;
      case 1 -> HeaderRegisters.TYPE_1;
      default -> HeaderRegisters.CARDBUS;
    };
  }
}
