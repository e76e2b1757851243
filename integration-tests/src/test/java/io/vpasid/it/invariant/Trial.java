package io.vpasid.it.invariant;

import io.vpasid.it.walker.LinuxWalker;
import io.vpasid.it.walker.Step;
import io.vpasid.pci.ByteRange;
import io.vpasid.pci.emulation.DeviceConfig;
import io.vpasid.pci.emulation.GuestConfigSpace;
import io.vpasid.synth.FurtherResult;
import io.vpasid.synth.Synthesis;
import io.vpasid.synth.SynthesisRequest;
import io.vpasid.synth.SynthesisResult;
import io.vpasid.synth.Synthesizer;
import java.util.List;
import java.util.Optional;

/// A case, and what the engine made of it.
///
/// @param input the case
/// @param request what the engine was asked
/// @param result its answer
/// @param view the bytes that vfio-pci shows
/// @param guest the bytes that the guest reads after a reset
// The arrays are components on purpose: they are read and never compared.
@SuppressWarnings("ArrayRecordComponent")
record Trial(
    Case input, SynthesisRequest request, SynthesisResult result, byte[] view, byte[] guest) {
  static final int PASID = 0x1b;
  static final int PASID_LENGTH = 8;

  static Trial of(Case input) {
    SynthesisRequest request = input.request();
    SynthesisResult result = Synthesizer.synthesize(request);
    GuestConfigSpace guest = over(DeviceConfig.readOnly(request.view().config()), result);
    return new Trial(
        input,
        request,
        result,
        request.view().config().toByteArray(),
        guest.toConfigSpace().toByteArray());
  }

  private static GuestConfigSpace over(DeviceConfig device, SynthesisResult result) {
    return result.applyTo(GuestConfigSpace.over(device)).build();
  }

  /// The guest view of another device.
  GuestConfigSpace over(DeviceConfig device) {
    return over(device, result);
  }

  /// What is shown, if anything is.
  Optional<Synthesis> synthesis() {
    return result instanceof Synthesis shown ? Optional.of(shown) : Optional.empty();
  }

  /// The further capabilities that are shown.
  List<FurtherResult.Placed> further() {
    return synthesis().stream()
        .flatMap(s -> s.further().stream())
        .filter(FurtherResult.Placed.class::isInstance)
        .map(FurtherResult.Placed.class::cast)
        .toList();
  }

  /// Whether the engine can know what vfio-pci hides. From raw bytes it does; in a region hidden
  /// capabilities are found by the looks of their headers, which damage and chance may spoil.
  boolean knowsWhatIsHidden() {
    return input.host().intact() || !input.fromRegion();
  }

  /// The device's own PASID capabilities, as Linux finds them on the host.
  List<ByteRange> physicalPasid() {
    return new LinuxWalker()
        .walk(input.host().bytes()).capabilities().stream()
            .filter(s -> s.extendedId() == PASID)
            .map(Step::offset)
            .filter(offset -> offset + PASID_LENGTH <= view.length)
            .map(offset -> new ByteRange(offset, PASID_LENGTH))
            .toList();
  }
}
