package io.vpasid.guest.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.vpasid.guest.cli.terminal.ExitCode;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class DoctorCommandTest {
  private static final String DEVICE = "sys/bus/pci/devices/" + MadeUpHost.ADDRESS;

  private MadeUpHost host;

  @BeforeEach
  void makeUpHost(@TempDir Path folder) throws IOException {
    host = new MadeUpHost(folder);
  }

  private void missing(String text, String remedy) {
    Run run = host.doctor(MadeUpHost.ADDRESS);

    assertThat(run.out()).contains(text, "→ " + remedy).contains("1 thing is missing.");
    assertThat(run.code()).isEqualTo(ExitCode.ENVIRONMENT);
  }

  private void impossible(String text) {
    Run run = host.doctor(MadeUpHost.ADDRESS);

    assertThat(run.out()).contains(text).contains("The hardware cannot do it.");
    assertThat(run.code()).isEqualTo(ExitCode.NO);
  }

  @Test
  void folderThatIsNotThereIsNoHost(@TempDir Path folder) {
    Run run = Run.of("doctor", "--root", folder + "/none");

    assertThat(run.code()).isEqualTo(ExitCode.USAGE);
    assertThat(run.out()).isEmpty();
    assertThat(run.err()).contains(folder + "/none: there is no such folder");
  }

  @Test
  void hostThatHasEverythingIsReady() {
    Run run = host.doctor(MadeUpHost.ADDRESS);

    assertThat(run.err()).isEmpty();
    assertThat(run.out())
        .contains(
            "Linux 7.3.4-1-amd64",
            "/dev/iommu can be opened",
            "dmar0 has scalable mode and PASIDs of 20 bits",
            "vfio-pci has it",
            "/dev/vfio/devices/vfio0 can be opened",
            "PASID capability at 0x160, Max PASID Width 20, enabled")
        .doesNotContain("→")
        .endsWith("Nothing is missing.\n");
    assertThat(run.code()).isZero();
  }

  @Test
  void withoutAnAddressOnlyTheHostIsLookedAt() {
    Run run = host.doctor();

    assertThat(run.out()).contains("host").doesNotContain(MadeUpHost.ADDRESS);
    assertThat(run.code()).isZero();
  }

  @Test
  void kernelThatIsTooOldIsTold() throws IOException {
    host.write("proc/sys/kernel/osrelease", "6.12.9\n");
    missing("Linux 6.12.9, and VFIO takes PASIDs from 6.15 on", "install and boot Linux 6.15");
  }

  @Test
  void oldestKernelWithPasidsIsEnough() throws IOException {
    host.write("proc/sys/kernel/osrelease", "6.15.0\n");

    assertThat(host.doctor().code()).isZero();
  }

  @Test
  void missingIommufdIsLoaded() throws IOException {
    host.remove("dev/iommu");
    missing("there is no /dev/iommu", "sudo modprobe iommufd");
  }

  @Test
  void kernelBuiltWithoutIommufdCannotLoadIt() throws IOException {
    host.remove("dev/iommu")
        .write(
            "boot/config-7.3.4-1-amd64",
            """
            CONFIG_VFIO_DEVICE_CDEV=y
            # CONFIG_IOMMUFD is not set
            """);
    missing("built without CONFIG_IOMMUFD", "boot a kernel with CONFIG_IOMMUFD");
  }

  @Test
  void missingVfioPciIsLoaded() throws IOException {
    host.bind(MadeUpHost.ADDRESS, "idxd").remove("sys/bus/pci/drivers/vfio-pci");
    Run run = host.doctor();

    assertThat(run.out()).contains("vfio-pci is not loaded", "→ sudo modprobe vfio-pci");
    assertThat(run.code()).isEqualTo(ExitCode.ENVIRONMENT);
  }

  @Test
  void functionOfAnotherDriverIsGivenToVfioPci() throws IOException {
    host.bind(MadeUpHost.ADDRESS, "idxd");

    missing(
        "idxd has it",
        "echo vfio-pci | sudo tee /sys/bus/pci/devices/0000:6a:01.0/driver_override");
    assertThat(host.doctor(MadeUpHost.ADDRESS).out())
        .contains("/sys/bus/pci/devices/0000:6a:01.0/driver/unbind", "/sys/bus/pci/drivers_probe");
  }

  @Test
  void functionOfNoDriverIsGivenToVfioPci() throws IOException {
    host.remove(DEVICE + "/driver");
    missing("no driver has it", "echo vfio-pci");
  }

  @Test
  void variantDriverTakesNoPasids() throws IOException {
    host.bind(MadeUpHost.ADDRESS, "mlx5_vfio_pci");
    missing("mlx5_vfio_pci has it, which takes no PASIDs", "echo vfio-pci");
  }

  @Test
  void missingDeviceFileIsTold() throws IOException {
    host.remove("dev/vfio/devices/vfio0");
    missing("there is no /dev/vfio/devices/vfio0", "sudo udevadm trigger");
  }

  @Test
  void kernelWithoutDeviceFilesIsTold() throws IOException {
    host.remove(DEVICE + "/vfio-dev/vfio0/dev");
    missing("built without CONFIG_VFIO_DEVICE_CDEV", "boot a kernel with CONFIG_VFIO_DEVICE_CDEV");
  }

  @Test
  void neighbourInTheGroupThatADriverUsesIsTold() throws IOException {
    host.function("0000:6a:01.1", "nvme").function("0000:6a:00.0", "pcieport");
    missing(
        "its IOMMU group is shared with 0000:6a:01.1 (nvme)",
        "echo 0000:6a:01.1 | sudo tee /sys/bus/pci/devices/0000:6a:01.1/driver/unbind");
  }

  @Test
  void pasidThatIsNotEnabledAtTheDeviceIsTold() throws IOException {
    host.capability(MadeUpHost.ADDRESS, 20, false);
    missing("Max PASID Width 20, not enabled", "sudo dmesg");
  }

  @Test
  void functionWithoutCapabilityCannot() throws IOException {
    host.withoutCapability(MadeUpHost.ADDRESS);
    impossible("there is no PASID capability in the hardware");
  }

  @Test
  void virtualFunctionHasThatOfItsPhysicalOne() throws IOException {
    host.withoutCapability(MadeUpHost.ADDRESS)
        .function("0000:6a:00.0", "vfio-pci")
        .capability("0000:6a:00.0", 16, true)
        .physicalFunction("0000:6a:00.0");

    assertThat(host.doctor(MadeUpHost.ADDRESS).out())
        .contains(
            "PASID capability of its physical function 0000:6a:00.0 at 0x160, Max PASID Width 16,"
                + " enabled");
  }

  @Test
  void capabilityThatMayNotBeReadIsUnknown() throws IOException {
    host.headerOnly(MadeUpHost.ADDRESS);
    Run run = host.doctor(MadeUpHost.ADDRESS);

    assertThat(run.out())
        .contains("unknown  pasid", "→ sudo ./vpasid doctor 0000:6a:01.0")
        .endsWith("Nothing is missing, as far as it can be told.\n");
    assertThat(run.code()).isZero();
  }

  @Test
  void scalableModeThatIsOffIsSwitchedOn() throws IOException {
    host.write("proc/cmdline", "intel_iommu=on,sm_off");
    Run run = host.doctor();

    assertThat(run.out()).contains("but scalable mode is switched off", "intel_iommu=on,sm_on");
    assertThat(run.code()).isEqualTo(ExitCode.ENVIRONMENT);
  }

  @Test
  void buildDecidesOnScalableModeWhereTheCommandLineDoesNot() throws IOException {
    host.write("proc/cmdline", "quiet")
        .write(
            "boot/config-7.3.4-1-amd64",
            "CONFIG_VFIO_DEVICE_CDEV=y\nCONFIG_INTEL_IOMMU_SCALABLE_MODE_DEFAULT_ON=y\n");

    assertThat(host.doctor().code()).isZero();
  }

  @Test
  void iommuThatSaysNothingDoesNotMatterBesideOneThatCan() throws IOException {
    host.write("sys/class/iommu/smmu3.0/uevent", "");

    assertThat(host.doctor().out()).doesNotContain("smmu3").endsWith("Nothing is missing.\n");
  }

  @Test
  void iommuWithoutScalableModeCannot() throws IOException {
    host.write("sys/devices/virtual/iommu/dmar0/intel-iommu/ecap", "f020df");
    impossible("dmar0 has no scalable mode");
  }

  @Test
  void amdCannot() throws IOException {
    host.remove("sys/devices/virtual/iommu/dmar0/intel-iommu/ecap")
        .write("sys/devices/virtual/iommu/dmar0/amd-iommu/features", "25bf732fa2295afe:53d");
    impossible("is AMD's, whose driver attaches no PASIDs for VFIO");
  }

  @Test
  void hostWithoutIommuIsTold() throws IOException {
    host.remove("sys/class/iommu/dmar0");
    Run run = host.doctor();

    assertThat(run.out()).contains("no IOMMU is in use", "→ switch on VT-d or AMD-Vi");
    assertThat(run.code()).isEqualTo(ExitCode.ENVIRONMENT);
  }

  @Test
  void jsonHasEveryFindingWithItsRemedy() throws IOException {
    host.remove("dev/iommu");
    Run run = host.doctor(MadeUpHost.ADDRESS, "--json");
    JsonNode json = new JsonMapper().readTree(run.out());

    assertThat(json.get("ready").asBoolean()).isFalse();
    JsonNode iommufd = json.get("host").get(1);
    assertThat(iommufd.get("check").asString()).isEqualTo("iommufd");
    assertThat(iommufd.get("status").asString()).isEqualTo("missing");
    assertThat(iommufd.get("remedy").get(0).asString()).isEqualTo("sudo modprobe iommufd");
    assertThat(json.get("functions").get(0).get("address").asString())
        .isEqualTo(MadeUpHost.ADDRESS);
    assertThat(run.code()).isEqualTo(ExitCode.ENVIRONMENT);
  }

  @Test
  void badAddressAndMissingFunctionAreUsageErrors() {
    assertThat(host.doctor("6a").err())
        .isEqualTo("vpasid: '6a' is no address such as 0000:6a:01.0\n");
    assertThat(host.doctor("6a").code()).isEqualTo(ExitCode.USAGE);
    assertThat(host.doctor("0000:00:01.0").err()).contains("there is no such PCI function here");
    assertThat(host.doctor("0000:00:01.0").code()).isEqualTo(ExitCode.USAGE);
    assertThat(host.doctor("--bind", MadeUpHost.ADDRESS).code()).isEqualTo(ExitCode.USAGE);
  }
}
