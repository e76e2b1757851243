package io.vpasid.synth;

import io.vpasid.pci.ByteRange;
import io.vpasid.pci.ConfigSpace;
import io.vpasid.pci.capability.Anomaly;
import io.vpasid.pci.capability.Capability;
import io.vpasid.pci.capability.CapabilityChain;
import io.vpasid.pci.capability.CapabilityId;
import io.vpasid.pci.emulation.ConfigPatch;
import io.vpasid.pci.emulation.DeviceConfig;
import io.vpasid.pci.emulation.EmulatedRegisters;
import io.vpasid.pci.emulation.GuestConfigSpace;
import io.vpasid.pci.occupancy.OccupancyMap;
import io.vpasid.pci.occupancy.UnlinkedCapabilities;
import io.vpasid.pci.occupancy.Use;
import io.vpasid.synth.placement.HoleFinder;
import io.vpasid.synth.placement.HoleRequest;
import io.vpasid.synth.placement.HoleSearch;
import io.vpasid.synth.placement.Placement;
import io.vpasid.synth.placement.Strategy;
import io.vpasid.synth.quirk.Decision;
import io.vpasid.synth.quirk.FunctionIdentity;
import io.vpasid.synth.quirk.HiddenBits;
import io.vpasid.synth.quirk.MatchedQuirks;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/// Gives a function a vPASID, or says why not: the gate, the map, the search, the link, in this
/// order.
public final class Synthesizer {
  private static final Set<CapabilityId> ADDRESS_TRANSLATION =
      Set.of(CapabilityId.ATS, CapabilityId.PRI);

  private final SynthesisRequest request;
  private final MatchedQuirks quirks;
  private final Gate gate;

  /// What keeps the guest from PASID capabilities that the view shows and must not; usually
  /// nothing.
  private final List<ConfigPatch> removal = new ArrayList<>();

  /// What is removed so that the guest gets another one: device registers still, so no place for
  /// anything, though the guest reads 0 there.
  private final List<ByteRange> removed = new ArrayList<>();

  /// The bytes after the removal.
  private final ConfigSpace view;

  private final CapabilityChain chain;

  /// The 8 bytes of the device's own PASID capability, if vfio-pci hides one; a sane device has one
  /// at most.
  private final List<ByteRange> ownSlots = new ArrayList<>(1);

  private Synthesizer(SynthesisRequest request) {
    this.request = request;
    ConfigSpace shown = request.view().config();
    quirks = request.quirks().match(FunctionIdentity.of(shown, request.kind()));
    CapabilityChain chain = CapabilityChain.walk(shown);
    Gate ofHost = Gate.decide(request.hardware(), ownSupport(shown, chain), quirks);
    gate = ofHost instanceof Gate.Open ? unfitSpace(shown, chain).orElse(ofHost) : ofHost;
    boolean wanted = gate instanceof Gate.Open;
    for (Capability capability : chain.extended()) {
      if (capability.id().equals(CapabilityId.PASID)) {
        boolean hasRegisters = hasRegisters(capability, chain);
        if (wanted && hasRegisters) {
          wanted = false;
        } else {
          remove(capability, hasRegisters);
          if (gate instanceof Gate.Open) {
            int length = hasRegisters ? PasidCapability.LENGTH : PasidCapability.REGISTERS;
            removed.add(new ByteRange(capability.offset(), length));
          }
        }
      }
    }
    view = removal.isEmpty() ? shown : patched(shown);
    this.chain = removal.isEmpty() ? chain : CapabilityChain.walk(view);
    for (Capability hidden : request.view().hidden()) {
      if (hidden.id().equals(CapabilityId.PASID) && hasRegisters(hidden, this.chain)) {
        ownSlots.add(at(hidden.offset()));
      }
    }
  }

  /// Support that the device's own PASID capability tells, whether vfio-pci hides it or not.
  private Optional<HardwareInfo> ownSupport(ConfigSpace shown, CapabilityChain chain) {
    return Stream.concat(request.view().hidden().stream(), chain.extended().stream())
        .filter(c -> c.id().equals(CapabilityId.PASID) && hasRegisters(c, chain))
        .findFirst()
        .map(c -> PasidCapability.supportedAt(shown, c.offset()));
  }

