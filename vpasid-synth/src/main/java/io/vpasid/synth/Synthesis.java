package io.vpasid.synth;

import io.vpasid.pci.ByteRange;
import io.vpasid.pci.emulation.ConfigPatch;
import io.vpasid.pci.emulation.EmulatedRegisters;
import io.vpasid.pci.emulation.GuestConfigSpace;
import io.vpasid.pci.emulation.WriteRule;
import io.vpasid.synth.placement.Placement;
import java.util.List;
import java.util.Optional;

/// The function shows a vPASID: the capability, its place, and what the guest view needs to show
/// it.
///
/// @param capability what the guest sees
/// @param placement where, and why
/// @param link how it hangs in the list of extended capabilities
/// @param addressTranslation the registers of the ATS and PRI capabilities, which vfio-pci shows
///   but does not let the guest write: without emulation a guest would enable them and read back
///   that nothing happened
/// @param further what became of the further capabilities that were asked for, in that order
/// @param notes what else the user should know, each a sentence
/// @param patches the registers to serve in place of the device's, in order
public record Synthesis(
    PasidCapability capability,
    Placement placement,
    ChainLink link,
    EmulatedRegisters addressTranslation,
    List<FurtherResult> further,
    List<String> notes,
    List<ConfigPatch> patches)
    implements SynthesisResult {

  public Synthesis {
    further = List.copyOf(further);
    notes = List.copyOf(notes);
    patches = List.copyOf(patches);
  }

  /// Offset of the capability in the guest view.
  public int offset() {
    return placement.offset();
  }

  /// Offset of the dword that holds the capability and control registers.
  public int registers() {
    return offset() + PasidCapability.REGISTERS;
  }

  /// The bytes of the capability.
  public ByteRange range() {
    return placement.range();
  }

  /// The two dwords of the capability after a reset, header first.
  public List<Integer> dwords() {
    return List.of(link.header(), capability.registers());
  }

  /// Offset of the capability whose next pointer leads to this one now; empty if it is the head.
  public Optional<Integer> predecessor() {
    return link.predecessor();
  }

  @Override
  public GuestConfigSpace.Builder applyTo(GuestConfigSpace.Builder builder) {
    builder.patch(patches).rule(registers(), WriteRule.pasidControl());
    return addressTranslation.applyRules(builder);
  }
}
