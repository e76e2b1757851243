package io.vpasid.guest.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class EnvironmentTableTest {
  private static final Path ROOT = Path.of(System.getProperty("basedir", ""), "..");

  /// `System.getenv("A")` and what is asked of a map that is passed around as `environment`.
  private static final Pattern IN_JAVA =
      Pattern.compile("(?:getenv|environment\\s*\\.get(?:OrDefault)?)\\(\\s*\"(\\w+)\"");

  /// `$A` and `${A:-…}`; the scripts' own variables are in lower case.
  private static final Pattern IN_SHELL = Pattern.compile("\\$\\{?([A-Z][A-Z_]+)");

  private static final Pattern IN_TABLE = Pattern.compile("`([A-Z][A-Z_]+)`");

  @Test
  void theTableInTheDocumentHasWhatIsRead() throws IOException {
    Set<String> read = new TreeSet<>();
    for (String module : List.of("pci-config-space", "vpasid-synth", "vmm-core", "guest-api")) {
      try (Stream<Path> sources = Files.walk(ROOT.resolve(module + "/src/main/java"))) {
        for (Path source : sources.filter(path -> path.toString().endsWith(".java")).toList()) {
          read.addAll(names(IN_JAVA, Files.readString(source)));
        }
      }
    }
    assertThat(read).contains("VPASID_SOCKET", "NO_COLOR", "RUNTIME_DIRECTORY");
    for (String launcher : List.of("vpasid", "packaging/launcher", ".mvn/newest-jdk")) {
      read.addAll(names(IN_SHELL, Files.readString(ROOT.resolve(launcher))));
    }

    List<String> rows =
        Files.readString(ROOT.resolve("docs/install.md"))
            .split("## Environment variables", 2)[1]
            .lines()
            .filter(line -> line.startsWith("| `"))
            .map(line -> line.split("\\|", -1)[1])
            .toList();
    assertThat(names(IN_TABLE, String.join("\n", rows))).containsExactlyInAnyOrderElementsOf(read);
  }

  private static List<String> names(Pattern pattern, String text) {
    return pattern.matcher(text).results().map((MatchResult found) -> found.group(1)).toList();
  }
}
