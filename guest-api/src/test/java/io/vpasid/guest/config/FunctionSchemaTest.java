package io.vpasid.guest.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import com.networknt.schema.InputFormat;
import com.networknt.schema.Schema;
import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.SpecificationVersion;
import io.vpasid.synth.json.JsonFileException;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;

/// What the schema says of a file is what the reader says of it.
class FunctionSchemaTest {
  private static final Schema SCHEMA =
      SchemaRegistry.withDefaultDialect(SpecificationVersion.DRAFT_2020_12)
          .getSchema(FunctionFileShape.file().schema());

  private static final String IDS =
      "{ \"format\": 1, \"vendor\": \"0x1\", \"device\": \"0xFFFF\", \"class\": \"0x88000\"";

  /// What follows the ids in files that are right.
  static final List<String> GOOD =
      List.of(
          "",
          "\"address\": \"0000:6a:01.0\", \"name\": \"ACME\", \"revision\": \"0x1\"",
          "\"subsystem\": \"0x1:0x2\", \"port\": \"endpoint\", \"$schema\": \"x\"",
          "\"ats\": true, \"pri\": false, \"pasid\": { \"width\": 1, \"exec\": true }",
          "\"bars\": [ { \"index\": 0, \"size\": \"4096\" },"
              + " { \"index\": 2, \"size\": \"64K\", \"type\": \"memory64\","
              + " \"prefetchable\": true } ],"
              + " \"msix\": { \"vectors\": 1, \"bar\": 2, \"table\": \"0x0\", \"pba\": \"0x800\" },"
              + " \"doorbell\": { \"bar\": 0, \"offset\": \"0x10\" }",
          "\"bars\": [ { \"index\": 1, \"size\": \"256\", \"type\": \"io\" } ]",
          "\"capabilities\": [ { \"extended\": \"0x3\", \"body\": \"0102 0304\" },"
              + " { \"standard\": \"0x9\", \"offset\": \"0xc0\" } ],"
              + " \"hidden\": [ { \"offset\": \"0xff8\", \"bytes\": \"de ad\" } ]");

  /// What follows the ids in files that are wrong in a way that a schema can say.
  static final List<String> BAD =
      List.of(
          "\"vectros\": 1",
          "\"address\": \"here\"",
          "\"name\": \"\"",
          "\"subsystem\": \"0x1\"",
          "\"port\": \"root\"",
          "\"revision\": \"0x100\"",
          "\"ats\": 1",
          "\"pasid\": {}",
          "\"pasid\": { \"width\": 21 }",
          "\"bars\": {}",
          "\"bars\": [ { \"index\": 6, \"size\": \"4K\" } ]",
          "\"bars\": [ { \"index\": 0, \"size\": \"4k\" } ]",
          "\"bars\": [ { \"index\": 0 } ]",
          "\"msix\": { \"vectors\": 0, \"bar\": 0, \"table\": \"0x0\", \"pba\": \"0x0\" }",
          "\"msix\": { \"vectors\": 1 }",
          "\"doorbell\": { \"bar\": 0 }",
          "\"capabilities\": [ {} ]",
          "\"capabilities\": [ { \"standard\": \"0x9\", \"extended\": \"0x3\" } ]",
          "\"capabilities\": [ { \"extended\": \"0x3\", \"version\": 16 } ]",
          "\"capabilities\": [ { \"extended\": \"0x3\", \"body\": \"0x12\" } ]",
          "\"hidden\": [ { \"offset\": \"0xff8\" } ]",
          "\"hidden\": [ { \"bytes\": \"00\" } ]");

  private static String file(String rest) {
    return IDS + (rest.isEmpty() ? "" : ", " + rest) + " }";
  }

  @ParameterizedTest
  @FieldSource("GOOD")
  void bothTakeWhatIsRight(String rest) {
    assertThat(SCHEMA.validate(file(rest), InputFormat.JSON)).isEmpty();
    assertThat(Descriptions.of(file(rest)).captured().config().size()).isEqualTo(4096);
  }

  @ParameterizedTest
  @FieldSource("BAD")
  void bothRefuseWhatIsWrong(String rest) {
    assertThat(SCHEMA.validate(file(rest), InputFormat.JSON)).isNotEmpty();
    assertThat(catchThrowable(() -> Descriptions.of(file(rest))))
        .isInstanceOf(JsonFileException.class);
  }
}
