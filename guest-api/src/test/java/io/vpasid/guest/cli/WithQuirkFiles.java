package io.vpasid.guest.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.networknt.schema.Schema;
import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.SpecificationVersion;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.json.JsonMapper;

/// Quirk files, and a dump of the function that they are about, for the tests of a command.
abstract class WithQuirkFiles {
  static final JsonMapper MAPPER = new JsonMapper();

  @TempDir Path folder;

  String dump = "";

  @BeforeEach
  void writeDump() {
    dump = Inputs.demo(folder).toString();
  }

  String file(String name, String text) {
    try {
      return Files.writeString(folder.resolve(name), text).toString();
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  /// A file with these quirks.
  String quirks(String name, String... quirks) {
    return file(name, "{ \"format\": 1, \"quirks\": [\n" + String.join(",\n", quirks) + " ] }\n");
  }

  /// A quirk about f00d:0002, in a line.
  static String quirk(String id, String match, String effects) {
    return """
    { "id": "%s", "name": "ACME", "source": "made up", "match": { "vendor": "0xf00d"%s }, %s }\
    """
        .formatted(id, match, effects);
  }

  static String about2(String id, String effects) {
    return quirk(id, ", \"device\": \"0x0002\"", effects);
  }

  static final Schema SARIF =
      SchemaRegistry.withDefaultDialect(SpecificationVersion.DRAFT_7)
          .getSchema(ClassLoader.getSystemResourceAsStream("schema/sarif-schema-2.1.0.json"));

  static Run formatted(String[] command, String format) {
    return Run.of(Stream.concat(Stream.of(command), Stream.of(format)).toArray(String[]::new));
  }

  static void assertOneLine(Run run, String place) {
    assertThat(run.code()).isEqualTo(2);
    assertThat(run.out()).isEmpty();
    assertThat(run.err().lines()).hasSize(1);
    assertThat(run.err()).startsWith("vpasid: " + place);
  }
}
