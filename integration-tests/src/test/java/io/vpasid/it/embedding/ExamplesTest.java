package io.vpasid.it.embedding;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// The programs of `examples/embed` compile against this build, do what they say, and are what
/// README.md quotes. `examples/run` does the same as a stranger, from installed artifacts.
class ExamplesTest {
  private static final Path EMBED = Path.of("examples/embed");
  private static final Path SOURCES = EMBED.resolve("src/main/java/example");

  @ParameterizedTest
  @ValueSource(strings = {"Embed", "VirtualIommu"})
  void doesWhatItPrints(String example, @TempDir Path classes) throws Exception {
    List<String> javac = new ArrayList<>(List.of("-Xlint:all,-path", "-Werror", "-proc:none"));
    javac.addAll(List.of("-d", classes.toString(), "-cp", System.getProperty("java.class.path")));
    try (Stream<Path> files = Files.list(SOURCES)) {
      files.map(Path::toString).forEach(javac::add);
    }
    assertThat(java("javac", javac)).isEmpty();

    String printed =
        java(
            "java",
            List.of(
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                classes + File.pathSeparator + System.getProperty("java.class.path"),
                "example." + example,
                "../scenarios/functions/accelerator.txt"));

    assertThat(printed).isEqualTo(Files.readString(EMBED.resolve(example + ".txt")));
  }

  @Test
  void readmeQuotesTheFirst() throws IOException {
    String source = Files.readString(SOURCES.resolve("Embed.java"));
    String quoted = source.substring(source.indexOf("/// The whole life")).stripTrailing();

    assertThat(Files.readString(Path.of("../README.md"))).contains("```java\n" + quoted + "\n```");
    assertThat(quoted.lines().count()).as("lines").isBetween(40L, 60L);
  }

  private static String java(String program, List<String> arguments) throws Exception {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", program).toString());
    command.addAll(arguments);
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String printed = new String(process.getInputStream().readAllBytes(), UTF_8);
    assertThat(process.waitFor()).as(printed).isZero();
    return printed;
  }
}
