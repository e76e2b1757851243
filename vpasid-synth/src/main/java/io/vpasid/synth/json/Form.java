package io.vpasid.synth.json;

import io.vpasid.pci.ByteRange;
import io.vpasid.pci.ConfigSpace;
import io.vpasid.synth.json.JsonCursor.Range;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import tools.jackson.databind.node.ObjectNode;

/// Form of a value in a JSON file: a cursor is read by it, and the file's schema says it.
///
/// @param <T> what it is read as
public interface Form<T> {
  /// Digits of a hexadecimal number, in a schema's pattern.
  String DIGIT = "[0-9a-fA-F]";

  /// Reads the value that starts at the current token, and leaves the cursor on its last.
  ///
  /// @param what how messages call it, such as `"offset"` with its quotes
  /// @throws JsonFileException if it is something else
  T read(JsonCursor json, String what);

  /// The JSON Schema of it.
  ObjectNode describe(JsonSchema schema);

  /// Reads something and says what it has to be.
  @FunctionalInterface
  interface Reader<T> {
    /// Reads a value, as [Form#read].
    T read(JsonCursor json, String what);
  }

  /// Makes something of a value, with the cursor on the value's last token.
  @FunctionalInterface
  interface Conversion<T, R> {
    /// Makes something of it.
    ///
    /// @throws JsonFileException if nothing can be made of it
    R convert(T value, JsonCursor json, String what);
  }

  /// The form of what `reader` reads.
  ///
  /// @param description what a schema says of it, a new object each time
  static <T> Form<T> of(Reader<T> reader, Function<JsonSchema, ObjectNode> description) {
    return new Form<>() {
      @Override
      public T read(JsonCursor json, String what) {
        return reader.read(json, what);
      }

      @Override
      public ObjectNode describe(JsonSchema schema) {
        return description.apply(schema);
      }
    };
  }

  /// One line of text, at least one character of which can be seen.
  ///
  /// @param max most characters
  static Form<String> text(int max) {
    String printable = "[^" + Unprintable.CLASS + "]";
    return of(
        (json, what) -> json.text(what, max),
        _ ->
            JsonSchema.string(printable + "*[^\\s" + Unprintable.CLASS + "]" + printable + "*")
                .put("maxLength", max));
  }

  /// Any string.
  ///
  /// @param form what it should hold, for the message when it is no string at all
  static Form<String> string(String form) {
    return of(
        (json, what) -> json.string(what, form), _ -> JsonSchema.node().put("type", "string"));
  }

  /// A string in the form of `pattern`.
  ///
  /// @param form an example in quotes, for the message when it has another form
  static Form<Matcher> matching(Pattern pattern, String form) {
    return of(
        (json, what) -> json.matcher(pattern, what, form),
        _ -> JsonSchema.string(pattern.pattern()));
  }

  /// A name in the form of `pattern`.
  ///
  /// @param example in words, for the message when it is no string
  /// @param rule what must be true of it, for the message when it has another form
  static Form<String> name(Pattern pattern, String example, String rule) {
    return of(
        (json, what) -> {
          String name = json.string(what, example);
          if (!pattern.matcher(name).matches()) {
            throw json.wrong(
                "the %s %s %s".formatted(what.replace("\"", ""), JsonCursor.quote(name), rule));
          }
          return name;
        },
        _ -> JsonSchema.string(pattern.pattern()));
  }

  /// `true` or `false`.
  static Form<Boolean> bool() {
    return of(JsonCursor::bool, _ -> JsonSchema.node().put("type", "boolean"));
  }

  /// A whole number from `min` to `max`.
  static Form<Integer> integer(int min, int max) {
    return of(
        (json, what) -> json.integer(what, min, max),
        _ -> JsonSchema.node().put("type", "integer").put("minimum", min).put("maximum", max));
  }

  /// A hexadecimal string such as `"0x180"`, from 0 to `max`.
  ///
  /// @param example for the message when it is something else
  static Form<Long> hex(String example, long max) {
    return of(
        (json, what) -> json.hex(what, example, max),
        _ -> JsonSchema.string("0x" + digits(max)).put("maxLength", 18));
  }

  /// Likewise, for numbers of less than 32 bits.
  static Form<Integer> hex(String example, int max) {
    return hex(example, (long) max).map(Long::intValue);
  }

  /// Hexadecimal digits of as many bits as `max` has, in a schema's pattern.
  static String digits(long max) {
    return "0*" + DIGIT + "{1," + Long.toHexString(max).length() + "}";
  }

  /// A hexadecimal string such as `"0x180-0x24f"`, or `"0x180"` for only one number.
  ///
  /// @param form an example in quotes, for the message when it is something else
  static Form<Range> range(String form, int max) {
    String number = "0x" + digits(max);
    return of(
        (json, what) -> json.range(what, form, max),
        _ -> JsonSchema.string(number + "(-" + number + ")?").put("maxLength", 37));
  }

  /// A range of bytes in a configuration space, such as `"0x40-0x4f"`.
  static Form<ByteRange> byteRange() {
    return range("\"0x180-0x24f\", first and last byte", ConfigSpace.EXTENDED_SIZE - 1)
        .map(bytes -> ByteRange.between(bytes.first(), bytes.last() + 1));
  }

