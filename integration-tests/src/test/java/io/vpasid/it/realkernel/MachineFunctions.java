package io.vpasid.it.realkernel;

import io.vpasid.guest.vfiouser.VfioUserDevice;
import io.vpasid.pci.ConfigSpace;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiFunction;

/// The functions of a machine in which test classes run, by their places on the root bus.
///
/// - 04.0 is `f00d:0003`, which has PASIDs.
/// - 05.0 is `f00d:0004`, which has none, and the registers of the tests: the [ResetSwitch] of 08.0
///   and, with [VtdFunctions], the [HostAttachments].
/// - 06.0 and 06.1 are two more of the first. One device without ACS, they are one IOMMU group.
/// - 07.0 is one more of the first. Linux gives it to a driver of VFIO that takes no PASIDs.
/// - 08.0 is one more of the first, whose resets can last.
///
/// `accelerators.txt` has their registers. All but 08.0 are ready at once after a reset and say so
/// (Immediate Readiness), so that Linux does not wait 100 ms each time.
final class MachineFunctions {
  /// Place of the function that goes to a driver without PASIDs.
  static final String WITHOUT_PASID_DRIVER = "07.0";

  /// Place of the function that has no PASIDs, but the registers of the tests.
  static final String WITHOUT_PASIDS = "05.0";

  private static final String WITH_LONG_RESETS = "08.0";

  /// How many more there are behind QEMU's IOMMU.
  private static final int FURTHER = 8;

  private MachineFunctions() {}

  /// Their registers.
  static Map<String, ConfigSpace> configs() {
    Map<String, ConfigSpace> configs = new LinkedHashMap<>();
    for (String place : List.of("04.0", "06.0", "06.1", WITHOUT_PASID_DRIVER)) {
      configs.put(place, RiggedFunction.ready(Accelerators.withPasid().config()));
    }
    configs.put(WITHOUT_PASIDS, RiggedFunction.ready(Accelerators.withoutPasid().config()));
    configs.put(WITH_LONG_RESETS, Accelerators.withPasid().config());
    return configs;
  }

  /// Makes them, and rigs them for the tests.
  ///
  /// @param make a function of a place with these registers
  /// @param registers more of those of the tests, by offset
  static Map<String, VfioUserDevice> rigged(
      BiFunction<String, ConfigSpace, VfioUserDevice> make, Map<Integer, SpareRegister> registers) {
    ResetSwitch resets = new ResetSwitch();
    Map<Integer, SpareRegister> all = new HashMap<>(registers);
    all.put(ResetSwitch.OFFSET, resets);
    Map<String, VfioUserDevice> functions = new LinkedHashMap<>();
    configs()
        .forEach((place, config) ->
            functions.put(
                place,
                new RiggedFunction(
                    make.apply(place, config),
                    config,
                    place.equals(WITH_LONG_RESETS) ? Optional.of(resets) : Optional.empty(),
                    place.equals(WITHOUT_PASIDS) ? all : Map.of())));
    return functions;
  }

  /// Those behind QEMU's IOMMU: as a machine has them in its slots; after them, from 09.0 on, the
  /// ones that scenarios want ([ScenarioFunctions]), and at last some more of the first, for what
  /// is to be done with many at once.
  static Map<String, VfioUserDevice> physical() {
    Map<String, VfioUserDevice> functions =
        rigged((_, config) -> new PhysicalFunction(config), Map.of());
    int device = 9;
    for (ConfigSpace wanted : ScenarioFunctions.all()) {
      functions.put(
          "%02x.0".formatted(device++), new PhysicalFunction(RiggedFunction.ready(wanted)));
    }
    for (int i = 0; i < FURTHER; i++) {
      functions.put(
          "%02x.0".formatted(device++),
          new PhysicalFunction(RiggedFunction.ready(Accelerators.withPasid().config())));
    }
    return functions;
  }
}
