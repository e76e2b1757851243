package io.vpasid.it.documents;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/// `SPECIFICATION.md` names a test, or a benchmark, for every promise, and there is each of them;
/// so with the decisions, and with what links of the documents lead to.
class SpecificationTest {
  private static final Path ROOT = Path.of("..");
  private static final Pattern NAMED = Pattern.compile("`(\\w+(?:Test|Benchmark))(?:#(\\w+))?`");
  private static final Pattern ROW = Pattern.compile("(?m)^\\| (?!promise|---).*\\|$");

  private static final Pattern LINK =
      Pattern.compile("\\]\\((?!https?:)([^)#\\s]*)(?:#([^)\\s]*))?\\)");

  private static String page() throws IOException {
    return Files.readString(ROOT.resolve("SPECIFICATION.md"));
  }

  private static List<Path> documents(String... folders) throws IOException {
    List<Path> found = new ArrayList<>();
    for (String folder : folders) {
      try (Stream<Path> files = Files.list(ROOT.resolve(folder))) {
        files.filter(file -> file.toString().endsWith(".md")).sorted().forEach(found::add);
      }
    }
    return found;
  }

  @TestFactory
  Stream<DynamicTest> everyTestThatIsNamedExists() throws IOException {
    Map<String, Path> sources = sources();
    List<MatchResult> named = new ArrayList<>(NAMED.matcher(page()).results().toList());
    assertThat(named).hasSizeGreaterThan(50);
    for (Path decision : documents("docs/decisions")) {
      NAMED.matcher(Files.readString(decision)).results().forEach(named::add);
    }
    return named.stream()
        .map(name -> DynamicTest.dynamicTest(name.group(), () -> exists(sources, name)));
  }

  private static void exists(Map<String, Path> sources, MatchResult name) throws IOException {
    assertThat(sources).containsKey(name.group(1));
    if (name.group(2) != null) {
      assertThat(Files.readString(sources.get(name.group(1))))
          .containsPattern(
              "@(Test|TestFactory|ParameterizedTest)[^;{]*\\b" + name.group(2) + "\\(");
    }
  }

  @Test
  void everyPromiseHasATest() throws IOException {
    List<String> rows = ROW.matcher(page()).results().map(MatchResult::group).toList();

    assertThat(rows)
        .hasSizeGreaterThan(30)
        .allSatisfy(row -> assertThat(row).containsPattern(NAMED));
  }

  @TestFactory
  Stream<DynamicTest> everyLinkLeadsSomewhere() throws IOException {
    List<DynamicTest> tests = new ArrayList<>();
    for (Path document : documents("", "docs", "docs/decisions")) {
      LINK.matcher(Files.readString(document))
          .results()
          .forEach(link ->
              tests.add(
                  DynamicTest.dynamicTest(
                      ROOT.relativize(document) + " " + link.group(),
                      () -> leadsSomewhere(document, link.group(1), link.group(2)))));
    }
    assertThat(tests).hasSizeGreaterThan(50);
    return tests.stream();
  }

  private static void leadsSomewhere(Path from, String file, @Nullable String heading)
      throws IOException {
    Path to = file.isEmpty() ? from : from.resolveSibling(file);
    assertThat(to).exists();
    if (heading != null) {
      assertThat(Files.readAllLines(to))
          .filteredOn(line -> line.startsWith("#"))
          .extracting(SpecificationTest::anchor)
          .contains(heading);
    }
  }

  /// What GitHub makes of a heading.
  private static String anchor(String heading) {
    return heading
        .replaceFirst("^#+ ", "")
        .toLowerCase(Locale.ROOT)
        .replaceAll("[^\\p{L}\\p{N} _-]", "")
        .replace(' ', '-');
  }

  private static Map<String, Path> sources() throws IOException {
    Map<String, Path> sources = new HashMap<>();
    for (String module :
        List.of("pci-config-space", "vpasid-synth", "vmm-core", "guest-api", "integration-tests")) {
      try (Stream<Path> files = Files.walk(ROOT.resolve(module).resolve("src/test/java"))) {
        files
            .filter(file -> file.toString().endsWith(".java"))
            .forEach(file -> sources.put(file.getFileName().toString().replace(".java", ""), file));
      }
    }
    return sources;
  }
}