  private void remove(Capability capability, boolean hasRegisters) {
    ConfigSpace now = patched(request.view().config());
    removal.addAll(ExtendedList.remove(now, CapabilityChain.walk(now), capability.offset()));
    if (hasRegisters) {
      removal.add(ConfigPatch.readOnly(capability.offset() + PasidCapability.REGISTERS, 0));
    }
  }

  private ConfigSpace patched(ConfigSpace config) {
    return GuestConfigSpace.over(DeviceConfig.readOnly(config))
        .patch(removal)
        .build()
        .toConfigSpace();
  }

  /// True if the registers of a PASID capability lie inside the space and are its alone. A broken
  /// list may have a header on top of them: vfio-pci lets nobody write headers, so there the header
  /// counts.
  private static boolean hasRegisters(Capability pasid, CapabilityChain chain) {
    int registers = pasid.offset() + PasidCapability.REGISTERS;
    for (Capability other : chain.extended()) {
      if (other.offset() == registers) {
        return false;
      }
    }
    return registers + 4 <= ConfigSpace.EXTENDED_SIZE;
  }

  /// Synthesizes what `request` asks for. A pure function; safe to call from any thread.
  public static SynthesisResult synthesize(SynthesisRequest request) {
    return new Synthesizer(request).synthesize();
  }

  /// Who owns each byte of the function as the search for a hole sees it: the lists, what vfio-pci
  /// hides, the quirks, mirrored space and whatever is not 0.
  public static OccupancyMap occupancy(SynthesisRequest request) {
    return new Synthesizer(request).occupancy(List.of());
  }

  private SynthesisResult synthesize() {
    return switch (gate) {
      case Gate.Closed closed -> decline(closed.reason(), closed.explanation());
      case Gate.Open open -> withCapability(open.capability(), open.notes());
    };
  }

  /// Closes the gate, whatever the host can do, where the space cannot show the capability.
  private static Optional<Gate> unfitSpace(ConfigSpace view, CapabilityChain chain) {
    if (view.isSilent()) {
      return refuse(
          DeclineReason.UNREADABLE,
          "Everything reads as ff: the function does not answer (reset, D3cold, unplugged); wake it and"
              + " capture it again.");
    }
    if (view.headerLayout() != 0) {
      return refuse(
          DeclineReason.NOT_AN_ENDPOINT,
          "Header type "
              + view.headerLayout()
              + ": vfio-pci passes through functions with header type 0 only.");
    }
    if (chain.find(CapabilityId.PCI_EXPRESS).isEmpty()) {
      return refuse(
          DeclineReason.NOT_PCI_EXPRESS,
          "No PCI Express capability: a guest does not look for extended capabilities.");
    }
    if (!view.isExtended()) {
      return refuse(
          DeclineReason.NO_EXTENDED_SPACE,
          "The configuration space has 256 bytes, a PASID capability lives above them (a dump needs"
              + " lspci -xxxx, as root).");
    }
    if (chain.find(Anomaly.Kind.UNREADABLE).isPresent()) {
      return refuse(
          DeclineReason.UNREADABLE,
          "Everything above 0x100 reads as ff: the function does not answer there (reset, D3cold,"
              + " unplugged); wake it and capture it again.");
    }
    if (mirrorPeriod(chain) == ConfigSpace.EXTENDED_START) {
      return refuse(
          DeclineReason.MIRRORED,
          "The space repeats every 0x100 bytes: a guest takes it for one of 256 bytes.");
    }
    return Optional.empty();
  }

  private SynthesisResult withCapability(PasidCapability capability, List<String> notes) {
    Optional<Capability> present = chain.find(CapabilityId.PASID);
    if (present.isPresent()) {
      return inPlace(capability, present.get(), notes);
    }
    return switch (HoleFinder.find(occupancy(List.of()), holeRequest())) {
      case HoleSearch.NoHole none ->
          new SynthesisResult.Declined(
              DeclineReason.NO_HOLE,
              request.policy().offset().isPresent()
                  ? "The requested offset cannot be used: "
                      + none.passedOver().getFirst().why()
                      + "."
                  : "No 8 bytes of the extended space are free.",
              none.passedOver(),
              protection());
      case HoleSearch.Found found -> linked(capability, found.placement(), notes);
    };
  }

