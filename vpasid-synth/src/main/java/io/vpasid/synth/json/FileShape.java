package io.vpasid.synth.json;

import java.util.List;
import tools.jackson.databind.node.ObjectNode;

/// The shape of a whole JSON file: one object that says with the key `format` which version of its
/// format it has, and with `$schema`, for editors, where its schema is.
public final class FileShape {
  /// The address of the schema.
  public static final Key<String> SCHEMA =
      Key.of(
          "$schema",
          Form.string("the schema's address"),
          "The address of this schema, for editors.");

  private final String name;
  private final String title;
  private final String description;
  private final String advice;
  private final int format;
  private final Key<Integer> formatKey;
  private final Shape shape;

  /// @param name of the schema, such as `quirks`
  /// @param title what such a file is
  /// @param description what is in it, in sentences
  /// @param advice what to do about an empty file
  /// @param format the version of the format that is known
  /// @param shape the other keys
  public FileShape(
      String name, String title, String description, String advice, int format, Shape shape) {
    this.name = name;
    this.title = title;
    this.description = description;
    this.advice = advice;
    this.format = format;
    formatKey =
        Key.of("format", known(format), "Version of the format.")
            .required("add \"format\": " + format);
    this.shape = shape.after(List.of(SCHEMA, formatKey));
  }

  private static Form<Integer> known(int known) {
    return Form.of(
        (json, what) -> {
          int format = json.integer(what, 1, 999_999_999);
          if (format != known) {
            throw json.wrong(
                "format " + format + " is not known here, only " + known + "; use a newer vpasid");
          }
          return format;
        },
        _ -> JsonSchema.node().put("const", known));
  }

  /// The file's keys, in the order of the table.
  Shape shape() {
    return shape;
  }

  /// Reads the whole text; wants the cursor in front of the first token.
  ///
  /// @throws JsonFileException if something is wrong with it
  public Fields read(JsonCursor json) {
    if (!json.next()) {
      throw json.wrong(new JsonCursor.Place(1, 1), "the file is empty; " + advice);
    }
    Fields fields = shape.fill(json, json.place());
    fields.require(fields.has(formatKey), "the file has no \"format\"; add \"format\": " + format);
    json.end();
    shape.check(fields);
    return fields;
  }

  /// The JSON Schema (draft 2020-12) of such files, for editors and other tools.
  public String schema() {
    return JsonSchema.text(describe(), "") + '\n';
  }

  /// A table of the keys of each object, for people to read, in Markdown.
  public String tables() {
    return KeyTables.of(describe());
  }

  private ObjectNode describe() {
    JsonSchema schema = new JsonSchema();
    ObjectNode body = shape.describe(schema);
    ObjectNode node = JsonSchema.node();
    node.put("$schema", "https://json-schema.org/draft/2020-12/schema");
    node.put("$id", "urn:vpasid:schema:%s:%d".formatted(name, format));
    node.put("title", title).put("description", description);
    node.setAll(body);
    ObjectNode definitions = schema.definitions();
    if (!definitions.isEmpty()) {
      node.set("$defs", definitions);
    }
    return node;
  }
}
