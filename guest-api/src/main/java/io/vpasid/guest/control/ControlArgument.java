package io.vpasid.guest.control;

import io.vpasid.synth.json.Key;
import io.vpasid.synth.json.Shape;
import java.util.stream.Collectors;
import tools.jackson.databind.JsonNode;

/// An argument of a control command.
///
/// @param name its key in `arguments`
/// @param kind what values it takes
/// @param required whether it must be there
/// @param description what it says
public record ControlArgument(String name, Kind kind, boolean required, String description) {

  /// The kind of value that an argument takes.
  public enum Kind {
    /// A string.
    TEXT("string"),
    /// A whole number, or a string with a hexadecimal one such as `"0x180"`.
    NUMBER("number"),
    /// `true` or `false`.
    FLAG("boolean"),
    /// A string, or a list of strings.
    TEXTS("strings"),
    /// A whole number, or a list of whole numbers.
    NUMBERS("numbers"),
    /// An address space: the number that is its handle, or the string that is its name.
    SPACE("handle or name");

    private final String title;

    Kind(String title) {
      this.title = title;
    }

    /// The kind in a word, for documents.
    public String title() {
      return title;
    }
  }

  /// The arguments that are the keys of an object in a file of users.
  static ControlArgument[] of(Shape shape) {
    return shape.keys().stream().map(ControlArgument::of).toArray(ControlArgument[]::new);
  }

  private static ControlArgument of(Key<?> key) {
    JsonNode schema = key.describe();
    String words =
        schema.path("enum").valueStream().map(JsonNode::asString).collect(Collectors.joining(", "));
    return new ControlArgument(
        key.name(),
        kindOf(schema),
        key.isRequired(),
        key.description() + (words.isEmpty() ? "" : " One of " + words + "."));
  }

  private static Kind kindOf(JsonNode schema) {
    return switch (schema.path("type").asString("")) {
      case "boolean" -> Kind.FLAG;
      case "integer" -> Kind.NUMBER;
      default -> kindOfChoice(schema.path("anyOf"));
    };
  }

  /// @param forms a value alone, and a list of such; missing for text
  private static Kind kindOfChoice(JsonNode forms) {
    if (forms.isMissingNode()) {
      return Kind.TEXT;
    }
    return forms.path(0).path("type").asString("").equals("integer") ? Kind.NUMBERS : Kind.TEXTS;
  }

  static ControlArgument required(String name, Kind kind, String description) {
    return new ControlArgument(name, kind, true, description);
  }

  static ControlArgument optional(String name, Kind kind, String description) {
    return new ControlArgument(name, kind, false, description);
  }
}
