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
