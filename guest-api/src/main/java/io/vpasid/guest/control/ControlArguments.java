package io.vpasid.guest.control;

import io.vpasid.guest.control.ControlArgument.Kind;
import io.vpasid.synth.json.Spelling;
import io.vpasid.synth.json.Unprintable;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/// The arguments of one command, which are those of the table and of the right kinds.
public final class ControlArguments {
  private final ControlCommand command;
  private final ObjectNode values;

  private ControlArguments(ControlCommand command, ObjectNode values) {
    this.command = command;
    this.values = values;
  }

  /// Checks arguments that a client sent.
  ///
  /// @throws ControlException if there is an unknown one, one is missing or of another kind
  static ControlArguments check(ControlCommand command, ObjectNode values) {
    for (String name : values.propertyNames()) {
      ControlArgument argument = command.argument(name).orElseThrow(() -> unknown(command, name));
      if (!isOf(argument.kind(), values.get(name))) {
        throw ControlException.generic(
            "the argument '%s' of %s must be %s, not %s"
                .formatted(name, command.title(), form(argument.kind()), shown(values.get(name))));
      }
    }
    for (ControlArgument argument : command.arguments()) {
      if (argument.required() && !values.has(argument.name())) {
        throw ControlException.generic(
            "%s needs the argument '%s': %s"
                .formatted(command.title(), argument.name(), argument.description()));
      }
    }
    return new ControlArguments(command, values);
  }

  private static ControlException unknown(ControlCommand command, String name) {
    List<String> names = command.arguments().stream().map(ControlArgument::name).toList();
    String there =
        names.isEmpty()
            ? "it takes none"
            : Spelling.nearest(name, names)
                .map(near -> "did you mean '" + near + "'?")
                .orElse("there are " + String.join(", ", names));
    return ControlException.generic(
        command.title() + " has no argument '" + printable(name) + "'; " + there);
  }

  private static boolean isOf(Kind kind, JsonNode value) {
    return switch (kind) {
      case TEXT -> value.isString();
      case NUMBER -> number(value).isPresent();
      case FLAG -> value.isBoolean();
      case TEXTS ->
          value.isString() || (value.isArray() && value.valueStream().allMatch(JsonNode::isString));
      case NUMBERS ->
          number(value).isPresent()
              || (value.isArray() && value.valueStream().allMatch(v -> number(v).isPresent()));
      case SPACE -> value.isString() || value.isIntegralNumber();
    };
  }

  private static String form(Kind kind) {
    return switch (kind) {
      case TEXT -> "a string";
      case NUMBER -> "a whole number such as 1, or \"0x1\" in hexadecimal";
      case FLAG -> "true or false";
      case TEXTS -> "a string or a list of strings";
      case NUMBERS -> "a whole number or a list of whole numbers";
      case SPACE -> "a handle, which is a number, or a name";
    };
  }

  /// A whole number from 0 to 2^32 - 1; empty for anything else.
  private static Optional<Long> number(JsonNode value) {
    long number = -1;
    if (value.isIntegralNumber() && value.canConvertToLong()) {
      number = value.longValue();
    } else if (value.isString() && value.stringValue().matches("0[xX][0-9a-fA-F]{1,8}")) {
      number = Long.parseLong(value.stringValue().substring(2), 16);
    }
    return number >>> 32 == 0 ? Optional.of(number) : Optional.empty();
  }

  private static String shown(JsonNode value) {
    return printable(value.toString());
  }

  /// At most 40 characters of a text, with a question mark for what a terminal could take for a
  /// command.
  public static String printable(String text) {
    String shown = text.length() > 40 ? text.substring(0, 40) + "…" : text;
    return Unprintable.marked(shown);
  }

  /// The value of a required text.
  public String text(String name) {
    return values.required(name).stringValue();
  }

  /// The value of an optional text.
  public Optional<String> optionalText(String name) {
    return Optional.ofNullable(values.get(name)).map(JsonNode::stringValue);
  }

  /// The values of an optional list of texts; empty if it is not there.
  public Optional<List<String>> texts(String name) {
    JsonNode value = values.get(name);
    if (value == null) {
      return Optional.empty();
    }
    List<String> texts = new ArrayList<>();
    if (value.isString()) {
      texts.add(value.stringValue());
    } else {
      value.forEach(text -> texts.add(text.stringValue()));
    }
    return Optional.of(texts);
  }

  /// The value of a required number.
  ///
  /// @param max the highest that it may be, up to 2^32 - 1
  /// @throws ControlException if it is higher
  public long number(String name, long max) {
    return optionalNumber(name, 0, max).orElseThrow();
  }

  /// The value of an optional number.
  ///
  /// @throws ControlException if it is out of its range
  public Optional<Long> optionalNumber(String name, long min, long max) {
    Optional<Long> number = Optional.ofNullable(values.get(name)).flatMap(ControlArguments::number);
    if (number.isPresent() && (number.get() < min || number.get() > max)) {
      throw ControlException.generic(
          "the argument '%s' of %s must be from %s to %s, not %s"
              .formatted(name, command.title(), min, max, shown(values.required(name))));
    }
    return number;
  }

  /// The value of an optional flag; false if it is not there.
  public boolean flag(String name) {
    JsonNode value = values.get(name);
    return value != null && value.booleanValue();
  }

  /// The value of a required address space: a handle or a name.
  public JsonNode space(String name) {
    return values.required(name);
  }

  /// A copy of all of them.
  public ObjectNode values() {
    return values.deepCopy();
  }

  /// All of them as a JSON text.
  public String json() {
    return values.toString();
  }

  /// The value that stands for an argument as it is written on a command line.
  ///
  /// @param text decimal or hexadecimal for a number, `true` or `false` for a flag, a list with
  ///   commas
  static JsonNode ofText(Kind kind, String text) {
    JsonNodeFactory json = JsonNodeFactory.instance;
    return switch (kind) {
      case TEXT -> json.stringNode(text);
      case NUMBER, SPACE -> numberOrText(text);
      case FLAG ->
          switch (text.toLowerCase(Locale.ROOT)) {
            case "true", "yes", "on" -> json.booleanNode(true);
            case "false", "no", "off" -> json.booleanNode(false);
            default -> json.stringNode(text);
          };
      case TEXTS -> listOf(text, json::stringNode);
      case NUMBERS -> listOf(text, ControlArguments::numberOrText);
    };
  }

  private static JsonNode numberOrText(String text) {
    return text.matches("[0-9]{1,18}")
        ? JsonNodeFactory.instance.numberNode(Long.parseLong(text))
        : JsonNodeFactory.instance.stringNode(text);
  }

  private static JsonNode listOf(String text, Function<String, JsonNode> item) {
    ArrayNode list = JsonNodeFactory.instance.arrayNode();
    for (String one : text.split(",", -1)) {
      list.add(item.apply(one.strip()));
    }
    return list;
  }

  @Override
  public String toString() {
    return command.title()
        + values
            .propertyStream()
            .map(e -> " " + e.getKey() + "=" + e.getValue())
            .collect(Collectors.joining());
  }
}
