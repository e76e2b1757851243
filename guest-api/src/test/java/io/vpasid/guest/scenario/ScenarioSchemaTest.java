package io.vpasid.guest.scenario;

import static org.assertj.core.api.Assertions.assertThat;

import com.networknt.schema.InputFormat;
import com.networknt.schema.Schema;
import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.SpecificationVersion;
import io.vpasid.vmm.iommufd.simulated.IommuProfile;
import io.vpasid.vmm.iommufd.simulated.Request;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// What the published schema says of a scenario is what the reader says of it.
class ScenarioSchemaTest {
  private static final Path FILE = Path.of("../docs/scenario.schema.json");
  private static final String TEXT = text(FILE);
  private static final Schema SCHEMA =
      SchemaRegistry.withDefaultDialect(SpecificationVersion.DRAFT_2020_12).getSchema(TEXT);

  private static final JsonNode ROOT = new JsonMapper().readTree(TEXT);

  static List<Path> library() {
    return ScenarioBatch.files(List.of(Path.of("../scenarios")));
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
        "{ \"repeat\": { \"times\": 0, \"steps\": [ { \"enable\": { } } ] } }"
      })
  void wrongStepsAreInvalid(String step) {
    String scenario =
        "{ \"format\": 1, \"title\": \"t\", \"function\": \"f\", \"steps\": [ %s ] }"
            .formatted(step);

    assertThat(SCHEMA.validate(scenario, InputFormat.JSON)).isNotEmpty();
  }

  @Test
  void schemaAndReaderKnowTheSameKeysAndWords() {
    JsonNode properties = ROOT.get("properties");
    JsonNode actions = ROOT.at("/$defs/step/properties");

    assertThat(properties.propertyNames())
        .containsExactlyInAnyOrderElementsOf(ScenarioReader.FILE_KEYS);
    assertThat(properties.at("/host/properties").propertyNames())
        .containsExactlyInAnyOrderElementsOf(ScenarioReader.HOST_KEYS);
    assertThat(properties.at("/vmm/properties").propertyNames())
        .containsExactlyInAnyOrderElementsOf(ScenarioReader.VMM_KEYS);
    assertThat(actions.propertyNames()).containsExactlyInAnyOrderElementsOf(StepReader.ACTIONS);
    assertThat(words(properties.at("/host/properties/iommu")))
        .containsExactlyInAnyOrderElementsOf(IommuProfile.names());
    assertThat(words(actions.at("/fail/properties/request")))
        .containsExactlyInAnyOrderElementsOf(Request.titles());
    assertThat(words(actions.at("/await/properties/event")))
        .containsExactlyInAnyOrderElementsOf(StepReader.events());
    assertThat(words(actions.at("/read/properties/register")))
        .containsExactlyElementsOf(Register.NAMED.stream().map(Register::name).toList());
  }

  private static List<String> words(JsonNode property) {
    return property.at("/anyOf/0/enum").valueStream().map(JsonNode::asString).toList();
  }

  private static String text(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
