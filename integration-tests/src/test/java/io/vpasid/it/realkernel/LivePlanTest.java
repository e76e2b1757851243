package io.vpasid.it.realkernel;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/// `vpasid plan` of a function of this machine asks VFIO and iommufd.
@InRealKernel
class LivePlanTest {
  private static final String FUNCTION = "0000:00:04.0";

  @Test
  void planTakesTheViewAndTheWidthFromVfio() throws Exception {
    String plan = vpasid("plan", FUNCTION);

    assertThat(plan)
        .contains("note: VFIO shows the configuration space and reports width=20")
        .contains("at 0x160, Max PASID Width: 20")
        .contains("the device's own hidden capability");
  }

  @Test
  void withoutVfioSysfsTells() throws Exception {
    String plan = vpasid("plan", FUNCTION, "--no-vfio");

    assertThat(plan)
        .contains("no --hw-info, so width=20")
        .contains("at 0x160, Max PASID Width: 20");
  }

  private static String vpasid(String... arguments) throws IOException, InterruptedException {
    List<String> command =
        Stream.concat(
                Stream.of(
                    Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                    "-XX:TieredStopAtLevel=1",
                    "--enable-native-access=ALL-UNNAMED",
                    "-cp",
                    System.getProperty("java.class.path"),
                    "io.vpasid.guest.cli.Main"),
                Stream.of(arguments))
            .toList();
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).as(output).isZero();
    return output;
  }
}
