package io.vpasid.it.realkernel;

import static org.assertj.core.api.Assertions.assertThat;

import io.vpasid.guest.cli.Main;
import io.vpasid.testing.Need;
import io.vpasid.testing.Needs;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/// What `vpasid plan --format qemu` prints and notes, given to a real QEMU.
@Tag(InRealKernel.TAG)
@Needs(Need.REAL_KERNEL)
class QemuArgumentsTest {
  private static final Pattern IOMMU = Pattern.compile("-device (intel-iommu,\\S+)");
  private static final String DUMP =
      "../guest-api/src/main/resources/io/vpasid/guest/cli/run/demo.txt";

  private static MachineParts parts;
  private static String arguments = "";
  private static String iommu = "";

  @BeforeAll
  static void plan() {
    parts = MachineParts.prepare();
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    Main.run(new PrintWriter(out), new PrintWriter(err), "plan", DUMP, "--format", "qemu");
    arguments = out.toString();
    Matcher m = IOMMU.matcher(err.toString());
    iommu = m.find() ? m.group(1) : "";
  }

  /// What a QEMU says that makes a machine and ends before it runs.
  private static String qemu(String... further) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(parts.qemu());
    command.addAll(
        List.of("-machine", "q35,accel=tcg", "-nodefaults", "-display", "none", "-S", "-monitor"));
    command.add("stdio");
    command.addAll(List.of(further));
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    try (PrintWriter monitor = new PrintWriter(process.outputWriter(), true)) {
      monitor.println("quit");
    }
    String said = String.join("\n", process.inputReader().lines().toList());
    return process.waitFor() + " " + said;
  }

  @Test
  void theIommuOfTheNotesIsOne() throws Exception {
    assertThat(qemu("-device", iommu)).startsWith("0 ");
    assertThat(qemu("-device", iommu.replace("scalable-mode=on,", "")))
        .as("QEMU looks at what it gets")
        .startsWith("1 ")
        .contains("scalable mode");
  }

  /// There is no such function here, which QEMU finds after it has understood the argument. Without
  /// `iommufd`, as not every machine has `/dev/iommu`.
  @Test
  void aFunctionIsRefusedOnlyBecauseItIsNotHere() throws Exception {
    String function =
        arguments.lines().filter(line -> line.startsWith("-device ")).findFirst().orElseThrow();
    String device = function.substring("-device ".length()).replaceFirst(",iommufd=.*", "");

    assertThat(qemu("-device", iommu, "-device", device))
        .startsWith("1 ")
        .contains("0000:17:00.0: no such host device");
    assertThat(qemu("-device", iommu, "-device", device.replace("-offset", "-place")))
        .as("QEMU looks at what it gets")
        .contains("x-vpasid-cap-place' not found");
  }
}
