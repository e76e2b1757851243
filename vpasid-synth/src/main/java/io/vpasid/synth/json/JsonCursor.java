package io.vpasid.synth.json;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.TokenStreamLocation;
import tools.jackson.core.exc.StreamConstraintsException;
import tools.jackson.core.exc.UnexpectedEndOfInputException;
import tools.jackson.core.json.JsonFactory;

/// Goes through one JSON text, token by token, and says where it is when something is wrong.
///
/// It takes JSON as RFC 8259 has it, and besides refuses a key that comes twice in an object or
/// that nobody asked for. Nothing in it recurses over what the text nests. The text may come from
/// anyone: its size, its depth and the length of its parts have limits, and whatever its bytes are,
/// the only exception is [JsonFileException].
///
/// A reader asks for what it expects: `object`, `list` and `oneOrMore` call back with the cursor on
/// the first token of a value and want it back on the last; the others read the current token. The
/// parameter `what` is how messages call the thing, such as `"offset"` with its quotes.
///
/// Numbers that people write in hexadecimal are strings such as `"0x180"`, because `"device": 2080`
/// would be read by every person as 0x2080.
public class JsonCursor {
  private static final Pattern HEX = Pattern.compile("0x[0-9a-fA-F]{1,16}");
  private static final Pattern RANGE =
      Pattern.compile("(0x[0-9a-fA-F]{1,16})(?:-(0x[0-9a-fA-F]{1,16}))?");

  private static final int MAX_DEPTH = 16;
  private static final int MAX_STRING = 65_536;
  private static final int MAX_KEY = 256;
  private static final int MAX_NUMBER = 64;

  /// As much of a wrong value as a message repeats.
  private static final int QUOTED = 40;

  private static final JsonFactory FACTORY =
      JsonFactory.builder()
          .streamReadConstraints(
              StreamReadConstraints.builder()
                  .maxNestingDepth(MAX_DEPTH)
                  .maxStringLength(MAX_STRING)
                  .maxNameLength(MAX_KEY)
                  .maxNumberLength(MAX_NUMBER)
                  .build())
          .build();

  /// Jackson's additions to its first clause: its own names, codes and advice.
  private static final Pattern JACKSON_DETAILS =
      Pattern.compile(
          "\\s*\\(code \\d+[^)]*\\)|\\s*\\(start marker.*|, from `[^`]*`"
              + "|: was expecting.*|: has to be.*|: maybe a .*|\\R.*");

  private final String file;
  private final JsonParser parser;

  /// The current token, if it is a string.
  private String string = "";

  /// True if the text is no JSON from here on, so that nothing more can be read.
  private boolean broken;

  /// A place in the text, both numbers from 1.
  public record Place(int line, int column) {}

  /// Numbers from `first` to `last`, which is not below it.
  public record Range(int first, int last) {}

  /// Takes over a cursor that stands in front of the first token. A subclass gives values another
  /// meaning, such as that of names which stand for them.
  protected JsonCursor(JsonCursor opened) {
    file = opened.file;
    parser = opened.parser;
  }

  private JsonCursor(String file, char[] text) {
    this.file = file;
    parser = FACTORY.createParser(ObjectReadContext.empty(), text);
  }

  /// Stands in front of the first token of a file.
  ///
  /// @param maxBytes the most that it may hold
  /// @throws JsonFileException if it is no regular file, cannot be read, is larger or not UTF-8
  public static JsonCursor open(Path file, int maxBytes) {
    String name = JsonFileException.nameOf(file);
    if (!Files.isRegularFile(file)) {
      throw new JsonFileException(
          name,
          0,
          0,
          Files.exists(file)
              ? "not a regular file; take it out of the folder or name a file"
              : "no such file or folder; check the path");
    }
    try (InputStream in = Files.newInputStream(file)) {
      return of(in.readNBytes(maxBytes + 1), name, maxBytes);
    } catch (IOException e) {
      throw JsonFileException.unreadable(name, e);
    }
  }

