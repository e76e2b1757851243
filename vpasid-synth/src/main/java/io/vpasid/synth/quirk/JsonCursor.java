package io.vpasid.synth.quirk;

import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
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
/// that nobody asked for. Nothing in it recurses over what the text nests.
final class JsonCursor {
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

  /// What Jackson adds to its first clause: its own names, codes and advice.
  private static final Pattern JACKSON_DETAILS =
      Pattern.compile(
          "\\s*\\(code \\d+[^)]*\\)|\\s*\\(start marker.*|, from `[^`]*`"
              + "|: was expecting.*|: has to be.*|: maybe a .*|\\R.*");

  /// Categories that a terminal could take for a command, or that would break a line.
  private static final Pattern UNPRINTABLE =
      Pattern.compile("[\\p{Cc}\\p{Cf}\\p{Cs}\\p{Zl}\\p{Zp}]");

  private final String file;
  private final JsonParser parser;

  /// The current token, if it is a string.
  private String string = "";

  /// A place in the text, both numbers from 1.
  record Place(int line, int column) {}

  /// @param file the name that messages call the text
  JsonCursor(String file, char[] text) {
    this.file = file;
    parser = FACTORY.createParser(ObjectReadContext.empty(), text);
  }

  /// Goes to the next token; false behind the last.
  boolean next() {
    try {
      JsonToken token = parser.nextToken();
      // A string is read to its end, and found wrong, only where it is asked for.
      string = token == JsonToken.VALUE_STRING ? parser.getString() : "";
      return token != null;
    } catch (UnexpectedEndOfInputException e) {
      throw wrong(
          place(e.getLocation()),
          "the file ends too early; a closing bracket or quote is missing, or the file was cut");
    } catch (StreamConstraintsException e) {
      throw wrong(
          place(e.getLocation()),
          "longer or deeper than anything in a quirk file: "
              + clause(e)
              + "; check for a missing quote or bracket");
    } catch (JacksonException e) {
      throw wrong(
          place(e.getLocation()),
          "not JSON: " + clause(e) + "; check for a missing comma, quote or bracket");
    }
  }

  /// Where the current token starts.
  Place place() {
    return place(parser.currentTokenLocation());
  }

  private Place place(@Nullable TokenStreamLocation location) {
    TokenStreamLocation known = location == null ? parser.currentLocation() : location;
    return new Place(Math.max(1, known.getLineNr()), Math.max(1, known.getColumnNr()));
  }

  private static String clause(JacksonException e) {
    String message = JACKSON_DETAILS.matcher(e.getOriginalMessage()).replaceAll("");
    String printable = UNPRINTABLE.matcher(message).replaceAll("?");
    return printable.substring(0, 1).toLowerCase(Locale.ROOT) + printable.substring(1);
  }

  QuirkFileException wrong(Place at, String problem) {
    return new QuirkFileException(file, at.line, at.column, problem);
  }

  /// For a current token that is not what it should be.
  QuirkFileException wrong(String problem) {
    return wrong(place(), problem);
  }

  /// Reads the object that starts at the current token.
  ///
  /// @param what the object is, with its article
  /// @param keys all keys that it may have
  /// @param field takes each key in turn, the cursor standing on the first token of its value; it
  ///   must leave it on the last
  void object(String what, List<String> keys, Consumer<String> field) {
    if (!is(JsonToken.START_OBJECT)) {
      throw wrong(what + " must be an object { … }, not " + found());
    }
    Set<String> seen = new HashSet<>();
    while (next() && !is(JsonToken.END_OBJECT)) {
      String key = parser.currentName();
      if (!keys.contains(key)) {
        throw wrong("unknown key " + quote(key) + "; " + advice(key, keys));
      }
      if (!seen.add(key)) {
        throw wrong("the key " + quote(key) + " is here twice; remove one");
      }
      next();
      field.accept(key);
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
  void list(String what, Runnable item) {
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
  String text(String what, int max) {
    String text = string(what, "text");
    if (text.isBlank()) {
      throw wrong(what + " is empty; write at least a word");
    }
    if (text.codePointCount(0, text.length()) > max) {
      throw wrong(what + " is longer than " + max + " characters; shorten it");
    }
    if (UNPRINTABLE.matcher(text).find()) {
      throw wrong(what + " holds a character that cannot be printed; write one line of plain text");
    }
    return text;
  }

  /// Reads a string, whatever is in it.
  ///
  /// @param form what it should hold, for the message when it is no string at all
  String string(String what, String form) {
    if (!is(JsonToken.VALUE_STRING)) {
      throw wrong(what + " must be " + form + ", not " + found());
    }
    return string;
  }

  /// Reads one of a few words.
  String word(String what, List<String> words) {
    String word = string(what, "one of " + String.join(", ", words));
    if (!words.contains(word)) {
      throw wrong(
          what
              + " must be one of "
              + String.join(", ", words)
              + ", not "
              + quote(word)
              + Spelling.nearest(word, words)
                  .map(w -> "; did you mean " + quote(w) + "?")
                  .orElse(""));
    }
    return word;
  }

  boolean isString() {
    return is(JsonToken.VALUE_STRING);
  }

  boolean isFalse() {
    return is(JsonToken.VALUE_FALSE);
  }

  /// Reads a whole number from `min` to `max`.
  int integer(String what, int min, int max) {
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

  private boolean is(JsonToken token) {
    return parser.currentToken() == token;
  }

  /// The current token in words.
  String found() {
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
  static String quote(String text) {
    String shown = text.length() > QUOTED ? text.substring(0, QUOTED) + "…" : text;
    return '"' + UNPRINTABLE.matcher(shown).replaceAll("?") + '"';
  }
}
