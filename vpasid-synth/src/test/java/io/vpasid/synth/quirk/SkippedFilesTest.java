package io.vpasid.synth.quirk;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// What people put into a folder of quirk files.
class SkippedFilesTest {
  @TempDir private Path folder;

  private String finding() {
    return QuirkLint.skipped(folder, "site").getFirst().toString();
  }

  @ParameterizedTest
  @CsvSource({
    ".a.json, 'because its name starts with a dot; rename it'",
    "a.JSON, 'because its name ends in .JSON; name it *.json'",
    "a.yaml, 'because it is no JSON; write it as JSON, named *.json'",
    "a.YML, 'because it is no JSON; write it as JSON, named *.json'",
    "a.toml, 'because it is no JSON; write it as JSON, named *.json'",
    "a.hjson, 'because it is no JSON; write it as JSON, named *.json'",
    "a.json5, 'because its name does not end in .json; rename it, and leave comments and trailing commas out'",
    "a.jsonc, 'because its name does not end in .json; rename it, and leave comments and trailing commas out'",
  })
  void fileThatMayHaveBeenMeantIsAWarning(String name, String why) throws Exception {
    Path file = Files.createFile(folder.resolve(name));

    assertThat(finding()).isEqualTo(file + ": warning: not read, " + why + " [not-read]");
  }

  @ParameterizedTest
  @ValueSource(strings = {"README", "a.json.bak", "notes.txt"})
  void otherFileIsANote(String name) throws Exception {
    Path file = Files.createFile(folder.resolve(name));

    assertThat(finding())
        .isEqualTo(file + ": note: not read: quirk files are named *.json [not-read]");
  }

  @Test
  void folderIsAWarningIfItHoldsWhatMayHaveBeenMeant() throws Exception {
    Path inner = Files.createDirectory(folder.resolve("inner"));
    Files.createFile(inner.resolve("README"));
    assertThat(QuirkLint.skipped(folder, "site")).isEmpty();

    Files.createFile(inner.resolve("a.json"));
    assertThat(finding())
        .isEqualTo(inner + ": warning: folders in a folder are not read; name it too [not-read]");
  }

  @Test
  void whatIsReadIsNotSkipped() throws Exception {
    Files.createFile(folder.resolve("b.json"));
    Path second = Files.createFile(folder.resolve("b.txt"));
    Path first = Files.createFile(folder.resolve("a.txt"));

    assertThat(QuirkLint.skipped(folder, "site"))
        .extracting(LintFinding::file)
        .containsExactly(first.toString(), second.toString());
    assertThat(QuirkLint.skipped(folder, "site"))
        .extracting(LintFinding::layer)
        .containsOnly("site");
    assertThat(QuirkLint.skipped(first, "site")).isEmpty();
  }

  @Test
  void anyNumberOfFilesIsToldOfUpToAThousand() throws Exception {
    for (int i = 0; i < 1001; i++) {
      Files.createFile(folder.resolve("note" + i));
    }

    assertThat(QuirkLint.skipped(folder, "site")).hasSize(1000);
  }

  @Test
  void rulesHaveNamesAndDescriptions() {
    assertThat(LintRule.values())
        .allSatisfy(rule -> {
          assertThat(rule.toString()).matches("[a-z-]+");
          assertThat(rule.description()).isNotBlank();
        });
  }
}
