package io.vpasid.synth;

import io.vpasid.pci.ConfigSpace;
import io.vpasid.pci.vfio.VfioView;
import io.vpasid.synth.quirk.FunctionKind;
import io.vpasid.synth.quirk.QuirkTable;
import java.util.List;

/// Everything that a synthesis depends on; equal requests give equal results.
///
/// @param view the function as vfio-pci shows it
/// @param kind whether it is a physical or a virtual function
/// @param hardware what the host can do with PASIDs on it
/// @param quirks what is known of devices
/// @param policy what the user wants
/// @param otherCaptures raw bytes or views of the same device in other states or on other machines;
///   what is not 0 in any of them counts as live, and so does what any of them has a capability at
/// @param further capabilities that the VMM wants to show besides the vPASID, in the order in which
///   places are searched for them
public record SynthesisRequest(
    VfioView view,
    FunctionKind kind,
    HardwareInfo hardware,
    QuirkTable quirks,
    PlacementPolicy policy,
    List<ConfigSpace> otherCaptures,
    List<FurtherCapability> further) {

  public SynthesisRequest {
    otherCaptures = List.copyOf(otherCaptures);
    further = List.copyOf(further);
  }

  /// A request for the vPASID alone.
  public SynthesisRequest(
      VfioView view,
      FunctionKind kind,
      HardwareInfo hardware,
      QuirkTable quirks,
      PlacementPolicy policy,
      List<ConfigSpace> otherCaptures) {
    this(view, kind, hardware, quirks, policy, otherCaptures, List.of());
  }

  /// A physical function with the built-in quirks and no wishes.
  public static SynthesisRequest of(VfioView view, HardwareInfo hardware) {
    return new SynthesisRequest(
        view,
        FunctionKind.PHYSICAL,
        hardware,
        QuirkTable.builtIn(),
        PlacementPolicy.DEFAULT,
        List.of());
  }

  /// The same request with these further capabilities.
  public SynthesisRequest withFurther(List<FurtherCapability> capabilities) {
    return new SynthesisRequest(view, kind, hardware, quirks, policy, otherCaptures, capabilities);
  }
}
