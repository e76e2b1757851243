package io.vpasid.synth.json;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vpasid.pci.ByteRange;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// A small file with a key of most forms: what it is read as, its schema, and its tables.
class FileShapeTest {
  private enum Colour {
    DARK_RED,
    BLUE
  }

  private final Key<Integer> size =
      Key.of("size", Form.integer(1, 20), "How large.").required("add 1 to 20");
  private final Key<Boolean> open = Key.of("open", Form.bool(), "").or(true, true);
  private final Shape box = Shape.of("\"box\"", size, open);

  private final Key<String> name =
      Key.of(
          "name",
          Form.name(Pattern.compile("[a-z]+"), "a name", "has other letters"),
          "What it is | is called.");
  private final Key<Colour> colour = Key.of("colour", Form.constant(Colour.class), "Its colour.");
  private final Key<List<Integer>> offsets =
      Key.of("offsets", Form.hex("\"0x40\"", 0xff).oneOrMore(2, "offsets"), "Where.");
  private final Key<ByteRange> range = Key.of("range", Form.extendedRange(), "Which bytes.");
  private final Key<ByteRange> other = Key.of("other", Form.extendedRange(), "Which others.");
  private final Key<Map<String, Integer>> counts =
      Key.of("counts", Form.integer(0, 9).byKey(), "How many of each.");
  private final Key<List<Fields>> boxes = Key.of("boxes", box.list(3, "boxes"), "What is in it.");

  private final FileShape file =
      new FileShape(
          "things",
          "Things",
          "What there is.",
          "write something",
          2,
          Shape.of("a thing", name, colour, offsets, range, other, counts, boxes));

  private Fields read(String text) {
    return file.read(JsonCursor.of(text.getBytes(StandardCharsets.UTF_8), "test.json", 4096));
  }

