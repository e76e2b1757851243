package io.vpasid.guest.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// `vtd qemu` where something is missing.
class VtdCommandTest {
  @TempDir private Path folder;

  private Path config(String iommu) throws IOException {
    return Files.writeString(
        folder.resolve("serve.json"),
        """
        { "format": 1,
          "functions": [ { "name": "dsa", "source": "machine.txt", "socket": "dsa.sock" },
            { "name": "gpu", "source": "machine.txt", "socket": "gpu.sock" } ]%s }
        """
            .formatted(iommu));
  }

  private Path withIommu() throws IOException {
    return config(
        """
        , "iommu": [
          { "name": "a", "socket": "a.sock", "covers": { "function": "dsa", "place": "04.0" } },
          { "name": "b", "socket": "b.sock", "covers": { "function": "gpu", "place": "04.0" } } ]
        """);
  }

  @Test
  void aConfigurationWithoutIommuIsRefused() throws IOException {
    Run run = Run.of("vtd", "qemu", config("").toString());

    assertThat(run.code()).isEqualTo(2);
    assertThat(run.err()).contains("serve.json: there is no IOMMU; add \"iommu\"");
  }

  @Test
  void ofSeveralIommusOneIsNamed() throws IOException {
    Run run = Run.of("vtd", "qemu", withIommu().toString());

    assertThat(run.code()).isEqualTo(2);
    assertThat(run.err()).contains("there are several IOMMUs; choose one of a, b with --iommu");
    assertThat(Run.of("vtd", "qemu", withIommu().toString(), "--iommu", "c").err())
        .contains("there is no IOMMU 'c'; there are a, b");
  }

  @Test
  void theDaemonHasToRun() throws IOException {
    Run run = Run.of("vtd", "qemu", withIommu().toString(), "--iommu", "b");

    assertThat(run.code()).isEqualTo(2);
    assertThat(run.err()).contains("b.sock is not there; start the daemon first");
  }

  @Test
  void aMissingQemuIsNamed() throws IOException {
    Files.createFile(folder.resolve("b.sock"));
    String missing = folder.resolve("no-qemu").toString();

    Run run = Run.of("vtd", "qemu", withIommu().toString(), "--iommu", "b", "--qemu", missing);

    assertThat(run.code()).isEqualTo(3);
    assertThat(run.err())
        .contains(missing + " cannot be started; install QEMU 10.1 or newer")
        .contains("--qemu");
  }

  @Test
  void tableReplacesATableAndNothingElse() throws IOException {
    Path notes = Files.writeString(folder.resolve("notes"), "mine");
    Path table = folder.resolve("dmar");
    String[] make = {"vtd", "dmar", "--base", "0xfebfe000", "--function", "04.0", "-o"};

    Run run = Run.of(Stream.concat(Stream.of(make), Stream.of("" + notes)).toArray(String[]::new));
    assertThat(run.code()).isEqualTo(2);
    assertThat(run.err())
        .isEqualToIgnoringNewLines(
            "vpasid: "
                + notes
                + ": is there and is not a DMAR table; name another, or remove it first");
    assertThat(notes).hasContent("mine");

    for (int i = 0; i < 2; i++) {
      run = Run.of(Stream.concat(Stream.of(make), Stream.of("" + table)).toArray(String[]::new));
      assertThat(run.code()).as(run.err()).isZero();
    }
  }

  @Test
  void theIommuIsWhereNoFunctionIs() throws IOException {
    Files.createFile(folder.resolve("b.sock"));

    Run run = Run.of("vtd", "qemu", withIommu().toString(), "--iommu", "b", "--place", "04.0");

    assertThat(run.code()).isEqualTo(2);
    assertThat(run.err()).contains("'gpu' is at 04.0 already");
  }
}
