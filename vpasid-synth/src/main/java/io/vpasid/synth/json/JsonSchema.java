package io.vpasid.synth.json;

import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/// A JSON Schema (draft 2020-12) while it is made of the shapes of a file: what is described once
/// and referred to by name.
public final class JsonSchema {
  private static final int LINE = 100;

  private final ObjectNode definitions = node();
  private final Set<String> names = new TreeSet<>();

  JsonSchema() {}

  /// An object without members.
  public static ObjectNode node() {
    return JsonNodeFactory.instance.objectNode();
  }

  /// A string in the form of a pattern.
  public static ObjectNode string(String pattern) {
    return node().put("type", "string").put("pattern", whole(pattern));
  }

  /// A pattern that is that of the whole string.
  static String whole(String pattern) {
    return "^" + pattern + "$";
  }

  /// One of several.
  public static ObjectNode anyOf(ObjectNode... alternatives) {
    return node().set("anyOf", JsonNodeFactory.instance.arrayNode().addAll(List.of(alternatives)));
  }

  /// A list of words.
  public static ArrayNode list(List<String> words) {
    ArrayNode list = JsonNodeFactory.instance.arrayNode();
    words.forEach(list::add);
    return list;
  }

  static JsonNode value(Object value) {
    return JsonMapper.shared().valueToTree(value);
  }

  static ObjectNode parse(String object) {
    return (ObjectNode) JsonMapper.shared().readTree(object);
  }

  /// Refers to what is described once, and describes it if nothing has yet.
  ObjectNode reference(String name, Supplier<ObjectNode> description) {
    if (names.add(name)) {
      ObjectNode described = description.get();
      definitions.set(name, described);
    }
    return node().put("$ref", "#/$defs/" + name);
  }

  /// The definitions that are referred to, by name in the order of the alphabet.
  ObjectNode definitions() {
    ObjectNode sorted = node();
    names.forEach(name -> sorted.set(name, definitions.get(name)));
    return sorted;
  }

  /// A document as people read it: words, and what fits in a line, are in one.
  static String text(JsonNode node, String indent) {
    String line = line(node);
    boolean fits = indent.length() + line.length() <= LINE && !nests(node);
    boolean words = !node.isObject() && node.valueStream().allMatch(JsonNode::isValueNode);
    if (fits || words) {
      return line;
    }
    String inner = indent + "  ";
    if (node.isArray()) {
      return node.valueStream()
          .map(item -> inner + text(item, inner))
          .collect(Collectors.joining(",\n", "[\n", "\n" + indent + "]"));
    }
    return node.propertyStream()
        .map(member ->
            "%s\"%s\": %s".formatted(inner, member.getKey(), text(member.getValue(), inner)))
        .collect(Collectors.joining(",\n", "{\n", "\n" + indent + "}"));
  }

  private static boolean nests(JsonNode object) {
    return object.has("description") || object.has("properties");
  }

  private static String line(JsonNode node) {
    if (node.isObject() && !node.isEmpty()) {
      return node.propertyStream()
          .map(member -> "\"%s\": %s".formatted(member.getKey(), line(member.getValue())))
          .collect(Collectors.joining(", ", "{ ", " }"));
    }
    if (node.isArray()) {
      return node.valueStream().map(JsonSchema::line).collect(Collectors.joining(", ", "[", "]"));
    }
    return node.toString();
  }
}
