package io.vpasid.guest.cli.plan;

import io.vpasid.guest.report.Json;
import io.vpasid.pci.ConfigSpace;
import io.vpasid.pci.PciAddress;
import io.vpasid.pci.capability.Capability;
import io.vpasid.pci.capability.CapabilityChain;
import io.vpasid.pci.capability.CapabilityId;
import io.vpasid.pci.dump.HostFunction;
import io.vpasid.pci.vfio.VfioView;
import io.vpasid.synth.DeclineReason;
import io.vpasid.synth.Synthesis;
import io.vpasid.synth.SynthesisRequest;
import io.vpasid.synth.SynthesisResult;
import io.vpasid.synth.Synthesizer;
import io.vpasid.synth.placement.Placement;
import io.vpasid.synth.placement.Strategy;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// A function as QEMU 11's `vfio-pci` passes it through with a vPASID.
///
/// The place is that of the plan, with one exception. What a guest writes to the capability QEMU
/// serves by itself, and writes it to the device as well. In the device's own PASID capability,
/// where the engine places it first, that would reach the physical registers, so there QEMU needs
/// another place.
///
/// QEMU has two limits of its own: it adds the capability only to a list that is not empty, and it
/// never makes it the head.
///
/// @param result what QEMU is asked for
/// @param notes why, and what else to know, each a sentence
record QemuDevice(HostFunction function, SynthesisResult result, List<String> notes) {
  /// The id of the iommufd object that the fragments make; QEMU asks the host for PASIDs only
  /// through one.
  static final String IOMMUFD = "iommufd0";

  /// What stands in place of an address where a dump has none; on a machine it is the host bridge.
  private static final PciAddress NOT_TOLD = new PciAddress(0, 0, 0, 0);

  static QemuDevice of(HostFunction function, SynthesisRequest request) {
    return switch (Synthesizer.synthesize(request)) {
      case SynthesisResult.Declined d -> none(function, d);
      case Synthesis s -> of(function, request, s);
    };
  }

  private static QemuDevice none(HostFunction function, SynthesisResult.Declined declined) {
    return new QemuDevice(function, declined, List.of("no vPASID. " + declined.explanation()));
  }

  /// QEMU leaves the function as vfio-pci shows it.
  private static QemuDevice none(HostFunction function, DeclineReason reason, String why) {
    return none(function, new SynthesisResult.Declined(reason, why, List.of(), List.of()));
  }

  private static QemuDevice of(HostFunction function, SynthesisRequest request, Synthesis planned) {
    ConfigSpace view = request.view().config();
    Placement placement = planned.placement();
    if (placement.strategy() == Strategy.PRESENT) {
      return none(
          function,
          DeclineReason.HEAD_OCCUPIED,
          "The function shows a PASID capability already, so QEMU adds none.");
    }
    if (view.u32(ConfigSpace.EXTENDED_START) == 0) {
      return none(
          function,
          DeclineReason.HEAD_OCCUPIED,
          "vfio-pci shows no extended capability of the function, and QEMU adds none to an empty"
              + " list.");
    }
    if (placement.strategy() == Strategy.OWN_SLOT) {
      return besidesOwnCapability(function, request, placement.offset());
    }
    if (placement.offset() == ConfigSpace.EXTENDED_START) {
      return none(
          function,
          DeclineReason.HEAD_OCCUPIED,
          "QEMU cannot put the capability at 0x100, the head of the list.");
    }
    List<String> notes = new ArrayList<>(placement.reasons());
    request
        .view()
        .findHidden(CapabilityId.PASID)
        .filter(own -> own.offset() == placement.offset())
        .ifPresent(own ->
            notes.add(
                "QEMU passes on what the guest writes there, so the guest reaches the device's own"
                    + " PASID registers."));
    return at(function, view, planned, notes);
  }

  /// Finds a place as if the device's own PASID capability were any other live bytes.
  private static QemuDevice besidesOwnCapability(
      HostFunction function, SynthesisRequest request, int own) {
    VfioView view = request.view();
    VfioView withoutOwn =
        new VfioView(
            view.config(),
            view.hidden().stream().filter(c -> !c.id().equals(CapabilityId.PASID)).toList());
    SynthesisResult result =
        Synthesizer.synthesize(
            new SynthesisRequest(
                withoutOwn,
                request.kind(),
                request.hardware(),
                request.quirks(),
                request.policy(),
                request.otherCaptures()));
    return switch (result) {
      case SynthesisResult.Declined d ->
          none(
              function,
              d.reason(),
              "QEMU passes on what the guest writes, so the device's own PASID capability at "
                  + Json.hex(own)
                  + " is no place for it, and there is no other: "
                  + d.explanation());
      case Synthesis s -> {
        List<String> notes = new ArrayList<>();
        notes.add(
            "Not at "
                + Json.hex(own)
                + ", the device's own PASID capability: QEMU passes on what the guest writes, which"
                + " would reach the physical registers.");
        notes.addAll(s.placement().reasons());
        yield at(function, view.config(), s, notes);
      }
    };
  }

  private static QemuDevice at(
      HostFunction function, ConfigSpace view, Synthesis result, List<String> notes) {
    List<Integer> list =
        CapabilityChain.walk(view).extended().stream().map(Capability::offset).toList();
    List<String> all = new ArrayList<>(notes);
    if (!list.equals(list.stream().sorted().toList())) {
      all.add(
          "The list of extended capabilities does not ascend, which QEMU takes for granted: look at"
              + " lspci -vvv in the guest.");
    }
    if (function.address().equals(NOT_TOLD)) {
      all.add(
          "The dump does not tell where the function is: put its address in place of host="
              + NOT_TOLD
              + ".");
    }
    return new QemuDevice(function, result, all);
  }

  /// Where the capability goes; empty if QEMU can show none.
  Optional<Integer> offset() {
    return result instanceof Synthesis s ? Optional.of(s.offset()) : Optional.empty();
  }

  /// The argument of `-device`.
  String argument() {
    return "vfio-pci,host="
        + function.address()
        + offset().map(at -> ",x-vpasid-cap-offset=" + Json.hex(at)).orElse("")
        + ",iommufd="
        + IOMMUFD;
  }

  /// The argument of `-object` that [#argument] needs.
  static String object() {
    return "iommufd,id=" + IOMMUFD;
  }

  /// The notes, each in a line that begins with the function's address.
  List<String> lines() {
    String label = function.address() + " " + function.id() + ": ";
    String place = offset().map(at -> Json.hex(at) + ": ").orElse("");
    return notes.stream().map(note -> label + place + note).toList();
  }
}