  @Test
  void everyFormIsRead() {
    Fields fields =
        read(
            """
            { "$schema": "x", "format": 2, "name": "abc", "colour": "dark-red",
              "offsets": ["0x40", "0xff"], "range": "0x100-0x10f", "other": "0xfff",
              "counts": { "a": 0, "b": 9 }, "boxes": [ { "size": 20 }, { "size": 1, "open": false } ] }
            """);

    assertThat(fields.get(name)).isEqualTo("abc");
    assertThat(fields.get(colour)).isEqualTo(Colour.DARK_RED);
    assertThat(fields.get(offsets)).containsExactly(0x40, 0xff);
    assertThat(fields.get(range)).isEqualTo(ByteRange.between(0x100, 0x110));
    assertThat(fields.get(other)).isEqualTo(ByteRange.between(0xfff, 0x1000));
    assertThat(fields.get(counts)).containsExactly(Map.entry("a", 0), Map.entry("b", 9));
    assertThat(fields.get(boxes)).extracting(one -> one.get(size)).containsExactly(20, 1);
    assertThat(fields.get(boxes)).extracting(one -> one.get(open)).containsExactly(true, false);
    assertThat(fields.keys()).hasSize(9);
    assertThat(file.shape().keys()).hasSize(9).startsWith(FileShape.SCHEMA);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          {}                                        | the file has no "format"; add "format": 2
          { "format": 3 }                           | format 3 is not known here, only 2; use a newer vpasid
          { "format": 2, "name": "A" }              | the name "A" has other letters
          { "format": 2, "boxes": [ {} ] }          | "box" has no "size"; add 1 to 20
          { "format": 2, "offsets": ["0x1", "0x2", "0x3"] } | more than 2 offsets
          { "format": 2, "range": "0xff-0x1ff" }    | "range" must start at 0x100 or above, where extended capabilities may be
          """)
  void whatIsWrongIsSaid(String text, String problem) {
    assertThatThrownBy(() -> read(text))
        .isInstanceOf(JsonFileException.class)
        .hasMessageStartingWith("test.json:1:")
        .hasMessageEndingWith(problem);
  }

  @ParameterizedTest
  @CsvSource({"0, 1, 20", "21, 1, 20"})
  void numbersOutsideTheirRangeAreRefused(int number, int min, int max) {
    assertThatThrownBy(() -> read("{ \"format\": 2, \"boxes\": [ { \"size\": " + number + " } ] }"))
        .hasMessageContaining("from " + min + " to " + max);
  }

  @Test
  void emptyFileIsToldWhatToWrite() {
    assertThatThrownBy(() -> read("")).hasMessageContaining("the file is empty; write something");
  }

  @Test
  void keyThatIsLeftOutHasItsOtherValue() {
    Key<Fields> inner = Key.of("inner", box, "");
    Shape shape = Shape.of("a thing", inner, name);
    Fields with = fields(shape, "{ \"inner\": { \"size\": 5, \"open\": false } }");
    Fields without = fields(shape, "{}");

    assertThat(with.find(inner, size)).contains(5);
    assertThat(with.get(inner, open)).isFalse();
    assertThat(without.find(inner, size)).isEmpty();
    assertThat(without.find(inner, open)).contains(true);
    assertThat(without.get(inner, open)).isTrue();
    assertThat(without.find(name)).isEmpty();
    assertThat(without.has(inner)).isFalse();
    assertThatThrownBy(() -> without.get(name)).hasMessage("\"name\" may be left out");
    assertThatThrownBy(() -> without.get(inner, size)).hasMessage("\"size\" may be left out");
    assertThat(with.place(inner)).isEqualTo(new JsonCursor.Place(1, 12));
    assertThat(without.place(inner)).isEqualTo(without.place());
  }

  @Test
  void rulesTieKeysTogether() {
    Shape any = Shape.of("a thing", name, colour).with(Rule.anyOf("has nothing", name, colour));
    Shape one =
        Shape.of("a thing", name, colour).with(Rule.oneOf("has none", "has both", name, colour));
    Shape needs = Shape.of("a thing", name, colour).with(Rule.needs(name, colour, "has no colour"));
    String both = "{ \"name\": \"a\", \"colour\": \"blue\" }";

    assertThat(fields(any, both).get(name)).isEqualTo("a");
    assertThatThrownBy(() -> fields(any, "{}")).hasMessageEndingWith(": the thing has nothing");
    assertThat(fields(one, "{ \"name\": \"a\" }").keys()).hasSize(1);
    assertThatThrownBy(() -> fields(one, "{}")).hasMessageEndingWith(": the thing has none");
    assertThatThrownBy(() -> fields(one, both)).hasMessageEndingWith(": the thing has both");
    assertThat(fields(needs, "{}").keys()).isEmpty();
    assertThat(fields(needs, both).keys()).hasSize(2);
    assertThatThrownBy(() -> fields(needs, "{ \"name\": \"a\" }"))
        .hasMessageEndingWith(": the thing has no colour");
    assertThat(schema(any)).contains("\"anyOf\": [", "\"required\": [\"name\"]");
    assertThat(schema(one)).contains("\"oneOf\": [", "\"required\": [\"colour\"]");
    assertThat(schema(needs)).contains("\"dependentRequired\": { \"name\": [\"colour\"] }");
  }

  @Test
  void objectIsCalledByItsKeyOrItsNoun() {
    Shape called = Shape.of("a thing", name, size).as("entry").calledBy(name);

    assertThatThrownBy(() -> fields(called, "{ \"name\": \"a\" }"))
        .hasMessageEndingWith(": entry \"a\" has no \"size\"; add 1 to 20");
    assertThatThrownBy(() -> fields(called, "{}"))
        .hasMessageEndingWith(": the entry has no \"size\"; add 1 to 20");
    assertThatThrownBy(() -> fields(called, "[]"))
        .hasMessageContaining("a thing must be an object");
    assertThat(called.keys()).isEqualTo(List.of(name, size));
    assertThat(called.keys().getFirst().description()).isEqualTo("What it is | is called.");
  }

  @Test
  void formsReadAndDescribeTheirValues() {
    Pattern pattern = Pattern.compile("(a)(b)?");

    assertThat(value(Form.text(3), "\"abc\"")).isEqualTo("abc");
    assertThat(value(Form.string("x"), "\"\"")).isEmpty();
    assertThat(value(Form.matching(pattern, "\"ab\""), "\"ab\"").group(2)).isEqualTo("b");
    assertThat(value(Form.word("x", "y"), "\"y\"")).isEqualTo("y");
    assertThat(value(Form.either(Form.string("x"), Form.integer(0, 9).map(String::valueOf)), "7"))
        .isEqualTo("7");
    assertThat(value(Form.either(Form.string("x"), Form.string("y")), "\"z\"")).isEqualTo("z");
    assertThat(value(Form.hex("\"0x1\"", 15).oneOrMore(), "\"0xf\"")).containsExactly(15);
    assertThatThrownBy(() -> value(Form.bool().called("the lid"), "1"))
        .hasMessageContaining("the lid must be true or false");
    assertThat(schema(Form.text(3))).contains("\"maxLength\": 3");
    assertThat(schema(Form.string("x"))).isEqualTo("{ \"type\": \"string\" }");
    assertThat(schema(Form.matching(pattern, "x"))).contains("\"pattern\": \"^(a)(b)?$\"");
    assertThat(schema(Form.word("x", "y"))).isEqualTo("{ \"enum\": [\"x\", \"y\"] }");
    assertThat(schema(Form.either(Form.string("x"), Form.integer(0, 9)))).contains("\"anyOf\": [");
    assertThat(schema(Form.bool().called("x"))).isEqualTo("{ \"type\": \"boolean\" }");
    assertThat(JsonSchema.text(size.describe(), "")).contains("\"description\": \"How large.\"");
  }

  private static Fields fields(Shape shape, String text) {
    return value(shape, text);
  }

  private static <T> T value(Form<T> form, String text) {
    return JsonCursor.of(text.getBytes(StandardCharsets.UTF_8), "test.json", 4096).whole(form);
  }

  private static String schema(Form<?> form) {
    return JsonSchema.text(form.describe(new JsonSchema()), "");
  }

  @Test
  void schemaSaysTheSame() {
    assertThat(file.schema())
        .isEqualTo(
            """
            {
              "$schema": "https://json-schema.org/draft/2020-12/schema",
              "$id": "urn:vpasid:schema:things:2",
              "title": "Things",
              "description": "What there is.",
              "type": "object",
              "additionalProperties": false,
              "required": ["format"],
              "properties": {
                "$schema": {
                  "description": "The address of this schema, for editors.",
                  "type": "string"
                },
                "format": {
                  "description": "Version of the format.",
                  "const": 2
                },
                "name": {
                  "description": "What it is | is called.",
                  "type": "string",
                  "pattern": "^[a-z]+$"
                },
                "colour": {
                  "description": "Its colour.",
                  "enum": ["dark-red", "blue"]
                },
                "offsets": {
                  "description": "Where.",
                  "anyOf": [
                    { "type": "string", "pattern": "^0x0*[0-9a-fA-F]{1,2}$", "maxLength": 18 },
                    {
                      "type": "array",
                      "maxItems": 2,
                      "items": { "type": "string", "pattern": "^0x0*[0-9a-fA-F]{1,2}$", "maxLength": 18 },
                      "minItems": 1
                    }
                  ]
                },
                "range": {
                  "description": "Which bytes.",
                  "$ref": "#/$defs/extendedRange"
                },
                "other": {
                  "description": "Which others.",
                  "$ref": "#/$defs/extendedRange"
                },
                "counts": {
                  "description": "How many of each.",
                  "type": "object",
                  "additionalProperties": { "type": "integer", "minimum": 0, "maximum": 9 }
                },
                "boxes": {
                  "description": "What is in it.",
                  "type": "array",
                  "maxItems": 3,
                  "items": {
                    "type": "object",
                    "additionalProperties": false,
                    "required": ["size"],
                    "properties": {
                      "size": {
                        "description": "How large.",
                        "type": "integer",
                        "minimum": 1,
                        "maximum": 20
                      },
                      "open": { "type": "boolean", "default": true }
                    }
                  }
                }
              },
              "$defs": {
                "extendedRange": {
                  "type": "string",
                  "pattern": "^0x0*[1-9a-fA-F][0-9a-fA-F]{2}(-0x0*[1-9a-fA-F][0-9a-fA-F]{2})?$",
                  "maxLength": 37
                }
              }
            }
            """);
  }

  @Test
  void tablesSayTheSameToPeople() {
    assertThat(file.tables())
        .isEqualTo(
            """
            ## Things

            What there is.

            | key | value | |
            |---|---|---|
            | `$schema` | string | The address of this schema, for editors. |
            | `format`, required | `2` | Version of the format. |
            | `name` | string | What it is \\| is called. |
            | `colour` | `dark-red`, `blue` | Its colour. |
            | `offsets` | string or list | Where. |
            | `range` | string | Which bytes. |
            | `other` | string | Which others. |
            | `counts` | object | How many of each. |
            | `boxes` | list | What is in it. |

            ### `boxes`

            | key | value | |
            |---|---|---|
            | `size`, required | 1 to 20 | How large. |
            | `open` | `true`, `false` |  Default: `true` |

            """);
  }
}