  /// Stands in front of the first token of a text in UTF-8.
  ///
  /// @param file what messages call the text
  /// @param maxBytes the most that it may hold
  /// @throws JsonFileException if it is larger or not UTF-8
  public static JsonCursor of(byte[] bytes, String file, int maxBytes) {
    if (bytes.length > maxBytes) {
      throw new JsonFileException(
          file, 0, 0, "larger than " + (maxBytes >> 20) + " MiB; split it into several files");
    }
    return new JsonCursor(file, decode(bytes, file));
  }

  private static char[] decode(byte[] bytes, String file) {
    CharsetDecoder decoder =
        StandardCharsets.UTF_8
            .newDecoder()
            .onMalformedInput(CodingErrorAction.REPORT)
            .onUnmappableCharacter(CodingErrorAction.REPORT);
    CharBuffer text = CharBuffer.allocate(bytes.length);
    CoderResult result = decoder.decode(ByteBuffer.wrap(bytes), text, true);
    int length = text.position();
    char[] chars = text.array();
    if (result.isError()) {
      int line = 1;
      int lineStart = 0;
      for (int i = 0; i < length; i++) {
        if (chars[i] == '\n') {
          line++;
          lineStart = i + 1;
        }
      }
      throw new JsonFileException(
          file, line, length - lineStart + 1, "not UTF-8 text; save the file as UTF-8");
    }
    boolean byteOrderMark = length > 0 && chars[0] == '\ufeff';
    return Arrays.copyOfRange(chars, byteOrderMark ? 1 : 0, length);
  }

  /// The name of the text in messages.
  public String file() {
    return file;
  }

  /// Reads the whole text, one value. Wants the cursor in front of the first token.
  public <T> T whole(Form<T> form) {
    next();
    T value = form.read(this, "it");
    end();
    return value;
  }

  /// Checks that nothing follows the text's one value, whose last token is the current one.
  void end() {
    if (next()) {
      throw wrong("there is more behind the end of the file's object; remove it");
    }
  }

  /// Goes to the next token; false behind the last.
  public boolean next() {
    try {
      broken = true;
      JsonToken token = parser.nextToken();
      // A string is read to its end, and found wrong, only where it is asked for.
      string = token == JsonToken.VALUE_STRING ? parser.getString() : "";
      broken = false;
      return token != null;
    } catch (UnexpectedEndOfInputException e) {
      throw wrong(
          place(e.getLocation()),
          "the file ends too early; a closing bracket or quote is missing, or the file was cut");
    } catch (StreamConstraintsException e) {
      throw wrong(
          place(e.getLocation()),
          "longer or deeper than anything in such a file: %s; check for a missing quote or bracket"
              .formatted(clause(e)));
    } catch (JacksonException e) {
      throw wrong(
          place(e.getLocation()),
          "not JSON: " + clause(e) + "; check for a missing comma, quote or bracket");
    }
  }

  /// How many objects and lists are open at the current token, one that it starts included.
  public int depth() {
    return parser.streamReadContext().getNestingDepth();
  }

  /// Goes on to where no more than `depth` objects and lists are open; false if the text is broken
  /// before that.
  public boolean leaveTo(int depth) {
    while (!broken && depth() > depth) {
      try {
        next();
      } catch (JsonFileException _) {
        // What is broken was not reached yet when the first problem was found, which counts.
      }
    }
    return !broken;
  }

  /// The place where the current token starts.
  public Place place() {
    return place(parser.currentTokenLocation());
  }

  private Place place(@Nullable TokenStreamLocation location) {
    TokenStreamLocation known = location == null ? parser.currentLocation() : location;
    return new Place(Math.max(1, known.getLineNr()), Math.max(1, known.getColumnNr()));
  }

  private static String clause(JacksonException e) {
    String message = JACKSON_DETAILS.matcher(e.getOriginalMessage()).replaceAll("");
    String printable = Unprintable.marked(message);
    return printable.substring(0, 1).toLowerCase(Locale.ROOT) + printable.substring(1);
  }

  /// For something at `at` that is not what it should be.
  public JsonFileException wrong(Place at, String problem) {
    return new JsonFileException(file, at.line, at.column, problem);
  }

