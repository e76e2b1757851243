package io.vpasid.it.realkernel;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.vpasid.pci.PciAddress;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/// The example for embedding VMMs on `/dev/iommu`: it lives with a function of this machine as it
/// does with a captured one, and leaves nothing attached.
@InRealKernel
class EmbedInLinuxTest {
  private static final Path EMBED = Path.of("examples/embed/src/main/java/example/Embed.java");
  private static final PciAddress FUNCTION = new PciAddress(0, 0, 4, 0);

  @Test
  void exampleLivesWithAFunctionOfThisMachine() throws Exception {
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "-XX:TieredStopAtLevel=1",
                "-cp",
                System.getProperty("java.class.path"),
                EMBED.toString(),
                FUNCTION.toString())
            .redirectErrorStream(true)
            .start();
    String printed = new String(process.getInputStream().readAllBytes(), UTF_8);

    assertThat(process.waitFor()).as(printed).isZero();
    assertThat(printed)
        .contains("place: 0x160", "guest reads: ", "1001b\n")
        .containsPattern("guest attaches: Attached.*\n(event: .*\n)*guest attaches: Refused")
        .contains("guest detaches: Detached");
    assertThat(new IommuTables(FUNCTION).pasids()).isEmpty();
  }
}
