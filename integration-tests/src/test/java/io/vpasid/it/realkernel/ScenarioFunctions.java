package io.vpasid.it.realkernel;

import io.vpasid.guest.scenario.Scenario;
import io.vpasid.guest.scenario.Setup;
import io.vpasid.pci.ConfigSpace;
import io.vpasid.synth.HardwareInfo;
import io.vpasid.vmm.iommufd.simulated.IommuProfile;
import io.vpasid.vmm.iommufd.simulated.KernelVersion;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/// The library of scenarios, and the functions that the machine needs to play them: one for each
/// answer of IOMMU_GET_HW_INFO that a scenario wants. What the kernel answers depends on the
/// function's PASID Capability register, so the functions differ in that. They have no interrupts.
final class ScenarioFunctions {
  private static final Path LIBRARY = Path.of("..", "scenarios");

  /// The function of most scenarios, and where it has its PASID capability.
  private static final String PLAYED = "f00d:0010";

  private static final int INTERRUPT_PIN = 0x3d;
  private static final int PASID_CAPABILITY_REGISTER = 0x164;
  private static final int EXEC = 1 << 1;
  private static final int PRIV = 1 << 2;
  private static final int WIDTH_SHIFT = 8;

  private ScenarioFunctions() {}

  /// Every scenario of the library.
  static List<Scenario> library() {
    try (Stream<Path> files = Files.list(LIBRARY)) {
      return files
          .filter(file -> file.toString().endsWith(".json"))
          .sorted()
          .flatMap(file -> Scenario.read(file).stream())
          .toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// Whether the host of a scenario is like the machine's.
  static boolean isHostOf(Setup setup) {
    return setup.iommu().equals(IommuProfile.intel())
        && setup.kernel().equals(KernelVersion.LINUX_7_3);
  }

  /// The functions that the machine needs.
  static List<ConfigSpace> all() {
    Map<HardwareInfo, ConfigSpace> functions = new LinkedHashMap<>();
    for (Scenario scenario : library()) {
      Setup setup = scenario.setup();
      if (isHostOf(setup)
          && setup.hardware().maxPasidLog2() > 0
          && setup.function().captured().id().toString().equals(PLAYED)) {
        functions.putIfAbsent(
            setup.hardware(), reporting(setup.hardware(), setup.function().captured().config()));
      }
    }
    return List.copyOf(functions.values());
  }

  private static ConfigSpace reporting(HardwareInfo hardware, ConfigSpace config) {
    ByteBuffer bytes = ByteBuffer.wrap(config.toByteArray()).order(ByteOrder.LITTLE_ENDIAN);
    bytes.put(INTERRUPT_PIN, (byte) 0);
    bytes.putShort(
        PASID_CAPABILITY_REGISTER,
        (short)
            ((hardware.exec() ? EXEC : 0)
                | (hardware.priv() ? PRIV : 0)
                | hardware.maxPasidLog2() << WIDTH_SHIFT));
    return ConfigSpace.of(bytes.array());
  }
}