  private SynthesisResult linked(
      PasidCapability capability, Placement placement, List<String> notes) {
    if (chain.extended().isEmpty()
        && placement.offset() != ConfigSpace.EXTENDED_START
        && isLive(ConfigSpace.EXTENDED_START)) {
      return decline(
          DeclineReason.HEAD_OCCUPIED,
          "The list of extended capabilities is empty, and a quirk knows a register at 0x100 where"
              + " it has to start.");
    }
    ExtendedList list = new ExtendedList(view, chain);
    list.insert(placement.offset(), CapabilityId.PASID, PasidCapability.VERSION);
    return shown(capability, placement, list, notes);
  }

  private Synthesis inPlace(PasidCapability capability, Capability present, List<String> notes) {
    ExtendedList list = new ExtendedList(view, chain);
    list.adopt(present.offset());
    Placement placement =
        new Placement(
            at(present.offset()),
            Strategy.PRESENT,
            List.of(
                "The list has a PASID capability already; its registers are emulated in place."),
            List.of());
    return shown(capability, placement, list, notes);
  }

  private Synthesis shown(
      PasidCapability capability, Placement placement, ExtendedList list, List<String> notes) {
    List<FurtherResult> further = further(placement, list);
    EmulatedRegisters translation = addressTranslation();
    List<ConfigPatch> patches = new ArrayList<>(protection());
    patches.addAll(translation.patches());
    patches.addAll(list.patches());
    patches.add(capability.patch(placement.offset()));
    for (FurtherResult result : further) {
      if (result instanceof FurtherResult.Placed placed) {
        patches.addAll(placed.capability().patches(placed.offset()));
      }
    }
    return new Synthesis(
        capability,
        placement,
        list.linkOf(placement.offset()),
        translation,
        further,
        notes,
        patches);
  }

  /// Searches places for the further capabilities, one after the other, and links them.
  private List<FurtherResult> further(Placement vpasid, ExtendedList list) {
    List<HoleSearch> searches = new ArrayList<>();
    List<ByteRange> taken = new ArrayList<>(List.of(vpasid.range()));
    for (FurtherCapability wanted : request.further()) {
      HoleSearch search =
          HoleFinder.find(occupancy(taken), furtherRequest(wanted.length(), list.isWithoutHead()));
      if (search instanceof HoleSearch.Found found) {
        taken.add(found.placement().range());
        list.insert(found.placement().offset(), wanted.id(), wanted.version());
      }
      searches.add(search);
    }
    List<FurtherResult> results = new ArrayList<>();
    for (int i = 0; i < searches.size(); i++) {
      FurtherCapability wanted = request.further().get(i);
      results.add(
          switch (searches.get(i)) {
            case HoleSearch.Found(Placement place) ->
                new FurtherResult.Placed(wanted, place, list.linkOf(place.offset()));
            case HoleSearch.NoHole none -> new FurtherResult.NoHole(wanted, none.passedOver());
          });
    }
    return results;
  }

  private EmulatedRegisters addressTranslation() {
    return EmulatedRegisters.ofCapabilities(view, chain, ADDRESS_TRANSLATION);
  }

  /// What no guest may reach whether it gets a vPASID or not: the device's own PASID registers,
  /// which vfio-pci would let it write, read as 0.
  private List<ConfigPatch> protection() {
    List<ConfigPatch> patches = new ArrayList<>(removal);
    for (ByteRange slot : ownSlots) {
      // A placeholder at the head is vfio-pci's, not the device's, and stays in the list.
      if (slot.offset() != ConfigSpace.EXTENDED_START) {
        patches.add(ConfigPatch.readOnly(slot.offset(), 0));
      }
      patches.add(ConfigPatch.readOnly(slot.offset() + PasidCapability.REGISTERS, 0));
    }
    return patches;
  }

