package io.vpasid.guest.scenario;

import static org.assertj.core.api.Assertions.assertThat;

import com.networknt.schema.InputFormat;
import com.networknt.schema.Schema;
import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.SpecificationVersion;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/// What the published schema says of a scenario is what the reader says of it.
class ScenarioSchemaTest {
  private static final Schema SCHEMA =
      SchemaRegistry.withDefaultDialect(SpecificationVersion.DRAFT_2020_12)
          .getSchema(ScenarioShape.file().schema());

  static List<Path> library() {
    return ScenarioFiles.read(List.of(Path.of("../scenarios")), "").scenarios().stream()
        .map(Scenario::file)
        .distinct()
        .toList();
  }

  @ParameterizedTest
  @MethodSource("library")
  void shippedScenariosAreValid(Path file) {
    assertThat(SCHEMA.validate(text(file), InputFormat.JSON)).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{ \"atach\": { } }",
        "{ }",
        "{ \"enable\": { }, \"disable\": { } }",
        "{ \"attach\": { \"pasid\": 1 } }",
        "{ \"attach\": { \"pasid\": 1, \"space\": \"a\", \"expect\": \"EWHAT\" } }",
        "{ \"read\": { \"value\": 1 } }",
        "{ \"read\": { \"register\": \"nothing\", \"value\": 1 } }",
        "{ \"fail\": { \"request\": \"nothing\" } }",
        "{ \"bind\": { \"pasid\": 1 } }",
        "{ \"bind\": { \"table\": \"a\", \"tell\": \"queue\", \"expect\": \"refused\" } }",
        "{ \"map\": { \"table\": \"a\", \"address\": \"0x800\" } }",
        "{ \"dma\": { \"address\": \"0x4\", \"read\": 0 } }",
        "{ \"dma\": { \"address\": \"0x8\", \"read\": 0, \"write\": 0 } }",
        "{ \"fault\": { \"reason\": \"whatever\" } }",
        "{ \"hostile\": { } }",
        "{ \"repeat\": { \"times\": 0, \"steps\": [ { \"enable\": { } } ] } }"
      })
  void wrongStepsAreInvalid(String step) {
    String scenario =
        "{ \"format\": 1, \"title\": \"t\", \"function\": \"f\", \"steps\": [ %s ] }"
            .formatted(step);

    assertThat(SCHEMA.validate(scenario, InputFormat.JSON)).isNotEmpty();
  }

  private static String text(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
