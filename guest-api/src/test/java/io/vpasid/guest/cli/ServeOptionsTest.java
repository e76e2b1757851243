package io.vpasid.guest.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.vpasid.guest.cli.terminal.ExitCode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// What `serve` does not take: one line and exit code 2, before anything is served.
class ServeOptionsTest {
  @TempDir private Path folder;
  private Path file;

  @BeforeEach
  void writeConfiguration() throws IOException {
    file = Inputs.daemon(folder);
  }

  @Test
  void configurationThatIsBadIsOneLineAndExitCode2() throws Exception {
    Files.writeString(file, Files.readString(file).replace("\"quirks\":", "\"qirks\":"));

    Run run = Run.of("serve", file.toString());

    assertThat(run.code()).isEqualTo(ExitCode.USAGE);
    assertThat(run.err()).hasLineCount(1).contains(":1:57: unknown key \"qirks\"");
  }

  @ParameterizedTest
  @CsvSource({
    "0=3K, 'BAR 0 (MEMORY_64) has to be a power of two'",
    "1=4K, BAR 1 is the upper half of BAR 0",
    "big, 'a BAR''s size is written as \"0=64K\"'"
  })
  void barSizeThatCannotBeIsOneLineAndExitCode2(String bar, String message) {
    Path socket = folder.resolve("one.sock");
    Run run = serveOne(socket, "--bar=" + bar);

    assertThat(run.code()).isEqualTo(ExitCode.USAGE);
    assertThat(run.err()).contains("--bar").contains(message);
    assertThat(socket).doesNotExist();
  }

  @Test
  void optionsOfTheOtherWayToServeAreNamed() {
    Run run = Run.of("serve", file.toString(), "--hw-info", "width=20");

    assertThat(run.code()).isEqualTo(ExitCode.USAGE);
    assertThat(run.err()).contains("--hw-info goes with --socket PATH");
  }

  @Test
  void busyPollOfADaemonIsAKeyOfItsConfiguration() {
    Run run = Run.of("serve", file.toString(), "--busy-poll", "50");

    assertThat(run.code()).isEqualTo(ExitCode.USAGE);
    assertThat(run.err())
        .contains(
            "--busy-poll goes with --socket PATH; a configuration says it as \"busyPollMicros\"");
  }

  @ParameterizedTest
  @ValueSource(strings = {"-1", "1001"})
  void busyPollHasABound(String micros) {
    Path socket = folder.resolve("one.sock");
    Run run = serveOne(socket, "--busy-poll=" + micros);

    assertThat(run.code()).isEqualTo(ExitCode.USAGE);
    assertThat(run.err()).contains("--busy-poll takes 0 to 1000 microseconds, not " + micros);
    assertThat(socket).doesNotExist();
  }

  private Run serveOne(Path socket, String option) {
    return Run.of(
        "serve",
        folder.resolve("machine.txt").toString(),
        "--function=0000:17:00.0",
        "--socket=" + socket,
        option);
  }
}