  /// For a current token that is not what it should be.
  public JsonFileException wrong(String problem) {
    return wrong(place(), problem);
  }

  /// Checks something that is known only when the whole value has been read.
  public void require(Place at, boolean holds, String problem) {
    if (!holds) {
      throw wrong(at, problem);
    }
  }

  /// Reads the object that starts at the current token.
  ///
  /// @param what the object is, with its article
  /// @param keys all keys that it may have
  /// @param field takes each key in turn, the cursor standing on the first token of its value; it
  ///   must leave it on the last
  void object(String what, List<String> keys, Consumer<String> field) {
    members(
        what,
        key -> {
          if (!keys.contains(key)) {
            throw wrong("unknown key " + quote(key) + "; " + advice(key, keys));
          }
          next();
          field.accept(key);
        });
  }

  /// Reads the object that starts at the current token, whatever its keys are.
  ///
  /// @param what the object is, with its article
  /// @param member takes each key in turn, the cursor standing on the first token of its value; it
  ///   must leave it on the last
  public void map(String what, Consumer<String> member) {
    members(
        what,
        key -> {
          next();
          member.accept(key);
        });
  }

  private void members(String what, Consumer<String> member) {
    if (!is(JsonToken.START_OBJECT)) {
      throw wrong(what + " must be an object { … }, not " + found());
    }
    Set<String> seen = new HashSet<>();
    while (next() && !is(JsonToken.END_OBJECT)) {
      String key = parser.currentName();
      if (!seen.add(key)) {
        throw wrong("the key " + quote(key) + " is here twice; remove one");
      }
      member.accept(key);
    }
  }

  private static String advice(String written, List<String> words) {
    Optional<String> nearest = Spelling.nearest(written, words);
    return nearest.isPresent()
        ? "did you mean " + quote(nearest.get()) + "?"
        : "the keys here are " + String.join(", ", words);
  }

  /// Reads the list that starts at the current token.
  ///
  /// @param what the list is, with its article
  /// @param item called with the cursor on the first token of each item; must leave it on the last
  public void list(String what, Runnable item) {
    if (!is(JsonToken.START_ARRAY)) {
      throw wrong(what + " must be a list [ … ], not " + found());
    }
    while (next() && !is(JsonToken.END_ARRAY)) {
      item.run();
    }
  }

  /// Reads the current token as one item, or as a list of at least one.
  void oneOrMore(String what, Runnable item) {
    if (!is(JsonToken.START_ARRAY)) {
      item.run();
      return;
    }
    Place start = place();
    next();
    if (is(JsonToken.END_ARRAY)) {
      throw wrong(start, what + " is an empty list; name at least one or leave it out");
    }
    do {
      item.run();
    } while (next() && !is(JsonToken.END_ARRAY));
  }

  /// Reads one line of text, at least one character of which can be seen.
  ///
  /// @param max most characters
  public String text(String what, int max) {
    String text = string(what, "text");
    if (text.isBlank()) {
      throw wrong(what + " is empty; write at least a word");
    }
    if (text.codePointCount(0, text.length()) > max) {
      throw wrong(what + " is longer than " + max + " characters; shorten it");
    }
    if (Unprintable.isIn(text)) {
      throw wrong(what + " holds a character that cannot be printed; write one line of plain text");
    }
    return text;
  }

  /// Reads a string, whatever is in it.
  ///
  /// @param form what it should hold, for the message when it is no string at all
  public String string(String what, String form) {
    if (!is(JsonToken.VALUE_STRING)) {
      throw wrong(what + " must be " + form + ", not " + found());
    }
    return string;
  }

  /// Reads one of a few words.
  public String word(String what, List<String> words) {
    String word = string(what, "one of " + String.join(", ", words));
    if (!words.contains(word)) {
      String hint =
          Spelling.nearest(word, words).map(w -> "; did you mean " + quote(w) + "?").orElse("");
      throw wrong(
          "%s must be one of %s, not %s%s"
              .formatted(what, String.join(", ", words), quote(word), hint));
    }
    return word;
  }

