package io.vpasid.synth.json;

import java.util.HashSet;
import java.util.Set;
import java.util.stream.Collectors;
import tools.jackson.databind.JsonNode;

/// Tables in Markdown of the keys of each object, as its schema has them.
final class KeyTables {
  private final JsonNode schema;
  private final StringBuilder text = new StringBuilder();
  private final Set<String> described = new HashSet<>();

  private KeyTables(JsonNode schema) {
    this.schema = schema;
  }

  /// The tables of a schema, that of the file first, each object where it is first named.
  static String of(JsonNode schema) {
    KeyTables tables = new KeyTables(schema);
    String title = schema.path("title").asString();
    tables.text.append("## %s\n\n%s\n\n".formatted(title, schema.path("description").asString()));
    tables.table(schema);
    return tables.text.toString();
  }

  private void table(JsonNode object) {
    Set<String> required =
        object.path("required").valueStream().map(JsonNode::asString).collect(Collectors.toSet());
    text.append("| key | value | |\n|---|---|---|\n");
    for (var property : object.path("properties").properties()) {
      JsonNode value = property.getValue();
      text.append(
          "| `%s`%s | %s | %s |\n"
              .formatted(
                  property.getKey(),
                  required.contains(property.getKey()) ? ", required" : "",
                  value(value),
                  escaped(
                      value.path("description").asString("")
                          + (value.has("default")
                              ? " Default: " + code(value.get("default"))
                              : ""))));
    }
    text.append('\n');
    object
        .path("properties")
        .properties()
        .forEach(member -> nested(member.getKey(), member.getValue()));
  }

  /// The tables of objects that a value may be, or hold.
  private void nested(String key, JsonNode value) {
    if (value.has("$ref")) {
      if (described.add(value.get("$ref").asString())) {
        nested(key, resolved(value));
      }
    } else if (!value.path("properties").isEmpty()) {
      text.append("### `%s`\n\n".formatted(key));
      table(value);
    }
    value.path("anyOf").forEach(alternative -> nested(key, alternative));
    if (value.has("items")) {
      nested(key, value.get("items"));
    }
  }

  private JsonNode resolved(JsonNode reference) {
    return schema.at(reference.get("$ref").asString().substring(1));
  }

  /// The values that are permitted, in a few words.
  private String value(JsonNode node) {
    if (node.has("$ref")) {
      return value(resolved(node));
    }
    if (node.has("anyOf")) {
      return node.get("anyOf")
          .valueStream()
          .map(this::value)
          .distinct()
          .collect(Collectors.joining(" or "));
    }
    if (node.has("enum")) {
      return node.get("enum").valueStream().map(KeyTables::code).collect(Collectors.joining(", "));
    }
    if (node.has("const")) {
      return code(node.get("const"));
    }
    return switch (node.path("type").asString("")) {
      case "array" -> "list";
      case "boolean" -> "`true`, `false`";
      case "integer" ->
          "%s to %s".formatted(node.path("minimum").asString(), node.path("maximum").asString());
      case "string" -> node.has("examples") ? code(node.get("examples").get(0)) : "string";
      default -> "object";
    };
  }

  private static String code(JsonNode value) {
    return "`" + (value.isString() ? escaped(value.asString()) : value) + "`";
  }

  private static String escaped(String text) {
    return text.replace("|", "\\|");
  }
}
