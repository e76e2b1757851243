package io.vpasid.guest.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// On the two made-up functions that the program ships: f00d:0001 has a PASID capability of its own
/// at 0x1a0; f00d:0002 is a virtual function without one, and 0xd80 is its hole.
class QuirksCommandTest extends WithQuirkFiles {
  @ParameterizedTest
  @ValueSource(strings = {"", "list", "explain", "new", "lint", "test"})
  void everyOneHasHelpWithExamplesAndJson(String command) {
    List<String> arguments =
        command.isEmpty() ? List.of("quirks", "--help") : List.of("quirks", command, "--help");

    Run run = Run.of(arguments.toArray(String[]::new));

    assertThat(run.code()).isZero();
    assertThat(run.out()).contains("Usage: vpasid quirks", "  vpasid quirks ");
    assertThat(run.err()).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(strings = {"list", "explain", "new", "lint", "test"})
  void everyOneOffersJsonAndSaysItsExitCodes(String command) {
    assertThat(Run.of("quirks", command, "--help").out()).contains("--json", "Exit codes:");
  }

  @Test
  void aMissingOrMisspeltCommandIsNamed() {
    assertThat(Run.of("quirks").err()).contains("list, explain, new, lint, test");
    assertThat(Run.of("quirks", "lnt").err()).contains("lnt").contains("did you mean", "lint");
    assertThat(Run.of("quirks", "lnt").code()).isEqualTo(2);
  }

  /// Each of them, in each command that reads quirk files: one line with the place, exit code 2.
  @ParameterizedTest
  @ValueSource(
      strings = {
        // a wrong type
        "{ \"format\": 1, \"quirks\": [ { \"id\": 7 } ] }",
        // an unknown key
        "{ \"format\": 1, \"quirks\": [ { \"id\": \"a\", \"vendr\": \"0x1\" } ] }",
        // a mask outside the dword
        "{ \"format\": 1, \"quirks\": [ { \"hidden\": { \"mask\": \"0x100000000\" } } ] }",
        // a range past 0xfff
        "{ \"format\": 1, \"quirks\": [ { \"available\": \"0xff0-0x1000\" } ] }",
        // the same id twice
        "{ \"format\": 1, \"quirks\": [ { \"id\": \"a\", \"name\": \"n\", \"source\": \"s\","
            + " \"match\": { \"vendor\": \"0x8086\" }, \"exec\": false }, { \"id\": \"a\", \"name\":"
            + " \"n\", \"source\": \"s\", \"match\": { \"vendor\": \"0x8086\" }, \"exec\": false } ]"
            + " }",
        // no JSON at all
        "{ \"format\": 1, \"quirks\": [ }"
      })
  void aBadQuirkFileIsOneLineWithThePlaceAndExitCode2(String text) {
    String bad = file("bad.json", text);

    assertOneLine(Run.of("plan", dump, "--quirks", bad, "--hw-info", "width=20"), bad + ":1:");
    assertOneLine(Run.of("quirks", "list", "--quirks", bad), bad + ":1:");
    assertOneLine(Run.of("quirks", "explain", dump, "--quirks", bad), bad + ":1:");
    assertOneLine(
        Run.of("quirks", "test", dump, "--quirks", bad, "--hw-info", "width=20"), bad + ":1:");
    Run lint = Run.of("quirks", "lint", bad);
    assertThat(lint.code()).isEqualTo(2);
    assertThat(lint.out().lines().filter(l -> l.startsWith(bad + ":1:"))).hasSize(1);
  }

  /// Invariant I8: what a file nests is no measure of what it costs.
  @Test
  void aHundredMegabytesOfNestingAreOneLineToo() throws IOException {
    Path deep = folder.resolve("deep.json");
    try (var out = Files.newOutputStream(deep)) {
      byte[] brackets = "[".repeat(1 << 20).getBytes(StandardCharsets.US_ASCII);
      out.write("{ \"format\": 1, \"quirks\": ".getBytes(StandardCharsets.US_ASCII));
      for (int i = 0; i < 100; i++) {
        out.write(brackets);
      }
    }

    assertOneLine(Run.of("quirks", "list", "--quirks", deep.toString()), deep + ": larger than 16");
    assertThat(Run.of("quirks", "lint", deep.toString()).code()).isEqualTo(2);
  }
}