  /// Reads a string, a number, `true` or `false`, as it is written.
  public String scalar(String what) {
    if (is(JsonToken.VALUE_STRING)) {
      return text(what, MAX_KEY);
    }
    if (is(JsonToken.VALUE_NUMBER_INT) || is(JsonToken.VALUE_TRUE) || is(JsonToken.VALUE_FALSE)) {
      return parser.getString();
    }
    throw wrong(what + " must be a text, a whole number, true or false, not " + found());
  }

  /// True if the current token is a string.
  public boolean isString() {
    return is(JsonToken.VALUE_STRING);
  }

  /// True if the current token is `false`.
  public boolean isFalse() {
    return is(JsonToken.VALUE_FALSE);
  }

  /// True if the current token starts an object.
  public boolean isObject() {
    return is(JsonToken.START_OBJECT);
  }

  /// Reads `true` or `false`.
  public boolean bool(String what) {
    if (!is(JsonToken.VALUE_TRUE) && !is(JsonToken.VALUE_FALSE)) {
      throw wrong(what + " must be true or false, not " + found());
    }
    return is(JsonToken.VALUE_TRUE);
  }

  /// Reads a whole number from `min` to `max`.
  public int integer(String what, int min, int max) {
    if (is(JsonToken.VALUE_NUMBER_INT)) {
      String digits = parser.getString();
      if (digits.length() <= 9) {
        int value = Integer.parseInt(digits);
        if (value >= min && value <= max) {
          return value;
        }
      }
    }
    throw wrong(what + " must be a whole number from " + min + " to " + max + ", not " + found());
  }

  /// Reads a hexadecimal string such as `"0x180"`, from 0 to `max`.
  ///
  /// @param example for the message when it is something else
  public long hex(String what, String example, long max) {
    return number(matcher(HEX, what, '"' + example + '"').group(), what, max);
  }

  /// Reads a hexadecimal string such as `"0x180-0x24f"`, first and last number from 0 to `max`, or
  /// `"0x180"` for only one.
  ///
  /// @param form an example in quotes, for the message when it is something else
  Range range(String what, String form, int max) {
    Matcher m = matcher(RANGE, what, form);
    int first = (int) number(m.group(1), what, max);
    int last = m.group(2) == null ? first : (int) number(m.group(2), what, max);
    if (last < first) {
      throw wrong(what + " has a range that ends before it starts; write the lower end first");
    }
    return new Range(first, last);
  }

  /// Reads a string in the form of `pattern`.
  ///
  /// @param form an example in quotes, for the message when it has another form
  Matcher matcher(Pattern pattern, String what, String form) {
    String text = string(what, "a string such as " + form);
    Matcher m = pattern.matcher(text);
    if (!m.matches()) {
      throw wrong(what + " must be a string such as " + form + ", not " + quote(text));
    }
    return m;
  }

  /// The value of `digits`, a part of the current token: `0x` and 1 to 16 hexadecimal digits.
  public long number(String digits, String what, long max) {
    long value = Long.parseUnsignedLong(digits.substring(2), 16);
    if (Long.compareUnsigned(value, max) > 0) {
      throw wrong(
          String.format(Locale.ROOT, "%s %s is too large; the highest is 0x%x", what, digits, max));
    }
    return value;
  }

  private boolean is(JsonToken token) {
    return parser.currentToken() == token;
  }

  /// The current token in words.
  public String found() {
    return switch (parser.currentToken()) {
      case null -> "nothing";
      case START_OBJECT -> "an object";
      case START_ARRAY -> "a list";
      case VALUE_STRING -> quote(string);
      case VALUE_NUMBER_INT, VALUE_NUMBER_FLOAT -> "the number " + parser.getString();
      case VALUE_TRUE -> "true";
      case VALUE_FALSE -> "false";
      case VALUE_NULL -> "null";
      default -> "this";
    };
  }

  /// `text` in quotes, cut to what a line can hold, with a question mark for what cannot be
  /// printed.
  public static String quote(String text) {
    String shown = text.length() > QUOTED ? text.substring(0, QUOTED) + "…" : text;
    return '"' + Unprintable.marked(shown) + '"';
  }
}
