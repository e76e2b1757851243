package io.vpasid.vmm;

import io.vpasid.pci.ConfigSpace;
import io.vpasid.synth.FurtherCapability;
import io.vpasid.synth.PlacementPolicy;
import io.vpasid.synth.quirk.FunctionKind;
import io.vpasid.synth.quirk.QuirkTable;
import io.vpasid.vmm.pasid.PasidLimits;
import java.util.List;

/// Decisions of a VMM about one function before it opens it.
///
/// @param kind whether it is a physical or an SR-IOV virtual function
/// @param quirks what is known of devices
/// @param policy wishes for the placement
/// @param otherCaptures raw bytes of the same device in other states or on other machines; what is
///   not 0 in any of them is not covered
/// @param quota how many PASIDs may be attached at the same time, 0 or more
/// @param whenDisabled what becomes of attach requests while the guest has not enabled PASIDs
/// @param further capabilities that it shows besides the vPASID, if that is shown
public record FunctionOptions(
    FunctionKind kind,
    QuirkTable quirks,
    PlacementPolicy policy,
    List<ConfigSpace> otherCaptures,
    int quota,
    PasidLimits.WhenDisabled whenDisabled,
    List<FurtherCapability> further) {

  public FunctionOptions {
    otherCaptures = List.copyOf(otherCaptures);
    further = List.copyOf(further);
  }

  /// A physical function, the built-in quirks, no wishes, no quota, and no attachments before the
  /// guest has enabled PASIDs.
  public static FunctionOptions defaults() {
    return new FunctionOptions(
        FunctionKind.PHYSICAL,
        QuirkTable.builtIn(),
        PlacementPolicy.DEFAULT,
        List.of(),
        Integer.MAX_VALUE,
        PasidLimits.WhenDisabled.REFUSE,
        List.of());
  }

  /// The same for another kind of function.
  public FunctionOptions withKind(FunctionKind kind) {
    return new FunctionOptions(kind, quirks, policy, otherCaptures, quota, whenDisabled, further);
  }

  /// The same with other quirks.
  public FunctionOptions withQuirks(QuirkTable quirks) {
    return new FunctionOptions(kind, quirks, policy, otherCaptures, quota, whenDisabled, further);
  }

  /// The same with other wishes for the placement.
  public FunctionOptions withPolicy(PlacementPolicy policy) {
    return new FunctionOptions(kind, quirks, policy, otherCaptures, quota, whenDisabled, further);
  }

  /// The same with other captures of the device.
  public FunctionOptions withOtherCaptures(List<ConfigSpace> otherCaptures) {
    return new FunctionOptions(kind, quirks, policy, otherCaptures, quota, whenDisabled, further);
  }

  /// The same with other capabilities besides the vPASID.
  public FunctionOptions withFurther(List<FurtherCapability> further) {
    return new FunctionOptions(kind, quirks, policy, otherCaptures, quota, whenDisabled, further);
  }

  /// The same with another quota.
  public FunctionOptions withQuota(int quota) {
    return new FunctionOptions(kind, quirks, policy, otherCaptures, quota, whenDisabled, further);
  }

  /// The same with another answer while the guest has not enabled PASIDs.
  public FunctionOptions withWhenDisabled(PasidLimits.WhenDisabled answer) {
    return new FunctionOptions(kind, quirks, policy, otherCaptures, quota, answer, further);
  }
}