  /// @param taken the places of capabilities that the guest's list gets
  private OccupancyMap occupancy(List<ByteRange> taken) {
    OccupancyMap.Builder map = OccupancyMap.builder(view.size());
    map.listed(listWithoutPlaceholder());
    for (ByteRange range : taken) {
      map.claim(range, Use.CAPABILITY, "a capability placed before");
    }
    map.capabilities(request.view().hidden(), Use.HIDDEN_CAPABILITY);
    map.capabilities(
        UnlinkedCapabilities.find(view, chain, request.view().hidden()), Use.UNLINKED_CAPABILITY);
    for (ByteRange range : removed) {
      map.claim(range, Use.HIDDEN_CAPABILITY, "a PASID capability that the guest does not see");
    }
    for (HiddenBits bits : quirks.hiddenBits()) {
      map.claim(bits.range(), Use.QUIRK, bits.what() + " (" + bits.source() + ")", bits.what());
    }
    int period = mirrorPeriod(chain);
    if (period > 0) {
      map.claim(ByteRange.between(period, view.size()), Use.MIRRORED, "mirror");
    }
    for (ConfigSpace other : request.otherCaptures()) {
      for (Capability c : CapabilityChain.walk(other).extended()) {
        map.claim(
            c.extent().range(),
            Use.HIDDEN_CAPABILITY,
            c.id().title() + " of another capture",
            c.id().mnemonic());
      }
    }
    map.nonZero(view);
    for (ConfigSpace other : request.otherCaptures()) {
      map.nonZero(other, "not zero in another capture");
    }
    return map.build();
  }

  /// The list as the map should have it: where the device's own hidden PASID capability is the
  /// head, vfio-pci's placeholder in its place makes room for ours.
  private CapabilityChain listWithoutPlaceholder() {
    return !ownSlots.isEmpty() && ownSlots.getFirst().offset() == ConfigSpace.EXTENDED_START
        ? new CapabilityChain(
            chain.standard(),
            chain.extended().subList(Math.min(1, chain.extended().size()), chain.extended().size()),
            chain.anomalies())
        : chain;
  }

  private HoleRequest holeRequest() {
    return new HoleRequest(
        PasidCapability.LENGTH,
        request.policy().offset().map(o -> new HoleRequest.Wish(at(o), "The user")),
        quirks.pinnedOffset().map(d -> new HoleRequest.Wish(at(d.value()), d.source().toString())),
        ownSlots.isEmpty() ? Optional.empty() : Optional.of(ownSlots.getFirst()),
        available(),
        shadowable(),
        request.policy().shadowing(),
        chain.extended().isEmpty());
  }

  private HoleRequest furtherRequest(int length, boolean emptyList) {
    return new HoleRequest(
        length,
        Optional.empty(),
        Optional.empty(),
        Optional.empty(),
        available(),
        shadowable(),
        false,
        emptyList);
  }

  private List<HoleRequest.Wish> available() {
    List<HoleRequest.Wish> available = new ArrayList<>();
    for (ByteRange range : request.policy().available()) {
      available.add(new HoleRequest.Wish(range, "the user"));
    }
    for (Decision<ByteRange> decision : quirks.available()) {
      available.add(wish(decision));
    }
    return available;
  }

  private List<HoleRequest.Wish> shadowable() {
    List<HoleRequest.Wish> shadowable = new ArrayList<>();
    if (request.policy().shadowing()) {
      for (Decision<ByteRange> decision : quirks.shadowing()) {
        shadowable.add(wish(decision));
      }
    }
    return shadowable;
  }

  private static HoleRequest.Wish wish(Decision<ByteRange> decision) {
    return new HoleRequest.Wish(decision.value(), "the quirk " + decision.source());
  }

  private static ByteRange at(int offset) {
    return new ByteRange(offset, PasidCapability.LENGTH);
  }

  private boolean isLive(int offset) {
    for (HiddenBits bits : quirks.hiddenBits()) {
      if (bits.range().overlaps(new ByteRange(offset, 4))) {
        return true;
      }
    }
    return false;
  }

  private static int mirrorPeriod(CapabilityChain chain) {
    return chain.find(Anomaly.Kind.MIRRORED).map(Anomaly::value).orElse(0);
  }

  private static Optional<Gate> refuse(DeclineReason reason, String explanation) {
    return Optional.of(new Gate.Closed(reason, explanation));
  }

  private SynthesisResult decline(DeclineReason reason, String explanation) {
    return new SynthesisResult.Declined(reason, explanation, List.of(), protection());
  }
}
