package io.vpasid.guest.report;

import io.vpasid.pci.ConfigSpace;
import io.vpasid.pci.PciAddress;
import io.vpasid.pci.capability.Capability;
import io.vpasid.pci.capability.CapabilityChain;
import io.vpasid.pci.capability.CapabilityId;
import io.vpasid.pci.dump.HostFunction;
import io.vpasid.pci.vfio.VfioView;
import io.vpasid.synth.DeclineReason;
import io.vpasid.synth.PlacementPolicy;
import io.vpasid.synth.Synthesis;
import io.vpasid.synth.SynthesisRequest;
import io.vpasid.synth.SynthesisResult;
import io.vpasid.synth.Synthesizer;
import io.vpasid.synth.placement.Strategy;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/// A function as QEMU 11's `vfio-pci` passes it through with a vPASID.
///
/// The place is that of the plan, unless something lives there. What a guest writes to the
/// capability QEMU serves by itself, and writes it to the device as well. In the device's own PASID
/// capability, where the engine places it first, that would reach the physical registers, so there
/// QEMU needs another place; and no leave to shadow live registers holds for QEMU.
///
/// QEMU has two limits of its own: it adds the capability only to a list that is not empty, and it
/// never makes it the head.
///
/// @param result what QEMU is asked for
/// @param notes why, and what else to know, each a sentence
public record QemuDevice(HostFunction function, SynthesisResult result, List<String> notes) {
  /// The id of the iommufd object that the fragments make; QEMU asks the host for PASIDs only
  /// through one.
  private static final String IOMMUFD = "iommufd0";

  private static final String WRITES_THROUGH =
      " QEMU passes on to the device what the guest writes to the capability, so no live register may"
          + " be there, allowed or not.";

  /// Device/Port Type in the byte at this place of a PCI Express capability.
  private static final int TYPE = 2;

  private static final int TYPE_MASK = 0xf0;
  private static final byte INTEGRATED_ENDPOINT = (byte) 0x90;

  /// The address that is written where a dump has none; on a machine it is the host bridge.
  private static final PciAddress NOT_TOLD = new PciAddress(0, 0, 0, 0);

  /// The arguments for a function of a host.
  ///
  /// @param planned what the engine plans for `request`
  public static QemuDevice of(
      HostFunction function, SynthesisRequest request, SynthesisResult planned) {
    return switch (planned) {
      case SynthesisResult.Declined d -> none(function, d);
      case Synthesis s -> of(function, request, s);
    };
  }

  private static QemuDevice none(HostFunction function, SynthesisResult.Declined declined) {
    return new QemuDevice(function, declined, List.of(declined.explanation()));
  }

  /// QEMU leaves the function as vfio-pci shows it.
  private static QemuDevice none(HostFunction function, DeclineReason reason, String why) {
    return none(function, new SynthesisResult.Declined(reason, why, List.of(), List.of()));
  }

  private static QemuDevice of(HostFunction function, SynthesisRequest request, Synthesis planned) {
    ConfigSpace view = request.view().config();
    if (planned.placement().strategy() == Strategy.PRESENT) {
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
    SynthesisRequest withoutLive = withoutLive(request);
    return switch (Synthesizer.synthesize(withoutLive)) {
      case SynthesisResult.Declined d ->
          none(function, d.reason(), d.explanation() + WRITES_THROUGH);
      case Synthesis s when s.offset() == ConfigSpace.EXTENDED_START ->
          none(
              function,
              DeclineReason.HEAD_OCCUPIED,
              "QEMU cannot put the capability at 0x100, the head of the list.");
      case Synthesis s when !Synthesizer.occupancy(withoutLive).isFree(s.range()) ->
          none(
              function,
              DeclineReason.NO_HOLE,
              Json.hex(s.offset())
                  + ", which a quirk names, covers what the device has there."
                  + WRITES_THROUGH);
      case Synthesis s -> {
        List<String> notes = new ArrayList<>();
        if (s.offset() != planned.offset()) {
          notes.add(
              "Not at "
                  + Json.hex(planned.offset())
                  + ", the device's own PASID capability: QEMU passes on what the guest writes, which"
                  + " would reach the physical registers.");
        }
        notes.addAll(s.placement().reasons());
        yield at(function, view, s, notes);
      }
    };
  }

  /// The same request, in which nothing that lives may be covered: the device's own PASID
  /// capability counts like any other bytes.
  private static SynthesisRequest withoutLive(SynthesisRequest request) {
    VfioView view = request.view();
    PlacementPolicy policy = request.policy();
    return new SynthesisRequest(
        new VfioView(
            view.config(),
            view.hidden().stream().filter(c -> !c.id().equals(CapabilityId.PASID)).toList()),
        request.kind(),
        request.hardware(),
        request.quirks(),
        new PlacementPolicy(policy.offset(), policy.available(), false),
        request.otherCaptures());
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
  public Optional<Integer> offset() {
    return result instanceof Synthesis s ? Optional.of(s.offset()) : Optional.empty();
  }

  /// The argument of `-device`.
  public String argument() {
    return "vfio-pci,host="
        + function.address()
        + offset().map(at -> ",x-vpasid-cap-offset=" + Json.hex(at)).orElse("")
        + ",iommufd="
        + IOMMUFD;
  }

  /// A guest's view as it is on QEMU's root bus: there QEMU shows an Endpoint (type 0 of the PCI
  /// Express capability) as a Root Complex Integrated Endpoint (type 9).
  public static ConfigSpace onRootBus(ConfigSpace view) {
    byte[] bytes = view.toByteArray();
    CapabilityChain.walk(view)
        .find(CapabilityId.PCI_EXPRESS)
        .filter(express -> (bytes[express.offset() + TYPE] & TYPE_MASK) == 0)
        .ifPresent(express -> bytes[express.offset() + TYPE] |= INTEGRATED_ENDPOINT);
    return ConfigSpace.of(bytes);
  }

  /// Bits of the PASIDs that the guest's IOMMU is to have for some functions. QEMU refuses more
  /// than the host's IOMMU has, and the width that the host reports of a function is never more.
  ///
  /// @param functions at least one, each with an offset
  public static int pasidBits(List<QemuDevice> functions) {
    return functions.stream()
        .flatMap(f -> f.result instanceof Synthesis s ? Stream.of(s) : Stream.empty())
        .mapToInt(s -> s.capability().width())
        .max()
        .orElseThrow();
  }

  /// The guest's IOMMU, as the argument of a `-device` before those of the functions: QEMU 11.1
  /// shows the capability only behind one that has PASIDs, and attaches them only in its first
  /// stage.
  public static String iommu(int pasidBits) {
    return "intel-iommu,scalable-mode=on,fsts=on,pasid-bits=" + pasidBits;
  }

  /// The argument of `-object` that [#argument] needs.
  public static String object() {
    return "iommufd,id=" + IOMMUFD;
  }

  /// The notes, each in a line that begins with the function's address.
  public List<String> lines() {
    String label = function.address() + " " + function.id() + ": ";
    String place = offset().map(at -> Json.hex(at) + ": ").orElse("no vPASID. ");
    return notes.stream().map(note -> label + place + note).toList();
  }
}
