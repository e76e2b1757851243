package io.vpasid.it.embedding;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// The programs of `examples/embed` compile against this build, do what they say, and are what
/// README.md quotes. `examples/run` does the same as a stranger, from installed artifacts.
class ExamplesTest {
  private static final Path EMBED = Path.of("examples/embed");
  private static final Path SOURCES = EMBED.resolve("src/main/java/example");

  @TempDir private static Path classes;

  @BeforeAll
  static void compile() throws Exception {
    List<String> javac = new ArrayList<>(List.of("-Xlint:all,-path", "-Werror", "-proc:none"));
    javac.addAll(List.of("-d", classes.toString(), "-cp", System.getProperty("java.class.path")));
    try (Stream<Path> files = Files.list(SOURCES)) {
      files.map(Path::toString).forEach(javac::add);
    }
    assertThat(java("javac", javac)).isEqualTo(new Ended(0, ""));
  }

  @ParameterizedTest
  @ValueSource(strings = {"Embed", "VirtualIommu"})
  void doesWhatItPrints(String example) throws Exception {
    assertThat(run(example, "../scenarios/functions/accelerator.txt"))
        .isEqualTo(new Ended(0, Files.readString(EMBED.resolve(example + ".txt"))));
  }

  /// The function has no PCI Express capability and so no extended space.
  @ParameterizedTest
  @ValueSource(strings = {"Embed", "VirtualIommu"})
  void functionWithoutVpasidIsToldWhy(String example, @TempDir Path folder) throws Exception {
    Path dump =
        Files.writeString(
            folder.resolve("conventional.txt"),
            "00:01.0 Class 0880: f00d:0001\n00: 0d f0 01 00 00 00 00 00 00 00 80 08 00 00 00 00\n"
                + IntStream.range(1, 16)
                    .mapToObj("%x0: 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00%n"::formatted)
                    .collect(Collectors.joining()));

    Ended ended = run(example, dump.toString());

    assertThat(ended.code()).as(ended.printed()).isZero();
    assertThat(ended.printed()).contains("no vPASID: ").doesNotContain("Exception");
  }

  /// No bus has so many domains, so this is refused on every machine, with an IOMMU or without.
  @Test
  void hostThatRefusesIsToldWithWhatLooksForTheReason() throws Exception {
    Ended ended = run("Embed", "7ffffffe:00:00.0");

    assertThat(ended.code()).isEqualTo(1);
    assertThat(ended.printed())
        .contains(" failed with E", "See what is missing: vpasid doctor 7ffffffe:00:00.0")
        .doesNotContain("Exception");
  }

  @Test
  void readmeQuotesTheFirst() throws IOException {
    String source = Files.readString(SOURCES.resolve("Embed.java"));
    String quoted = source.substring(source.indexOf("/// The whole life")).stripTrailing();

    assertThat(Files.readString(Path.of("../README.md"))).contains("```java\n" + quoted + "\n```");
    assertThat(quoted.lines().count()).as("lines").isBetween(40L, 60L);
  }

  /// How a process ended.
  private record Ended(int code, String printed) {}

  private static Ended run(String example, String function) throws Exception {
    return java(
        "java",
        List.of(
            "--enable-native-access=ALL-UNNAMED",
            "-cp",
            classes + File.pathSeparator + System.getProperty("java.class.path"),
            "example." + example,
            function));
  }

  private static Ended java(String program, List<String> arguments) throws Exception {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", program).toString());
    command.addAll(arguments);
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String printed = new String(process.getInputStream().readAllBytes(), UTF_8);
    return new Ended(process.waitFor(), printed);
  }
}
