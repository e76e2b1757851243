package io.vpasid.it.realkernel;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/// The machine is what tests in it rely on.
@InRealKernel
class RealKernelTest {
  private static final Path FUNCTION = Path.of("/sys/bus/pci/devices/0000:00:04.0");

  @Test
  void runsInTheLinuxThatWasAskedFor() throws IOException {
    assertThat(Files.readString(Path.of("/proc/sys/kernel/osrelease")))
        .startsWith(System.getProperty("vpasid.linux", "7.3") + ".");
  }

  @Test
  void functionIsBoundToVfioAndHasItsDeviceNode() throws IOException {
    assertThat(FUNCTION.resolve("driver").toRealPath()).hasFileName("vfio-pci");
    assertThat(FUNCTION.resolve("vfio-dev/vfio0")).isDirectory();
    assertThat(Path.of("/dev/vfio/devices/vfio0")).isReadable().isWritable();
  }

  @Test
  void functionIsBehindAnIommu() {
    assertThat(FUNCTION.resolve("iommu_group")).isSymbolicLink();
  }

  @Test
  void hasIommufdAndItsMockDevices() {
    assertThat(Path.of("/dev/iommu")).isReadable().isWritable();
    assertThat(Path.of("/sys/kernel/debug/fail_iommufd")).isDirectory();
  }
}
