package io.vpasid.guest.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.networknt.schema.InputFormat;
import com.networknt.schema.Schema;
import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.SpecificationVersion;
import io.vpasid.guest.scenario.Scenario;
import io.vpasid.guest.scenario.ScenarioFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/// What `vpasid schema` prints is what stands in `docs/`.
class SchemaCommandTest {
  private static final Path DOCS = Path.of("..", "docs");

  /// If not: `./vpasid schema KIND > docs/KIND.schema.json`.
  @ParameterizedTest
  @EnumSource
  void theSchemaInTheDocsIsThatOfTheTables(SchemaCommand.Kind kind) throws IOException {
    Run run = Run.of("schema", kind.toString());

    assertThat(run.code()).isZero();
    assertThat(DOCS.resolve(kind + ".schema.json")).hasContent(run.out());
  }

  /// If not: `./vpasid schema --keys > docs/keys.md`.
  @Test
  void theKeysInTheDocsAreThoseOfTheTables() throws IOException {
    Run run = Run.of("schema", "--keys");

    assertThat(run.code()).isZero();
    assertThat(DOCS.resolve("keys.md")).hasContent(run.out());
  }

  @Test
  void theKeysOfOneKindOfFileAreATableForEachObject() {
    assertThat(Run.of("schema", "quirks", "--keys").out())
        .startsWith("## vpasid quirk file\n")
        .contains("\n### `match`\n", "\n| `offset`, required | `0xff8` | First byte; with a mask")
        .contains("| `access` | `ro`, `rw`, `unknown` | ");
  }

  static Stream<Arguments> examples() throws IOException {
    List<Arguments> all = new ArrayList<>();
    List<Path> library = List.of(Path.of("../scenarios"));
    for (Path file :
        ScenarioFiles.read(library, "").scenarios().stream()
            .map(Scenario::file)
            .distinct()
            .toList()) {
      all.add(Arguments.of(file.toString(), SchemaCommand.Kind.SCENARIO, Files.readString(file)));
    }
    Path resources = Path.of("src/test/resources/io/vpasid/guest/cli");
    Path function = resources.resolve("every-function-key.json");
    all.add(Arguments.of("function", SchemaCommand.Kind.FUNCTION, Files.readString(function)));
    Path serve = resources.resolve("every-configuration-key.json");
    all.add(Arguments.of("configuration", SchemaCommand.Kind.SERVE, Files.readString(serve)));
    for (String page : List.of("daemon.md", "headless.md", "quirks.md")) {
      Matcher block =
          Pattern.compile("(?s)```json\n(.*?)```").matcher(Files.readString(DOCS.resolve(page)));
      while (block.find()) {
        SchemaCommand.Kind kind =
            switch (page) {
              case "daemon.md" -> SchemaCommand.Kind.SERVE;
              case "headless.md" -> SchemaCommand.Kind.SCENARIO;
              default -> SchemaCommand.Kind.QUIRKS;
            };
        all.add(Arguments.of(page, kind, block.group(1)));
      }
    }
    assertThat(all).hasSizeGreaterThan(25);
    return all.stream();
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("examples")
  void everyExampleOfTheRepositoryIsValid(String name, SchemaCommand.Kind kind, String text) {
    Schema schema =
        SchemaRegistry.withDefaultDialect(SpecificationVersion.DRAFT_2020_12)
            .getSchema(kind.schema());

    assertThat(schema.validate(text, InputFormat.JSON)).isEmpty();
  }

  @Test
  void aSchemaOfNothingIsOneLine() {
    Run run = Run.of("schema");

    assertThat(run.code()).isEqualTo(2);
    assertThat(run.err())
        .startsWith("vpasid: of which files? Name one of quirks, function")
        .hasLineCount(1);
  }
}
