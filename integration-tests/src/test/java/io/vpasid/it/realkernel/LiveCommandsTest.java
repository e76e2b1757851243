package io.vpasid.it.realkernel;

import static org.assertj.core.api.Assertions.assertThat;

import io.vpasid.guest.cli.Main;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

/// `vpasid plan` and `vpasid doctor` of functions of this machine ask VFIO, iommufd and sysfs.
@InRealKernel
class LiveCommandsTest {
  private static final String FUNCTION = "0000:00:04.0";
  private static final String WITHOUT_PASIDS = "0000:00:05.0";
  private static final String NOT_ISOLATED = "0000:00:06.0";
  private static final String OF_OTHER_DRIVER = "0000:00:07.0";

  @Test
  void planTakesTheViewAndTheWidthFromVfio() {
    Run plan = vpasid("plan", FUNCTION);

    assertThat(plan.code()).as(plan.output()).isZero();
    assertThat(plan.output())
        .contains("note: VFIO shows the configuration space and reports width=20")
        .contains("at 0x160, Max PASID Width: 20")
        .contains("the device's own hidden capability");
  }

  @Test
  void withoutVfioSysfsTells() {
    Run plan = vpasid("plan", FUNCTION, "--no-vfio");

    assertThat(plan.code()).as(plan.output()).isZero();
    assertThat(plan.output())
        .contains("no --hw-info, so width=20")
        .contains("at 0x160, Max PASID Width: 20");
  }

  @Test
  void doctorMissesNothingThatPasidsNeed() throws Exception {
    Run doctor = vpasid("doctor", "--bind", FUNCTION);

    String release = Files.readString(Path.of("/proc/sys/kernel/osrelease")).strip();
    assertThat(doctor.output())
        .isEqualTo(
            """
            host
              ok       kernel       Linux %s
              ok       iommufd      /dev/iommu can be opened
              ok       vfio         vfio-pci is loaded
              ok       iommu        dmar0 has scalable mode and PASIDs of 20 bits
            0000:00:04.0
              ok       group        nobody else holds its IOMMU group
              ok       iommu        dmar0 has scalable mode and PASIDs of 20 bits
              ok       driver       vfio-pci has it
              ok       device file  /dev/vfio/devices/vfio0 can be opened
              ok       pasid        PASID capability at 0x160, Max PASID Width 20, enabled
              ok       width        PASIDs of 20 bits, Exec-, Priv+
            Nothing is missing.
            """
                .formatted(release));
    assertThat(doctor.code()).isZero();
  }

  @Test
  void doctorSaysWhatKeepsOtherFunctionsFromPasids() {
    Run doctor = vpasid("doctor", WITHOUT_PASIDS, NOT_ISOLATED, OF_OTHER_DRIVER);

    assertThat(doctor.output())
        .contains("no       pasid        there is no PASID capability in the hardware")
        .contains(
            "missing  pasid        PASID capability at 0x160, Max PASID Width 20, not enabled")
        .contains("missing  driver       virtio_vfio_pci has it, which takes no PASIDs");
    assertThat(doctor.code()).as("the hardware cannot").isEqualTo(1);
  }

  @Test
  void doctorsCommandsMendWhatIsMissing() throws Exception {
    Run before = vpasid("doctor", OF_OTHER_DRIVER);
    assertThat(before.code()).as(before.output()).isEqualTo(3);
    try {
      for (String line : before.output().lines().filter(l -> l.contains("→")).toList()) {
        // The test is root.
        sh(line.substring(line.indexOf("→") + 1).replace("sudo ", ""));
      }

      Run after = vpasid("doctor", OF_OTHER_DRIVER);
      assertThat(after.output()).endsWith("Nothing is missing.\n");
    } finally {
      String function = "/sys/bus/pci/devices/" + OF_OTHER_DRIVER;
      sh("echo virtio_vfio_pci > " + function + "/driver_override");
      sh("echo " + OF_OTHER_DRIVER + " > " + function + "/driver/unbind");
      sh("echo " + OF_OTHER_DRIVER + " > /sys/bus/pci/drivers_probe");
    }
  }

  private static void sh(String command) throws IOException, InterruptedException {
    Run run = run(List.of("sh", "-c", command));
    assertThat(run.code()).as(command + "\n" + run.output()).isZero();
  }

  /// In this process: another JVM would take 15 seconds to start here.
  private static Run vpasid(String... arguments) {
    StringWriter output = new StringWriter();
    int code;
    try (PrintWriter out = new PrintWriter(output)) {
      code = Main.run(out, out, arguments);
    }
    System.out.println("vpasid " + String.join(" ", arguments) + "\n" + output);
    return new Run(code, output.toString());
  }

  private static Run run(List<String> command) throws IOException, InterruptedException {
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    return new Run(process.waitFor(), output);
  }

  private record Run(int code, String output) {}
}
