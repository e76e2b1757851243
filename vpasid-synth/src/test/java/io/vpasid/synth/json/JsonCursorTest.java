package io.vpasid.synth.json;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.assertj.core.api.ThrowableAssertAlternative;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class JsonCursorTest {
  @TempDir private Path folder;

  private static JsonCursor cursor(String text) {
    return JsonCursor.of(text.getBytes(StandardCharsets.UTF_8), "test.json", 4096);
  }

  /// Stands on the first token.
  private static JsonCursor on(String text) {
    JsonCursor json = cursor(text);
    assertThat(json.next()).isTrue();
    return json;
  }

  private static ThrowableAssertAlternative<JsonFileException> assertWrong(Runnable reading) {
    return assertThatExceptionOfType(JsonFileException.class).isThrownBy(reading::run);
  }

  @Test
  void fileIsReadUpToTheMostThatItMayHold() throws Exception {
    Path file = Files.writeString(folder.resolve("a.json"), "[true]");

    assertThat(JsonCursor.open(file, 6).whole(Form.bool().list())).containsExactly(true);
    assertWrong(() -> JsonCursor.open(file, 5))
        .withMessage(file + ": larger than 0 MiB; split it into several files");
    assertThat(JsonCursor.open(file, 6).file()).isEqualTo(file.toString());
  }

  @Test
  void onlyARegularFileIsRead() {
    Path missing = folder.resolve("missing.json");

    assertWrong(() -> JsonCursor.open(missing, 99))
        .withMessage(missing + ": no such file or folder; check the path");
    assertWrong(() -> JsonCursor.open(folder, 99))
        .withMessage(folder + ": not a regular file; take it out of the folder or name a file");
  }

  @Test
  void fileThatTheSystemDoesNotGiveSaysWhy() {
    assertThat(JsonFileException.unreadable("a", new AccessDeniedException("a", "b", "c")))
        .hasMessage("a: cannot be read: permission denied; check that it is there and may be read");
    assertThat(JsonFileException.unreadable("a", new IllegalStateException("gone")).problem())
        .isEqualTo("cannot be read: gone; check that it is there and may be read");
  }

  @Test
  void byteOrderMarkIsNoText() {
    assertThat(cursor("\ufeff[]").next()).isTrue();
    assertThat(cursor("").next()).isFalse();
  }

  @Test
  void wrongEncodingIsNamedByItsPlace() {
    assertWrong(
            () -> JsonCursor.of(new byte[] {'[', '\n', ' ', (byte) 0xff, ']'}, "test.json", 4096))
        .withMessage("test.json:2:2: not UTF-8 text; save the file as UTF-8");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {"\"a b\" | a b", "12 | 12", "true | true", "false | false"})
  void scalarIsWhatIsWritten(String text, String scalar) {
    assertThat(on(text).scalar("it")).isEqualTo(scalar);
  }

  @ParameterizedTest
  @ValueSource(strings = {"null", "[]", "{}", "1.5"})
  void otherValuesAreNoScalar(String text) {
    assertWrong(() -> on(text).scalar("it"))
        .withMessageStartingWith(
            "test.json:1:1: it must be a text, a whole number, true or false, not ");
  }

  @Test
  void kindOfAValueIsKnownBeforeItIsRead() {
    assertThat(on("{}").isObject()).isTrue();
    assertThat(on("[]").isObject()).isFalse();
    assertThat(on("\"a\"").isString()).isTrue();
    assertThat(on("1").isString()).isFalse();
    assertThat(on("false").isFalse()).isTrue();
    assertThat(on("true").isFalse()).isFalse();
    assertThat(on("true").bool("it")).isTrue();
    assertThat(on("false").bool("it")).isFalse();
    assertWrong(() -> on("0").bool("it")).withMessageContaining("it must be true or false, not ");
  }

  @ParameterizedTest
  @CsvSource({"-5, -5", "7, 7", "0, 0"})
  void numberMayBeAtItsBorders(String text, int number) {
    assertThat(on(text).integer("it", -5, 7)).isEqualTo(number);
  }

  @ParameterizedTest
  @ValueSource(strings = {"-6", "8", "1000000000", "99999999999999", "1.0", "\"1\""})
  void otherNumbersAreRefused(String text) {
    assertWrong(() -> on(text).integer("it", -5, 7))
        .withMessageContaining("it must be a whole number from -5 to 7, not ");
  }

  @Test
  void textIsOneLineThatCanBeSeen() {
    assertThat(on("\"abc\"").text("it", 3)).isEqualTo("abc");
    assertWrong(() -> on("\"abcd\"").text("it", 3))
        .withMessageEndingWith("it is longer than 3 characters; shorten it");
    assertWrong(() -> on("\"  \"").text("it", 3))
        .withMessageEndingWith("it is empty; write at least a word");
    assertWrong(() -> on("\"a\\nb\"").text("it", 3))
        .withMessageEndingWith(
            "it holds a character that cannot be printed; write one line of plain text");
  }

  @Test
  void depthIsThatOfTheCurrentToken() {
    JsonCursor json = on("[ { \"a\": [ 1 ] }, 2 ]");
    List<Integer> depths = new ArrayList<>();
    do {
      depths.add(json.depth());
    } while (json.next());

    assertThat(depths).containsExactly(1, 2, 2, 3, 3, 2, 1, 1, 0);
  }

  @Test
  void whatIsOpenIsLeft() {
    JsonCursor json = on("[ { \"a\": [ 1, 2 ] }, 3 ]");
    json.next();
    json.next();
    json.next();
    assertThat(json.depth()).isEqualTo(3);

    assertThat(json.leaveTo(1)).isTrue();
    assertThat(json.next()).isTrue();
    assertThat(json.integer("it", 0, 9)).isEqualTo(3);
  }

  @Test
  void brokenTextIsNotLeft() {
    JsonCursor json = on("[ [ 1 2 ] ]");

    assertThat(json.leaveTo(1)).isTrue();
    json.next();
    assertThat(json.leaveTo(1)).isFalse();
    assertThat(json.leaveTo(3)).isFalse();
  }

  @Test
  void requirementIsOfAPlace() {
    JsonCursor json = on(" true");

    json.require(json.place(), true, "never");
    assertWrong(() -> json.require(json.place(), false, "because"))
        .withMessage("test.json:1:2: because");
  }

  @Test
  void nothingFollowsTheWhole() {
    assertWrong(() -> cursor("true false").whole(Form.bool()))
        .withMessage("test.json:1:6: there is more behind the end of the file's object; remove it");
    assertWrong(() -> cursor("1").whole(Form.bool())).withMessageContaining("it must be true or");
  }

  @Test
  void unprintableTextIsMadePlain() {
    assertThat(Unprintable.inOneLine("a\n\u001b b\u202ec")).isEqualTo("a  b c");
    assertThat(Unprintable.marked("a\nb")).isEqualTo("a?b");
    assertThat(Unprintable.isIn("a b")).isFalse();
  }
}
