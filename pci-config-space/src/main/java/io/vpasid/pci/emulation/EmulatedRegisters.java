package io.vpasid.pci.emulation;

import io.vpasid.pci.ConfigSpace;
import io.vpasid.pci.capability.Capability;
import io.vpasid.pci.capability.CapabilityChain;
import io.vpasid.pci.capability.CapabilityId;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/// Registers that behave as a device's do: read-only, read-write, write-1-to-clear and sticky bits,
/// BARs that can be sized, power states, function-level reset.
///
/// They turn a capture, whose bytes never change, into a function that a guest can drive:
///
/// ```java
/// GuestConfigSpace function =
///     EmulatedRegisters.ofFunction(capture, List.of(Bar.memory64(0, 1 << 16)))
///         .applyTo(GuestConfigSpace.over(DeviceConfig.readOnly(capture)))
///         .build();
/// ```
///
/// The registers start as after power-on, not as captured: BARs unassigned, nothing enabled, no
/// error logged. Function-level reset, which the function's own registers initiate, brings that
/// back but for sticky bits and what section 6.6.2 of the PCI Express Base Specification 7.0
/// exempts: error status, masks and severities, PME, Max_Payload_Size and what belongs to the link
/// survive.
///
/// Other patches combine with these: laid over the same view later, they replace registers and
/// their rules; in a view over the view, both work on their own.
///
/// Immutable; safe to share between threads.
public final class EmulatedRegisters {
  private final List<ConfigPatch> patches;
  private final List<DwordRules> rules;

  private EmulatedRegisters(List<ConfigPatch> patches, List<DwordRules> rules) {
    this.patches = List.copyOf(patches);
    this.rules = List.copyOf(rules);
  }

  /// All registers of a function whose configuration space was captured.
  ///
  /// Defined for any capture. Header layouts 0 and 1 are complete; a CardBus bridge has no BARs and
  /// windows.
  ///
  /// @param bars the BARs that it implements; the others read 0
  /// @throws IllegalArgumentException if two BARs claim one register, or the header has no such
  ///   register
  public static EmulatedRegisters ofFunction(ConfigSpace captured, List<Bar> bars) {
    return ofFunction(captured, bars, List.of());
  }

  /// Likewise, for a function with SR-IOV.
  ///
  /// @param vfBars the BARs of its virtual functions, memory only, with the size of one function's;
  ///   the others read 0
  /// @throws IllegalArgumentException if two BARs claim one register, or the header or the SR-IOV
  ///   capability has no such register
  static EmulatedRegisters ofFunction(ConfigSpace captured, List<Bar> bars, List<Bar> vfBars) {
    return ofFunction(captured, false, bars, vfBars);
  }

  /// All registers of an SR-IOV virtual function: those that its physical function has for it read
  /// 0.
  ///
  /// @param bars the BARs that it shows. Real ones show none, because their physical function has
  ///   them; vfio-pci shows them
  /// @throws IllegalArgumentException if two BARs claim one register, or the header has no such
  ///   register
  public static EmulatedRegisters ofVirtualFunction(ConfigSpace captured, List<Bar> bars) {
    return ofFunction(captured, true, bars, List.of());
  }

  /// The registers of some capabilities only, for a device that shows them and does not let the
  /// guest write them.
  ///
  /// @param chain the capabilities of `config`
  /// @param ids which of them; those without control registers add nothing
  public static EmulatedRegisters ofCapabilities(
      ConfigSpace config, CapabilityChain chain, Set<CapabilityId> ids) {
    EmulatedFunction function = EmulatedFunction.of(config, chain, false, List.of(), List.of());
    RegisterImage image = new RegisterImage();
    addCapabilities(image, function, ids);
    return new EmulatedRegisters(image.patches(), image.rules());
  }

  private static EmulatedRegisters ofFunction(
      ConfigSpace config, boolean isVirtual, List<Bar> bars, List<Bar> vfBars) {
    EmulatedFunction function =
        EmulatedFunction.of(config, CapabilityChain.walk(config), isVirtual, bars, vfBars);
    RegisterBlock header = RegisterBlock.header(function);
    RegisterImage image = new RegisterImage();
    image.add(header, RegisterTables.ofHeader(config.headerLayout()));
    BarLayout.ofHeader(config.headerLayout()).add(image, header, bars, CapabilityId.RESIZABLE_BAR);
    addVfBars(image, header, vfBars);
    addCapabilities(image, function, RegisterTables.ids());
    // What no table speaks of is read-only: the device below is not asked for anything.
    List<ConfigPatch> patches = new ArrayList<>();
    for (int at = 0; at < config.size(); at += 4) {
      patches.add(ConfigPatch.readOnly(at, config.u32(at)));
    }
    patches.addAll(image.patches());
    return new EmulatedRegisters(patches, image.rules());
  }

  private static void addVfBars(RegisterImage image, RegisterBlock header, List<Bar> vfBars) {
    for (Bar bar : vfBars) {
      if (!bar.isMemory()) {
        throw new IllegalArgumentException("Virtual functions decode memory only, not " + bar);
      }
    }
    Optional<RegisterBlock> sriov = header.other(CapabilityId.SR_IOV);
    if (sriov.isPresent()) {
      BarLayout.SR_IOV.add(image, sriov.get(), vfBars, CapabilityId.VF_RESIZABLE_BAR);
    } else if (!vfBars.isEmpty()) {
      throw new IllegalArgumentException(
          "The function has no SR-IOV capability, where its virtual functions have their BARs");
    }
  }

  private static void addCapabilities(
      RegisterImage image, EmulatedFunction function, Set<CapabilityId> ids) {
    for (Capability capability : function.findAll(ids)) {
      RegisterTables.of(capability.id())
          .ifPresent(table -> image.add(RegisterBlock.of(function, capability), table));
    }
  }

  /// The registers to serve in place of the device's, in order.
  public List<ConfigPatch> patches() {
    return patches;
  }

  /// Lays the patches, and the rules of their registers, over a view that is being made.
  public GuestConfigSpace.Builder applyTo(GuestConfigSpace.Builder builder) {
    return applyRules(builder.patch(patches));
  }

  /// Lays the rules alone, over a view that is being made and has the patches already.
  public GuestConfigSpace.Builder applyRules(GuestConfigSpace.Builder builder) {
    rules.forEach(rule -> rule.bindTo(builder));
    return builder;
  }

  /// True if the other ones start with the same values and do the same to what a guest writes.
  @Override
  public boolean equals(Object other) {
    return other instanceof EmulatedRegisters that
        && patches.equals(that.patches)
        && rules.equals(that.rules);
  }

  @Override
  public int hashCode() {
    return patches.hashCode();
  }
}
