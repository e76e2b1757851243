package io.vpasid.it.realkernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vpasid.guest.cli.Main;
import io.vpasid.guest.vfiouser.VfioUserClient;
import io.vpasid.pci.PciAddress;
import io.vpasid.synth.SynthesisResult;
import io.vpasid.testing.Need;
import io.vpasid.testing.Needs;
import io.vpasid.vmm.FunctionOptions;
import io.vpasid.vmm.PassthroughFunction;
import io.vpasid.vmm.iommufd.BackendOptions;
import io.vpasid.vmm.iommufd.BoundDevice;
import io.vpasid.vmm.iommufd.HwptFlag;
import io.vpasid.vmm.iommufd.HwptId;
import io.vpasid.vmm.iommufd.HwptRequest;
import io.vpasid.vmm.iommufd.IoasId;
import io.vpasid.vmm.iommufd.IommufdBackend;
import io.vpasid.vmm.iommufd.IommufdException;
import io.vpasid.vmm.iommufd.Pasid;
import io.vpasid.vmm.iommufd.kernel.KernelProvider;
import io.vpasid.vmm.linux.Errno;
import io.vpasid.vmm.vfio.PciIndex;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// A Linux that has iommufd, and VFIO devices that it binds, but no requests for PASIDs: before
/// 6.15. Everything that would attach says so, and the function itself is passed through all the
/// same.
@InRealKernel
@Needs(Need.LINUX_WITHOUT_PASIDS)
class LinuxWithoutPasidsTest {
  private static final PciAddress FUNCTION = new PciAddress(0, 0, 4, 0);

  /// Device and vendor of that function.
  private static final int IDENTITY = 0x0003_f00d;

  private static final Duration PATIENCE = Duration.ofSeconds(60);

  @TempDir private Path folder;

  /// What a command printed, and its exit code.
  private record Said(int code, String text) {}

  private static Said run(String... words) {
    StringWriter text = new StringWriter();
    PrintWriter out = new PrintWriter(text, true);
    int code = Main.run(out, out, words);
    System.out.println(String.join(" ", words) + ": " + code + "\n" + text);
    return new Said(code, text.toString());
  }

  @Test
  void doctorSaysThatTheKernelIsTooOld() {
    Said doctor = run("doctor", FUNCTION.toString());

    assertThat(doctor.code).isNotZero();
    assertThat(doctor.text).contains("VFIO takes PASIDs from 6.15 on", "boot Linux 6.15 or newer");
  }

  @Test
  void planSaysThatVfioAttachesNone() {
    Said plan = run("plan", FUNCTION.toString());

    assertThat(plan.code).isEqualTo(1);
    assertThat(plan.text).containsPattern("vPASID +none").contains("needs Linux 6.15 or newer");
  }

  @Test
  void serveSaysThatVfioAttachesNoneAndServesTheFunction() throws IOException {
    Path configuration =
        Files.writeString(
            folder.resolve("serve.json"),
            """
            { "format": 1,
              "control": { "socket": "control.sock" },
              "limits": { "clientSeconds": 60 },
              "functions": [
                { "name": "first", "source": "%s", "passthrough": true, "socket": "first.sock" } ] }
            """
                .formatted(FUNCTION));
    Process daemon =
        new ProcessBuilder(
                GuestJava.current()
                    .command(List.of(), Main.class, "serve", configuration.toString()))
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    try {
      assertThat(announcement(daemon))
          .contains("first: " + FUNCTION, "no vPASID", "needs Linux 6.15 or newer");
      try (VfioUserClient client =
          VfioUserClient.connect(
              folder.resolve("first.sock"),
              VfioUserClient.Options.defaults().withTimeout(PATIENCE))) {
        assertThat(
                client.read(PciIndex.CONFIG_REGION, 0, 4).order(ByteOrder.LITTLE_ENDIAN).getInt())
            .isEqualTo(IDENTITY);
      }
    } finally {
      daemon.destroy();
    }
  }

  private static String announcement(Process daemon) throws IOException {
    StringBuilder said = new StringBuilder();
    BufferedReader lines = daemon.inputReader(StandardCharsets.UTF_8);
    while (said.indexOf("end with Ctrl-C") < 0) {
      String line = lines.readLine();
      assertThat(line).as("the daemon ended after: %s", said).isNotNull();
      said.append(line).append('\n');
    }
    return said.toString();
  }

  @Test
  void backendRefusesEveryPasidInTheKernelsWords() {
    try (IommufdBackend iommufd = new KernelProvider().open(BackendOptions.DEFAULTS);
        BoundDevice device = iommufd.bind(FUNCTION)) {
      assertThat(device.hwInfo().maxPasidLog2()).isZero();
      IoasId memory = iommufd.ioasAlloc();
      HwptRequest request = HwptRequest.paging(device.id(), memory);
      assertThatThrownBy(() -> iommufd.hwptAlloc(request.with(HwptFlag.PASID)))
          .isInstanceOfSatisfying(
              IommufdException.class, e -> assertThat(e.errno()).isEqualTo(Errno.EOPNOTSUPP));
      HwptId plain = iommufd.hwptAlloc(request);
      device.attach(plain);
      assertThatThrownBy(() -> device.attachPasid(new Pasid(5), plain))
          .isInstanceOfSatisfying(
              IommufdException.class, e -> assertThat(e.errno()).isEqualTo(Errno.EINVAL));
      device.detach();
    }
  }

  @Test
  void functionItselfIsPassedThrough() {
    try (IommufdBackend iommufd = new KernelProvider().open(BackendOptions.DEFAULTS);
        PassthroughFunction function =
            PassthroughFunction.open(iommufd, FUNCTION, FunctionOptions.defaults())) {
      assertThat(function.synthesis()).isInstanceOf(SynthesisResult.Declined.class);
      function.attach(iommufd.ioasAlloc());
      assertThat(function.readConfig(0, 4)).isEqualTo(IDENTITY);
      function.detach();
    }
  }
}
