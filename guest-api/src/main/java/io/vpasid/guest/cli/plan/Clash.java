package io.vpasid.guest.cli.plan;

import io.vpasid.guest.report.Hex;
import io.vpasid.pci.ByteRange;
import io.vpasid.pci.capability.Anomaly;
import io.vpasid.pci.capability.Capability;
import io.vpasid.pci.capability.CapabilityChain;
import io.vpasid.pci.capability.CapabilityId;
import io.vpasid.pci.dump.HostFunction;
import io.vpasid.synth.PasidCapability;
import io.vpasid.synth.SynthesisRequest;
import io.vpasid.synth.quirk.FunctionIdentity;
import io.vpasid.synth.quirk.HiddenBits;
import java.util.ArrayList;
import java.util.List;

/// The bytes at an offset where a PASID capability is to be.
///
/// Worked out from the captured bytes, their capability lists and the quirk table, and from nothing
/// that decides placements. The bytes of the device's own PASID capability are the right place for
/// one: live as they are, they count for nothing.
///
/// @param live a byte is not 0
/// @param capability a byte belongs to a capability, as far as it is known to reach
/// @param hiddenBits a quirk knows bits there
/// @param mirrored the space repeats lower bytes there
record Clash(Hex offset, boolean live, boolean capability, boolean hiddenBits, boolean mirrored) {

  static Clash at(int offset, HostFunction function, SynthesisRequest request) {
    ByteRange range = new ByteRange(offset, PasidCapability.LENGTH);
    CapabilityChain chain = CapabilityChain.walk(function.config());
    boolean own =
        chain.extended().stream()
            .anyMatch(c -> c.id().equals(CapabilityId.PASID) && c.offset() == offset);
    return new Clash(
        new Hex(offset),
        !own && !function.config().isZero(range),
        !own && (meets(chain.standard(), range) || meets(chain.extended(), range)),
        meetsHiddenBits(request, range),
        chain
            .find(Anomaly.Kind.MIRRORED)
            .filter(mirror -> range.end() > mirror.value())
            .isPresent());
  }

  private static boolean meets(List<Capability> capabilities, ByteRange range) {
    return capabilities.stream().anyMatch(c -> c.extent().range().overlaps(range));
  }

  private static boolean meetsHiddenBits(SynthesisRequest request, ByteRange range) {
    FunctionIdentity identity = FunctionIdentity.of(request.view().config(), request.kind());
    for (HiddenBits bits : request.quirks().match(identity).hiddenBits()) {
      if (bits.range().overlaps(range)) {
        return true;
      }
    }
    return false;
  }

  /// The reasons against the place, each in a few words.
  List<String> words() {
    List<String> words = new ArrayList<>();
    add(words, live, "live bytes");
    add(words, capability, "a capability");
    add(words, hiddenBits, "hidden registers");
    add(words, mirrored, "mirrored space");
    return words;
  }

  private static void add(List<String> words, boolean is, String what) {
    if (is) {
      words.add(what);
    }
  }

  /// Something speaks against the place.
  boolean any() {
    return live || capability || hiddenBits || mirrored;
  }
}
