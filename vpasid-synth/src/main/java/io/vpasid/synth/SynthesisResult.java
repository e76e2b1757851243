package io.vpasid.synth;

import io.vpasid.pci.ConfigSpace;
import io.vpasid.pci.emulation.ConfigPatch;
import io.vpasid.pci.emulation.DeviceConfig;
import io.vpasid.pci.emulation.GuestConfigSpace;
import io.vpasid.synth.placement.PassedOver;
import java.util.List;

/// Result of the wish to give a function a vPASID.
public sealed interface SynthesisResult permits Synthesis, SynthesisResult.Declined {

  /// The registers to serve in place of the device's, in order. A function without a vPASID has
  /// some too: no guest access may reach the device's own PASID registers.
  List<ConfigPatch> patches();

  /// Lays the patches, and the rules of their registers, over a guest view that is being made.
  GuestConfigSpace.Builder applyTo(GuestConfigSpace.Builder builder);

  /// The configuration space that the guest reads before it has written anything.
  ///
  /// @param request the request that this came of
  default ConfigSpace guestView(SynthesisRequest request) {
    return applyTo(GuestConfigSpace.over(DeviceConfig.readOnly(request.view().config())))
        .build()
        .toConfigSpace();
  }

  /// The function shows none.
  ///
  /// @param reason the kind of reason
  /// @param explanation a sentence with the values that decided
  /// @param passedOver the places that were looked at, if it came to that
  /// @param patches what keeps the guest from the device's own PASID capability, if it has one
  record Declined(
      DeclineReason reason,
      String explanation,
      List<PassedOver> passedOver,
      List<ConfigPatch> patches)
      implements SynthesisResult {

    public Declined {
      passedOver = List.copyOf(passedOver);
      patches = List.copyOf(patches);
    }

    @Override
    public GuestConfigSpace.Builder applyTo(GuestConfigSpace.Builder builder) {
      return builder.patch(patches);
    }
  }
}
