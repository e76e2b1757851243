package io.vpasid.guest.scenario;

import io.vpasid.pci.ConfigSpace;
import io.vpasid.synth.json.JsonCursor;
import io.vpasid.synth.json.JsonCursor.Place;
import io.vpasid.synth.json.Spelling;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/// The tokens of a scenario file, in which the name of a parameter may stand for a value: `"${p}"`
/// is the value that the matrix binds to `p`, or a number that is drawn when the scenario runs.
final class ParameterCursor {
  /// Most characters of a text.
  static final int MAX_TEXT = 400;

  /// The last offset of a configuration space.
  static final int OFFSET_MAX = ConfigSpace.EXTENDED_SIZE - 1;

  private static final Pattern NAME = Pattern.compile("\\$\\{([a-zA-Z][a-zA-Z0-9-]{0,39})}");

  /// The tokens themselves, for what is never a parameter.
  final JsonCursor json;

  private Bindings bindings;

  /// The numbers that a scenario has not yet: they are drawn when it runs.
  private final List<String> random = new ArrayList<>();

  ParameterCursor(JsonCursor json, Bindings bindings) {
    this.json = json;
    this.bindings = bindings;
  }

  Bindings bindings() {
    return bindings;
  }

  /// From now on `name` is `value`.
  void bind(String name, String value) {
    bindings = bindings.with(name, value);
  }

  /// From now on, until [#forgetRandom], `name` is a number that is drawn when the scenario runs.
  void addRandom(String name) {
    if (!isName(name) || bindings.knows(name) || random.contains(name)) {
      throw json.wrong(
          "the name "
              + JsonCursor.quote(name)
              + " is taken or no name; use letters, digits and '-'");
    }
    random.add(name);
  }

  void forgetRandom(String name) {
    random.remove(name);
  }

  /// Whether a parameter can have this name.
  static boolean isName(String text) {
    return NAME.matcher("${" + text + '}').matches();
  }

  /// The name that the current token refers to, if it does.
  private Optional<String> reference() {
    if (!json.isString()) {
      return Optional.empty();
    }
    String text = json.string("", "");
    Matcher m = NAME.matcher(text);
    if (!m.matches()) {
      return Optional.empty();
    }
    String name = m.group(1);
    List<String> known =
        Stream.concat(bindings.values().keySet().stream(), random.stream()).toList();
    if (!known.contains(name)) {
      throw json.wrong(
          "nothing here is called "
              + JsonCursor.quote(name)
              + Spelling.nearest(name, known)
                  .map(n -> "; did you mean " + JsonCursor.quote(n) + "?")
                  .orElse(
                      known.isEmpty()
                          ? "; add it to \"matrix\", in front"
                          : "; there are " + String.join(", ", known)));
    }
    return Optional.of(name);
  }

  /// A whole number, as such, in hexadecimal as a string, or by name.
  Value value(String what, int min, int max) {
    Place place = json.place();
    Optional<String> name = reference();
    if (name.isPresent() && random.contains(name.get())) {
      return Value.named(name.get(), place);
    }
    if (name.isPresent()) {
      return Value.of(bound(name.get(), what, min, max), place);
    }
    if (json.isString()) {
      return Value.of((int) json.hex(what, "0x180", Integer.toUnsignedLong(max)), place);
    }
    return Value.of(json.integer(what, min, max < 0 ? 999_999_999 : max), place);
  }

  private int bound(String name, String what, int min, int max) {
    String text = bindings.text(name);
    try {
      long number = Long.decode(text);
      if (number >= min && number <= Integer.toUnsignedLong(max)) {
        return (int) number;
      }
    } catch (NumberFormatException _) {
      // Falls through: a word is as wrong as a number out of range.
    }
    throw json.wrong(
        what
            + " must be a number from "
            + min
            + " to "
            + Integer.toUnsignedString(max)
            + ", and "
            + name
            + " is "
            + JsonCursor.quote(text));
  }

  /// A number that has to be known when the file is read.
  int known(String what, int min, int max) {
    Value value = value(what, min, max);
    json.require(
        value.place(),
        value.name().isEmpty(),
        what + " must be the same in each repetition, so it cannot be a random number");
    return value.number();
  }

  String text(String what) {
    Optional<String> name = reference();
    if (name.isPresent() && bindings.knows(name.get())) {
      return bindings.text(name.get());
    }
    return json.text(what, MAX_TEXT);
  }

  String word(String what, List<String> words) {
    Optional<String> name = reference();
    if (name.isEmpty()) {
      return json.word(what, words);
    }
    String word = bindings.text(name.get());
    if (!words.contains(word)) {
      throw json.wrong(
          what
              + " must be one of "
              + String.join(", ", words)
              + ", and "
              + name.get()
              + " is "
              + JsonCursor.quote(word));
    }
    return word;
  }

  boolean bool(String what) {
    return reference().isPresent()
        ? word(what, List.of("true", "false")).equals("true")
        : json.bool(what);
  }
}
