package io.vpasid.it.invariant;

import io.vpasid.it.space.HostSpace;
import io.vpasid.it.space.HostSpaces;
import io.vpasid.pci.ByteRange;
import io.vpasid.pci.ConfigSpace;
import io.vpasid.pci.capability.CapabilityId;
import io.vpasid.pci.emulation.ConfigPatch;
import io.vpasid.pci.vfio.VfioView;
import io.vpasid.synth.FurtherCapability;
import io.vpasid.synth.HardwareInfo;
import io.vpasid.synth.PlacementPolicy;
import io.vpasid.synth.SynthesisRequest;
import io.vpasid.synth.quirk.FunctionKind;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.random.RandomGenerator;

/// Everything that a synthesis depends on.
///
/// @param host the function's raw bytes
/// @param fromRegion whether the view is what a read of the VFIO region gives, so that what
///   vfio-pci hides has to be found in it; otherwise it is made from the raw bytes
/// @param hardware what IOMMU_GET_HW_INFO reports
/// @param quirks what is known of devices
/// @param policy what the user wants
/// @param others captures of the same function in another state
/// @param further capabilities to show besides the vPASID
record Case(
    HostSpace host,
    boolean fromRegion,
    HardwareInfo hardware,
    KnownQuirks quirks,
    PlacementPolicy policy,
    List<ConfigSpace> others,
    List<FurtherCapability> further) {

  /// Makes cases: functions of all kinds, most with usual wishes and some with unusual ones.
  static Case next(HostSpaces spaces, List<KnownQuirks> quirks, RandomGenerator random) {
    HostSpace host = spaces.next(random);
    return new Case(
        host,
        random.nextInt(3) == 0,
        hardware(random),
        quirks.get(random.nextBoolean() ? 0 : random.nextInt(quirks.size())),
        random.nextInt(3) == 0 ? policy(random) : PlacementPolicy.DEFAULT,
        random.nextInt(8) == 0 ? List.of(otherState(host, random)) : List.of(),
        random.nextInt(3) == 0 ? further(random) : List.of());
  }

  private static HardwareInfo hardware(RandomGenerator random) {
    int width = random.nextInt(12) == 0 ? 0 : random.nextInt(1, random.nextInt(6) == 0 ? 256 : 21);
    return new HardwareInfo(
        width, random.nextBoolean(), random.nextBoolean(), random.nextInt(4) != 0);
  }

  private static PlacementPolicy policy(RandomGenerator random) {
    return new PlacementPolicy(
        random.nextInt(3) == 0 ? Optional.of(random.nextInt(0x1010)) : Optional.empty(),
        random.nextBoolean() ? List.of() : List.of(range(random), range(random)),
        random.nextBoolean());
  }

  private static ByteRange range(RandomGenerator random) {
    return new ByteRange(random.nextInt(0x1000), random.nextInt(0x80));
  }

  private static ConfigSpace otherState(HostSpace host, RandomGenerator random) {
    byte[] bytes = host.bytes().clone();
    for (int i = random.nextInt(6); i > 0; i--) {
      bytes[random.nextInt(bytes.length)] = (byte) random.nextInt();
    }
    return ConfigSpace.of(bytes);
  }

  private static List<FurtherCapability> further(RandomGenerator random) {
    List<FurtherCapability> further = new ArrayList<>();
    for (int i = random.nextInt(1, 4); i > 0; i--) {
      int dwords = random.nextInt(8) == 0 ? random.nextInt(1, 0x3c1) : random.nextInt(2, 20);
      further.add(
          new FurtherCapability(
              CapabilityId.DVSEC,
              1,
              4 * dwords,
              dwords == 1
                  ? List.of()
                  : List.of(ConfigPatch.register(4 * dwords - 4, random.nextInt(), -1))));
    }
    return further;
  }

  Case with(HostSpace other) {
    return new Case(other, fromRegion, hardware, quirks, policy, others, further);
  }

  FunctionKind kind() {
    return host.virtualFunction().isPresent() ? FunctionKind.VIRTUAL : FunctionKind.PHYSICAL;
  }

  /// The view as a VMM gets it.
  VfioView view() {
    VfioView made =
        host.virtualFunction()
            .map(id -> VfioView.of(host.config(), id))
            .orElseGet(() -> VfioView.of(host.config()));
    return fromRegion ? VfioView.read(made.config()) : made;
  }

  SynthesisRequest request() {
    return new SynthesisRequest(view(), kind(), hardware, quirks.table(), policy, others, further);
  }
}
