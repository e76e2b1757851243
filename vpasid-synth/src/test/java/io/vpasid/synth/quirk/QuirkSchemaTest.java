package io.vpasid.synth.quirk;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import com.networknt.schema.InputFormat;
import com.networknt.schema.Schema;
import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.SpecificationVersion;
import io.vpasid.synth.json.JsonFileException;
import java.io.IOException;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// What the schema says of a file is what the reader says of it.
class QuirkSchemaTest {
  private static final String TEXT = QuirkFileShape.file().schema();
  private static final Schema SCHEMA =
      SchemaRegistry.withDefaultDialect(SpecificationVersion.DRAFT_2020_12).getSchema(TEXT);

  private static final String HEAD = "\"id\": \"a\", \"name\": \"n\", \"source\": \"s\", ";

  /// Quirks that are right, without id, name and source.
  static final List<String> GOOD =
      List.of(
          "\"match\": { \"vendor\": \"0x1\" }, \"exec\": false",
          "\"match\": { \"vendor\": \"0x0010DE\" }, \"priv\": false, \"notes\": \"größer\"",
          "\"match\": { \"class\": \"0x0300xx\" }, \"refuse\": \"r\"",
          "\"match\": { \"class\": [\"0x0300xx\", \"0xxxxx01\"] }, \"maxWidth\": 1",
          "\"match\": [ { \"vendor\": \"0x1\" }, { \"vendor\": \"0x2\" } ], \"maxWidth\": 20",
          "\"match\": { \"vendor\": \"0xffff\", \"device\": [\"0x1-0xffff\"] }, \"place\":"
              + " \"0x100\"",
          "\"match\": { \"vendor\": \"0x1\", \"device\": \"0x1\" }, \"place\": \"0xff8\"",
          "\"match\": { \"vendor\": \"0x1\", \"subsystem\": \"0x1:0x2\" }, \"place\": \"0x0FAC\"",
          "\"match\": { \"vendor\": \"0x1\", \"subsystem\": [\"0x1\"] }, \"available\": \"0x100\"",
          "\"match\": { \"vendor\": \"0x1\", \"revision\": \"0xa0-0xff\" }, \"shadow\":"
              + " \"0x100-0xfff\"",
          "\"match\": { \"vendor\": \"0x1\", \"function\": \"virtual\" }, \"shadow\":"
              + " [\"0x100-0x1ff\"]",
          hidden("\"offset\": \"0x0\", \"length\": 4096, \"what\": \"w\""),
          hidden(
              "\"offset\": \"0xff\", \"length\": \"0x1\", \"what\": \"w\", \"access\":"
                  + " \"unknown\""),
          hidden("\"offset\": \"0x0c\", \"mask\": \"0x00000001\", \"what\": \"w\""),
          hidden(
              "\"offset\": \"0x4\", \"mask\": \"0xFFFFFFFF\", \"what\": \"w\", \"evidence\":"
                  + " \"observed\""));

  /// Quirks that are wrong in a way that a schema can say.
  static final List<String> BAD =
      List.of(
          "\"exec\": false",
          "\"match\": { \"vendor\": \"0x1\" }",
          "\"match\": {}, \"exec\": false",
          "\"match\": [], \"exec\": false",
          "\"match\": { \"vendor\": 1 }, \"exec\": false",
          "\"match\": { \"vendor\": \"1\" }, \"exec\": false",
          "\"match\": { \"vendor\": \"0x10000\" }, \"exec\": false",
          "\"match\": { \"vendor\": [\"0x1\"] }, \"exec\": false",
          "\"match\": { \"class\": \"0x03xxxx\", \"device\": \"0x1\" }, \"exec\": false",
          "\"match\": { \"class\": \"0x03\" }, \"exec\": false",
          "\"match\": { \"class\": \"0xxxxxxx\" }, \"exec\": false",
          "\"match\": { \"vendor\": \"0x1\", \"device\": [] }, \"exec\": false",
          "\"match\": { \"vendor\": \"0x1\", \"device\": \"0x1-\" }, \"exec\": false",
          "\"match\": { \"vendor\": \"0x1\", \"subsystem\": \"0x1:*\" }, \"exec\": false",
          "\"match\": { \"vendor\": \"0x1\", \"revision\": \"0x100\" }, \"exec\": false",
          "\"match\": { \"vendor\": \"0x1\", \"function\": \"vf\" }, \"exec\": false",
          "\"match\": { \"vendr\": \"0x1\" }, \"exec\": false",
          "\"match\": { \"vendor\": \"0x1\" }, \"exec\": true",
          "\"match\": { \"vendor\": \"0x1\" }, \"priv\": 0",
          "\"match\": { \"vendor\": \"0x1\" }, \"maxWidth\": 0",
          "\"match\": { \"vendor\": \"0x1\" }, \"maxWidth\": 21",
          "\"match\": { \"vendor\": \"0x1\" }, \"maxWidth\": \"0x10\"",
          "\"match\": { \"vendor\": \"0x1\" }, \"place\": \"0xfc\"",
          "\"match\": { \"vendor\": \"0x1\" }, \"place\": \"0xffc\"",
          "\"match\": { \"vendor\": \"0x1\" }, \"place\": \"0x0FFC\"",
          "\"match\": { \"vendor\": \"0x1\" }, \"place\": \"0x102\"",
          "\"match\": { \"vendor\": \"0x1\" }, \"place\": \"0x1000\"",
          "\"match\": { \"vendor\": \"0x1\" }, \"place\": 256",
          "\"match\": { \"vendor\": \"0x1\" }, \"available\": []",
          "\"match\": { \"vendor\": \"0x1\" }, \"available\": \"0xff-0x1ff\"",
          "\"match\": { \"vendor\": \"0x1\" }, \"shadow\": \"0x100-0x1000\"",
          "\"match\": { \"vendor\": \"0x1\" }, \"refuse\": \"\"",
          "\"match\": { \"vendor\": \"0x1\" }, \"refuse\": \" \"",
          "\"match\": { \"vendor\": \"0x1\" }, \"refuse\": \"a\\nb\"",
          "\"match\": { \"vendor\": \"0x1\" }, \"refuse\": \"\\u202e\"",
          "\"match\": { \"vendor\": \"0x1\" }, \"refuse\": \"" + "x".repeat(4_001) + "\"",
          "\"match\": { \"vendor\": \"0x1\" }, \"exec\": false, \"more\": 1",
          "\"match\": { \"vendor\": \"0x1\" }, \"hidden\": []",
          hidden("\"offset\": \"0x40\", \"what\": \"w\""),
          hidden("\"offset\": \"0x40\", \"length\": 4"),
          hidden("\"length\": 4, \"what\": \"w\""),
          hidden("\"offset\": \"0x40\", \"length\": 4, \"mask\": \"0x1\", \"what\": \"w\""),
          hidden("\"offset\": 64, \"length\": 4, \"what\": \"w\""),
          hidden("\"offset\": \"0x1000\", \"length\": 4, \"what\": \"w\""),
          hidden("\"offset\": \"0x40\", \"length\": 0, \"what\": \"w\""),
          hidden("\"offset\": \"0x40\", \"length\": \"0x00\", \"what\": \"w\""),
          hidden("\"offset\": \"0x40\", \"length\": 4097, \"what\": \"w\""),
          hidden("\"offset\": \"0x41\", \"mask\": \"0x1\", \"what\": \"w\""),
          hidden("\"offset\": \"0x40\", \"mask\": \"0x000\", \"what\": \"w\""),
          hidden("\"offset\": \"0x40\", \"mask\": \"0x100000000\", \"what\": \"w\""),
          hidden("\"offset\": \"0x40\", \"mask\": 1, \"what\": \"w\""),
          hidden("\"offset\": \"0x40\", \"length\": 4, \"what\": \"w\", \"access\": \"wo\""),
          hidden(
              "\"offset\": \"0x40\", \"length\": 4, \"what\": \"w\", \"evidence\": \"unstated\""));