  /// A range of bytes in the extended part of it.
  static Form<ByteRange> extendedRange() {
    String offset = "0x0*[1-9a-fA-F]" + DIGIT + "{2}";
    return byteRange()
        .check((range, json, what) -> {
          if (range.offset() < ConfigSpace.STANDARD_SIZE) {
            throw json.wrong(
                what + " must start at 0x100 or above, where extended capabilities may be");
          }
          return range;
        })
        .with("pattern", JsonSchema.whole(offset + "(-" + offset + ")?"))
        .named("extendedRange");
  }

  /// One of a few words.
  ///
  /// @param word the word that means a value
  static <T> Form<T> word(Collection<T> values, Function<T, String> word) {
    Map<String, T> meanings = new LinkedHashMap<>();
    values.forEach(value -> meanings.put(word.apply(value), value));
    return word(meanings);
  }

  /// One of a few words.
  ///
  /// @param meanings the values by their words, in the order in which messages name them
  static <T> Form<T> word(Map<String, T> meanings) {
    List<String> words = List.copyOf(meanings.keySet());
    return of(
        (json, what) -> Objects.requireNonNull(meanings.get(json.word(what, words))),
        _ -> JsonSchema.node().set("enum", JsonSchema.list(words)));
  }

  /// One of a few values, by the words that [Object#toString] gives them.
  @SafeVarargs
  @SuppressWarnings("varargs") // The array is only read.
  static <T> Form<T> word(T... values) {
    return word(List.of(values), Object::toString);
  }

  /// One of the constants of an enum, by their names in small letters with hyphens.
  static <E extends Enum<E>> Form<E> constant(Class<E> type) {
    return word(
        List.of(type.getEnumConstants()),
        constant -> constant.name().toLowerCase(Locale.ROOT).replace('_', '-'));
  }

  /// A string in one form, or else a value in another.
  static <T> Form<T> either(Form<? extends T> string, Form<? extends T> other) {
    return of(
        (json, what) -> json.isString() ? string.read(json, what) : other.read(json, what),
        schema -> JsonSchema.anyOf(string.describe(schema), other.describe(schema)));
  }

  /// A list of any length.
  default Form<List<T>> list() {
    return list(Integer.MAX_VALUE, "");
  }

  /// A list.
  ///
  /// @param max most items
  /// @param tooMany what is then too many, and what to do: `quirks in one file; split it …`
  default Form<List<T>> list(int max, String tooMany) {
    return of(
        (json, what) -> {
          List<T> items = new ArrayList<>();
          json.list(what, () -> items.add(item(json, what, items.size(), max, tooMany)));
          return List.copyOf(items);
        },
        schema -> {
          ObjectNode list = JsonSchema.node().put("type", "array");
          if (max != Integer.MAX_VALUE) {
            list.put("maxItems", max);
          }
          return list.set("items", describe(schema));
        });
  }

  /// One item, or a list of at least one.
  default Form<List<T>> oneOrMore() {
    return oneOrMore(Integer.MAX_VALUE, "");
  }

  /// Likewise, of at most `max`.
  ///
  /// @param tooMany as in [#list(int, String)]
  default Form<List<T>> oneOrMore(int max, String tooMany) {
    return of(
        (json, what) -> {
          List<T> items = new ArrayList<>();
          json.oneOrMore(what, () -> items.add(item(json, what, items.size(), max, tooMany)));
          return List.copyOf(items);
        },
        schema ->
            JsonSchema.anyOf(
                describe(schema), list(max, tooMany).describe(schema).put("minItems", 1)));
  }

  private T item(JsonCursor json, String what, int have, int max, String tooMany) {
    if (have == max) {
      throw json.wrong("more than " + max + " " + tooMany);
    }
    return read(json, what);
  }

  /// An object of any keys, whose values have this form.
  default Form<Map<String, T>> byKey() {
    return of(
        (json, what) -> {
          Map<String, T> members = new LinkedHashMap<>();
          json.map(what, key -> members.put(key, read(json, '"' + key + '"')));
          return members;
        },
        schema ->
            JsonSchema.node().put("type", "object").set("additionalProperties", describe(schema)));
  }

  /// The same value, as something else.
  default <R> Form<R> map(Function<? super T, ? extends R> conversion) {
    return check((value, _, _) -> conversion.apply(value));
  }

  /// The same value, as something else if nothing is wrong with it.
  default <R> Form<R> check(Conversion<? super T, ? extends R> conversion) {
    return of((json, what) -> conversion.convert(read(json, what), json, what), this::describe);
  }

  /// The same, which messages call otherwise than its key.
  default Form<T> called(String name) {
    return of((json, _) -> read(json, name), this::describe);
  }

  /// The same, of which a schema says this too.
  default Form<T> with(String keyword, Object value) {
    return of(this::read, schema -> describe(schema).set(keyword, JsonSchema.value(value)));
  }

  /// The same, which a schema describes once, under this name.
  default Form<T> named(String name) {
    return of(this::read, schema -> schema.reference(name, () -> describe(schema)));
  }
}
