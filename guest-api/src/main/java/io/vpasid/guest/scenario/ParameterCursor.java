package io.vpasid.guest.scenario;

import io.vpasid.synth.json.Form;
import io.vpasid.synth.json.JsonCursor;
import io.vpasid.synth.json.JsonSchema;
import io.vpasid.synth.json.Spelling;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import tools.jackson.databind.node.ObjectNode;

/// The tokens of a scenario file, in which the name of a parameter may stand for a value: `"${p}"`
/// is the value that the matrix binds to `p`, or a number that is drawn when the scenario runs.
///
/// Forms of texts and words take names by themselves, because this cursor reads them so; numbers
/// have forms of their own here.
final class ParameterCursor extends JsonCursor {
  /// Most characters of a text.
  static final int MAX_TEXT = 400;

  /// The pattern of the name of a parameter.
  static final String NAME = "[a-zA-Z][a-zA-Z0-9-]{0,39}";

  private static final Pattern REFERENCE = Pattern.compile("\\$\\{(" + NAME + ")\\}");

  /// The largest number that is written in decimal digits.
  private static final int MAX_DECIMAL = 999_999_999;

  private Bindings bindings;

  /// The numbers that a scenario has not yet: they are drawn when it runs.
  private final List<String> random = new ArrayList<>();

  /// Where the step starts that is being read.
  private Place step = new Place(1, 1);

  private final Path file;

  /// @param bindings the values of parameters, if they are chosen already
  ParameterCursor(Path file, int maxBytes, Bindings bindings) {
    super(JsonCursor.open(file, maxBytes));
    this.file = file;
    this.bindings = bindings;
  }

  /// A file that the scenario names, relative to its own folder.
  Path beside(String name) {
    Path folder = file.toAbsolutePath().getParent();
    return folder == null ? Path.of(name) : folder.resolve(name);
  }

  Bindings bindings() {
    return bindings;
  }

  /// From now on the parameters have their first values, unless others are chosen.
  void bindFirst(Map<String, List<String>> matrix) {
    if (bindings.values().isEmpty()) {
      matrix.forEach((name, values) -> bindings = bindings.with(name, values.getFirst()));
    }
  }

  /// Where the step starts that is being read.
  Place step() {
    return step;
  }

  /// A step starts at the current token.
  void beginStep() {
    step = place();
  }

  /// From now on, until [#forgetRandom], `name` is a number that is drawn when the scenario runs.
  void addRandom(String name) {
    if (!isName(name) || bindings.knows(name) || random.contains(name)) {
      throw wrong("the name " + quote(name) + " is taken or no name; use letters, digits and '-'");
    }
    random.add(name);
  }

  /// How many such numbers there are.
  int randomNumbers() {
    return random.size();
  }

  /// Forgets all but the first `count` of them.
  void forgetRandom(int count) {
    random.subList(count, random.size()).clear();
  }

  /// True if a parameter can have this name.
  static boolean isName(String text) {
    return REFERENCE.matcher("${" + text + '}').matches();
  }

  /// The name that the current token refers to, if it does.
  private Optional<String> reference() {
    if (!isString()) {
      return Optional.empty();
    }
    String text = string("", "");
    Matcher m = REFERENCE.matcher(text);
    if (!m.matches()) {
      return Optional.empty();
    }
    String name = m.group(1);
    List<String> known =
        Stream.concat(bindings.values().keySet().stream(), random.stream()).toList();
    if (!known.contains(name)) {
      throw wrong(
          "nothing here is called %s; %s"
              .formatted(
                  quote(name),
                  Spelling.nearest(name, known)
                      .map(n -> "did you mean " + quote(n) + "?")
                      .orElse(
                          known.isEmpty()
                              ? "add it to \"matrix\", in front"
                              : "there are " + String.join(", ", known))));
    }
    return Optional.of(name);
  }

  private Value value(String what, int min, int max) {
    Place place = place();
    Optional<String> name = reference();
    if (name.isPresent() && random.contains(name.get())) {
      return Value.named(name.get(), place);
    }
    if (name.isPresent()) {
      return Value.of(bound(name.get(), what, min, max), place);
    }
    if (isString()) {
      String text = string(what, "");
      if (!text.matches("0[xX].*")) {
        throw wrong(
            text.matches("\\d+")
                ? "%s must be a number: write %s, without quotes".formatted(what, text)
                : "%s must be a number such as 1, or \"0x1\" in hexadecimal, not %s"
                    .formatted(what, quote(text)));
      }
      return Value.of((int) hex(what, "0x1", Integer.toUnsignedLong(max)), place);
    }
    return Value.of(integer(what, min, max < 0 ? MAX_DECIMAL : max), place);
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
    throw wrong(
        "%s must be a number from %s to %s, and %s is %s"
            .formatted(what, min, Integer.toUnsignedString(max), name, quote(text)));
  }

  @Override
  public String text(String what, int max) {
    Optional<String> name = reference();
    return name.isPresent() && bindings.knows(name.get())
        ? bindings.text(name.get())
        : super.text(what, max);
  }

  @Override
  public String word(String what, List<String> words) {
    Optional<String> name = reference();
    if (name.isEmpty()) {
      return super.word(what, words);
    }
    String word = bindings.text(name.get());
    if (!words.contains(word)) {
      throw wrong(
          "%s must be one of %s, and %s is %s"
              .formatted(what, String.join(", ", words), name.get(), quote(word)));
    }
    return word;
  }

  @Override
  public boolean bool(String what) {
    return reference().isPresent()
        ? word(what, List.of("true", "false")).equals("true")
        : super.bool(what);
  }

  // The forms of scenario files

  /// A whole number, as such, in hexadecimal as a string, or by name.
  ///
  /// @param max -1 for any 32 bits
  static Form<Value> number(int min, int max) {
    return Form.of(
        (json, what) -> ((ParameterCursor) json).value(what, min, max),
        schema ->
            JsonSchema.anyOf(
                Form.integer(min, max < 0 ? MAX_DECIMAL : max).describe(schema),
                Form.hex("0x1", Integer.toUnsignedLong(max)).describe(schema),
                reference(schema)));
  }

  /// A number that has to be known when the file is read.
  static Form<Integer> known(int min, int max) {
    return number(min, max)
        .check((value, json, what) -> {
          json.require(
              value.place(),
              value.name().isEmpty(),
              what + " must be the same in each repetition, so it cannot be a random number");
          return value.number();
        });
  }

  static Form<String> text() {
    return Form.text(MAX_TEXT).named("text");
  }

  /// `true` or `false`, or a name that is one of them.
  static Form<Boolean> flag() {
    return orName(Form.bool());
  }

  /// A word, or a name that stands for one.
  static <T> Form<T> orName(Form<T> form) {
    return Form.of(
        form::read, schema -> JsonSchema.anyOf(form.describe(schema), reference(schema)));
  }

  private static ObjectNode reference(JsonSchema schema) {
    return Form.of(JsonCursor::scalar, _ -> JsonSchema.string("\\$\\{" + NAME + "\\}"))
        .with("description", "What a name of the matrix, or of a random number, stands for.")
        .with("examples", List.of("${name}"))
        .named("name")
        .describe(schema);
  }
}
