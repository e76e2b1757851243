package io.vpasid.guest.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

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

  @Test
  void aSchemaOfNothingIsOneLine() {
    Run run = Run.of("schema");

    assertThat(run.code()).isEqualTo(2);
    assertThat(run.err())
        .startsWith("vpasid: of which files? Name one of quirks, function")
        .hasLineCount(1);
  }
}