  /// Whole files that are wrong in a way that a schema can say.
  static final List<String> BAD_FILES =
      List.of(
          "[]",
          "{}",
          "{ \"format\": 1 }",
          "{ \"quirks\": [] }",
          "{ \"format\": 2, \"quirks\": [] }",
          "{ \"format\": \"1\", \"quirks\": [] }",
          "{ \"format\": 1, \"quirks\": {} }",
          "{ \"format\": 1, \"quirks\": [ 1 ] }",
          "{ \"format\": 1, \"quirks\": [], \"$schema\": 1 }",
          "{ \"format\": 1, \"quirks\": [], \"vendor\": \"0x1\" }",
          "{ \"format\": 1, \"quirks\": [ { \"id\": \"A\", \"name\": \"n\", \"source\": \"s\","
              + " \"match\": { \"vendor\": \"0x1\" }, \"exec\": false } ] }",
          "{ \"format\": 1, \"quirks\": [ { \"id\": \"a\", \"name\": \"n\","
              + " \"match\": { \"vendor\": \"0x1\" }, \"exec\": false } ] }",
          "{ \"format\": 1, \"quirks\": [ { \"id\": \"a\", \"source\": \"s\","
              + " \"match\": { \"vendor\": \"0x1\" }, \"exec\": false } ] }",
          "{ \"format\": 1, \"quirks\": [ { \"name\": \"n\", \"source\": \"s\","
              + " \"match\": { \"vendor\": \"0x1\" }, \"exec\": false } ] }");

  private static String hidden(String item) {
    return "\"match\": { \"vendor\": \"0x1\" }, \"hidden\": { " + item + " }";
  }

  private static String file(String quirk) {
    return "{ \"format\": 1, \"quirks\": [ { " + HEAD + quirk + " } ] }";
  }

  @ParameterizedTest
  @FieldSource("GOOD")
  void bothTakeWhatIsRight(String quirk) {
    assertThat(SCHEMA.validate(file(quirk), InputFormat.JSON)).isEmpty();
    assertThat(QuirkFiles.read(file(quirk))).hasSize(1);
  }

  @ParameterizedTest
  @FieldSource("BAD")
  void bothRefuseWhatIsWrong(String quirk) {
    assertThat(SCHEMA.validate(file(quirk), InputFormat.JSON)).isNotEmpty();
    assertThat(catchThrowable(() -> QuirkFiles.read(file(quirk))))
        .isInstanceOf(JsonFileException.class);
  }

  @ParameterizedTest
  @FieldSource("BAD_FILES")
  void bothRefuseFilesThatAreWrong(String file) {
    assertThat(SCHEMA.validate(file, InputFormat.JSON)).isNotEmpty();
    assertThat(catchThrowable(() -> QuirkFiles.read(file))).isInstanceOf(JsonFileException.class);
  }

  @ParameterizedTest
  @FieldSource("io.vpasid.synth.quirk.BuiltInFiles#NAMES")
  void theBuiltInFilesAreValid(String name) throws IOException {
    try (var in = BuiltInFiles.class.getResourceAsStream("built-in/" + name)) {
      JsonNode file = JsonMapper.shared().readTree(in);

      assertThat(SCHEMA.validate(file)).isEmpty();
    }
  }
}
