package io.vpasid.guest.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.vpasid.guest.cli.terminal.ExitCode;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class RehearsalTest {
  private static final Path DUMP = Path.of("src/main/resources/io/vpasid/guest/cli/run/demo.txt");

  static Stream<String> lines() {
    return Stream.of(Rehearsal.text(DUMP.toString()), Rehearsal.all(DUMP.toString()))
        .flatMap(List::stream)
        .distinct();
  }

  /// One that is refused early trains nothing.
  @ParameterizedTest
  @MethodSource("lines")
  void everyCommandSucceeds(String line) {
    Run run = Run.of(line.split(" "));

    assertThat(run.code()).as(run.err()).isEqualTo(ExitCode.DONE);
  }
}
