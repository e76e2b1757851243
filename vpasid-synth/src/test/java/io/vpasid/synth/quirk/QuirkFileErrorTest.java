package io.vpasid.synth.quirk;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.vpasid.synth.json.JsonFileException;
import java.nio.charset.StandardCharsets;
import java.util.Objects;
import org.junit.jupiter.api.Test;

/// Whatever is wrong with a file is said in one line: where, what, and what to do.
class QuirkFileErrorTest {

  /// The message for a file of this text.
  private static String error(String text) {
    return error(text.getBytes(StandardCharsets.UTF_8));
  }

  private static String error(byte[] bytes) {
    JsonFileException e =
        catchThrowableOfType(
            JsonFileException.class, () -> QuirkFileReader.read(bytes, "f.json", "test"));
    return Objects.requireNonNull(e.getMessage());
  }

  /// The message for a file with one quirk of this match, in its second line.
  private static String matchError(String match) {
    return error(
        """
        { "format": 1, "quirks": [ { "id": "a", "name": "n", "source": "s", "refuse": "r", "match":
        %s } ] }
        """
            .formatted(match));
  }

  /// The message for a file with one quirk that also has this key and value, in its second line.
  private static String effectError(String keyAndValue) {
    return error(
        """
        { "format": 1, "quirks": [ { "id": "a", "name": "n", "source": "s",
        %s, "match": { "vendor": "0x1234" } } ] }
        """
            .formatted(keyAndValue));
  }

  @Test
  void emptyFile() {
    assertThat(error(""))
        .isEqualTo("f.json:1:1: the file is empty; write { \"format\": 1, \"quirks\": [ … ] }");
  }

  @Test
  void notJson() {
    assertThat(error("hello"))
        .isEqualTo(
            "f.json:1:1: not JSON: unrecognized token 'hello';"
                + " check for a missing comma, quote or bracket");
  }

  @Test
  void missingComma() {
    assertThat(error("{ \"format\": 1\n  \"quirks\": [] }"))
        .isEqualTo(
            "f.json:2:3: not JSON: unexpected character ('\"');"
                + " check for a missing comma, quote or bracket");
  }

  @Test
  void comment() {
    assertThat(error("// quirks\n{}"))
        .isEqualTo(
            "f.json:1:1: not JSON: unexpected character ('/');"
                + " check for a missing comma, quote or bracket");
  }

  @Test
  void cutFile() {
    assertThat(error("{ \"format\": 1,\n\"quirks\": ["))
        .startsWith("f.json:2:")
        .endsWith(
            "the file ends too early; a closing bracket or quote is missing, or the file was cut");
  }

  @Test
  void fileThatEndsInsideAText() {
    assertThat(error("{ \"format\": 1, \"quirks\": [ { \"id\": \"a"))
        .startsWith("f.json:1:")
        .endsWith(
            "the file ends too early; a closing bracket or quote is missing, or the file was cut");
  }

  @Test
  void garbageBehindTheEnd() {
    assertThat(error("{ \"format\": 1, \"quirks\": [] }\n{}"))
        .isEqualTo("f.json:2:1: there is more behind the end of the file's object; remove it");
  }

  @Test
  void listInsteadOfAnObject() {
    assertThat(error("[]"))
        .isEqualTo("f.json:1:1: a quirk file must be an object { … }, not a list");
  }

  @Test
  void nestingWithoutEnd() {
    assertThat(error("{ \"format\": 1, \"quirks\": " + "[".repeat(1_000_000)))
        .isEqualTo("f.json:1:27: a quirk must be an object { … }, not a list");
  }

  @Test
  void nestingWhereATextBelongs() {
    assertThat(effectError("\"refuse\": " + "[".repeat(1_000_000)))
        .isEqualTo("f.json:2:11: \"refuse\" must be text, not a list");
  }

  @Test
  void numberWithoutEnd() {
    assertThat(error("{ \"format\": " + "1".repeat(1_000_000) + " }"))
        .startsWith("f.json:1:")
        .contains("longer or deeper than anything in such a file: number value length")
        .endsWith("; check for a missing quote or bracket");
  }

  @Test
  void textWithoutEnd() {
    assertThat(effectError("\"refuse\": \"" + "x".repeat(1_000_000) + '"'))
        .startsWith("f.json:2:")
        .contains("longer or deeper than anything in such a file: string value length")
        .endsWith("; check for a missing quote or bracket");
  }

  @Test
  void keyWithoutEnd() {
    assertThat(error("{ \"" + "x".repeat(1_000_000) + "\": 1 }"))
        .startsWith("f.json:1:")
        .contains("longer or deeper than anything in such a file: name length");
  }

  @Test
  void hugeFile() {
    assertThat(error(new byte[QuirkFileReader.MAX_BYTES + 1]))
        .isEqualTo("f.json: larger than 16 MiB; split it into several files");
  }

  @Test
  void tooManyQuirks() {
    StringBuilder text = new StringBuilder("{ \"format\": 1, \"quirks\": [");
    for (int i = 0; i <= QuirkFileShape.MAX_QUIRKS; i++) {
      text.append(
          """
          {"id":"q%d","name":"n","source":"s","match":{"vendor":"0x1"},"exec":false},
          """
              .formatted(i));
    }

    assertThat(error(text.toString()))
        .isEqualTo(
            "f.json:65537:1: more than 65536 quirks in one file; split it into several files");
  }

  @Test
  void bytesThatAreNotUtf8() {
    byte[] bytes = "{ \"format\": 1,\n  \"qu\u00eerks\"".getBytes(StandardCharsets.ISO_8859_1);

    assertThat(error(bytes)).isEqualTo("f.json:2:6: not UTF-8 text; save the file as UTF-8");
  }

  @Test
  void misspeltKeyOfTheFile() {
    assertThat(error("{ \"formt\": 1 }"))
        .isEqualTo("f.json:1:3: unknown key \"formt\"; did you mean \"format\"?");
  }

  @Test
  void misspeltKeyOfAQuirk() {
    assertThat(effectError("\"shaddow\": []"))
        .isEqualTo("f.json:2:1: unknown key \"shaddow\"; did you mean \"shadow\"?");
  }

  @Test
  void misspeltKeyOfAMatch() {
    assertThat(matchError("{ \"vendr\": \"0x1\" }"))
        .isEqualTo("f.json:2:3: unknown key \"vendr\"; did you mean \"vendor\"?");
  }

  @Test
  void misspeltKeyOfAHiddenRegister() {
    assertThat(effectError("\"hidden\": [ { \"offest\": \"0x40\" } ]"))
        .isEqualTo("f.json:2:15: unknown key \"offest\"; did you mean \"offset\"?");
  }

  @Test
  void keyThatIsNearToNone() {
    assertThat(matchError("{ \"colour\": \"blue\" }"))
        .isEqualTo(
            "f.json:2:3: unknown key \"colour\"; the keys here are vendor, device, subsystem,"
                + " class, revision, function");
  }

  @Test
  void keyThatCannotBePrinted() {
    assertThat(error("{ \"\\u001b[31m\\n\": 1 }"))
        .isEqualTo("f.json:1:3: unknown key \"?[31m?\"; the keys here are $schema, format, quirks");
  }

  @Test
  void sameKeyTwice() {
    assertThat(effectError("\"exec\": false,\n\"exec\": false"))
        .isEqualTo("f.json:3:1: the key \"exec\" is here twice; remove one");
  }

  @Test
  void noFormat() {
    assertThat(error(" { \"quirks\": [] }"))
        .isEqualTo("f.json:1:2: the file has no \"format\"; add \"format\": 1");
  }

  @Test
  void formatOfTheFuture() {
    assertThat(error("{ \"format\": 2, \"quirks\": [] }"))
        .isEqualTo("f.json:1:13: format 2 is not known here, only 1; use a newer vpasid");
  }

  @Test
  void formatThatIsNoNumber() {
    assertThat(error("{ \"format\": \"1\" }"))
        .isEqualTo("f.json:1:13: \"format\" must be a whole number from 1 to 999999999, not \"1\"");
  }

  @Test
  void noQuirks() {
    assertThat(error("{ \"format\": 1 }"))
        .isEqualTo("f.json:1:1: the file has no \"quirks\"; add \"quirks\": [ … ]");
  }

  @Test
  void quirksThatAreNoList() {
    assertThat(error("{ \"format\": 1, \"quirks\": {} }"))
        .isEqualTo("f.json:1:26: \"quirks\" must be a list [ … ], not an object");
  }

  @Test
  void noId() {
    assertThat(error("{ \"format\": 1, \"quirks\": [\n  { \"name\": \"n\" } ] }"))
        .isEqualTo("f.json:2:3: the quirk has no \"id\"; add one that no other has");
  }

  @Test
  void idWithACapitalLetter() {
    assertThat(error("{ \"format\": 1, \"quirks\": [ { \"id\": \"Acme 1\" } ] }"))
        .isEqualTo(
            "f.json:1:36: the id \"Acme 1\" must be 1 to 100 of a-z, 0-9, '-', '.' and '_' and"
                + " start with a letter or digit");
  }

  @Test
  void sameIdTwice() {
    assertThat(
            error(
                """
                { "format": 1, "quirks": [
                  { "id": "a", "name": "n", "source": "s", "match": { "vendor": "0x1" }, "exec": false },
                  { "id": "a", "name": "n", "source": "s", "match": { "vendor": "0x2" }, "exec": false }
                ] }
                """))
        .isEqualTo("f.json:3:11: the id \"a\" is already used in line 2; choose another");
  }

  @Test
  void noName() {
    assertThat(error("{ \"format\": 1, \"quirks\": [ { \"id\": \"a\" } ] }"))
        .isEqualTo("f.json:1:28: quirk \"a\" has no \"name\"; name the devices");
  }

  @Test
  void noSource() {
    assertThat(error("{ \"format\": 1, \"quirks\": [ { \"id\": \"a\", \"name\": \"n\" } ] }"))
        .isEqualTo(
            "f.json:1:28: quirk \"a\" has no \"source\"; say where the knowledge comes from");
  }

  @Test
  void sourceOfBlanks() {
    assertThat(error("{ \"format\": 1, \"quirks\": [ { \"source\": \"  \" } ] }"))
        .isEqualTo("f.json:1:40: \"source\" is empty; write at least a word");
  }

  @Test
  void textOfTwoLines() {
    assertThat(error("{ \"format\": 1, \"quirks\": [ { \"notes\": \"one\\ntwo\" } ] }"))
        .isEqualTo(
            "f.json:1:39: \"notes\" holds a character that cannot be printed; write one line of"
                + " plain text");
  }

  @Test
  void textThatTurnsTheLineRound() {
    assertThat(error("{ \"format\": 1, \"quirks\": [ { \"notes\": \"a\\u202eb\" } ] }"))
        .isEqualTo(
            "f.json:1:39: \"notes\" holds a character that cannot be printed; write one line of"
                + " plain text");
  }

  @Test
  void longText() {
    String text = "x".repeat(QuirkFileShape.MAX_TEXT + 1);

    assertThat(effectError("\"refuse\": \"" + text + '"'))
        .isEqualTo("f.json:2:11: \"refuse\" is longer than 4000 characters; shorten it");
  }

  @Test
  void noMatch() {
    assertThat(
            error(
                """
                { "format": 1, "quirks": [ { "id": "a", "name": "n", "source": "s" } ] }
                """))
        .isEqualTo("f.json:1:28: quirk \"a\" has no \"match\"; say which devices");
  }

  @Test
  void noEffect() {
    assertThat(
            error(
                """
                { "format": 1, "quirks": [
                  { "id": "a", "name": "n", "source": "s", "match": { "vendor": "0x1" } } ] }
                """))
        .isEqualTo(
            "f.json:2:3: quirk \"a\" says nothing about its devices; add one of hidden, place,"
                + " available, shadow, maxWidth, exec, priv, refuse");
  }

  @Test
  void matchOfEverything() {
    assertThat(matchError("{ \"function\": \"virtual\" }"))
        .isEqualTo(
            "f.json:2:1: the match names neither \"vendor\" nor \"class\"; name at least one of"
                + " them");
  }

  @Test
  void deviceWithoutVendor() {
    assertThat(matchError("{ \"class\": \"0x0200xx\", \"device\": \"0x1\" }"))
        .isEqualTo("f.json:2:1: the match names \"device\" without \"vendor\"; add the vendor");
  }

  @Test
  void idAsANumber() {
    assertThat(matchError("{ \"vendor\": 4318 }"))
        .isEqualTo(
            "f.json:2:13: \"vendor\" must be a string such as \"0x10de\", not the number 4318");
  }

  @Test
  void idWithoutPrefix() {
    assertThat(matchError("{ \"vendor\": \"10de\" }"))
        .isEqualTo("f.json:2:13: \"vendor\" must be a string such as \"0x10de\", not \"10de\"");
  }

  @Test
  void idOfMoreThan16Bits() {
    assertThat(matchError("{ \"vendor\": \"0x10de0\" }"))
        .isEqualTo("f.json:2:13: \"vendor\" 0x10de0 is too large; the highest is 0xffff");
  }

  @Test
  void deviceRangeTurnedRound() {
    assertThat(matchError("{ \"vendor\": \"0x1\", \"device\": [ \"0x20-0x10\" ] }"))
        .isEqualTo(
            "f.json:2:32: \"device\" has a range that ends before it starts; write the lower end"
                + " first");
  }

  @Test
  void noDeviceInAList() {
    assertThat(matchError("{ \"vendor\": \"0x1\", \"device\": [] }"))
        .isEqualTo("f.json:2:30: \"device\" is an empty list; name at least one or leave it out");
  }

  @Test
  void subsystemWithoutPrefix() {
    assertThat(matchError("{ \"vendor\": \"0x1\", \"subsystem\": \"1028:0015\" }"))
        .isEqualTo(
            "f.json:2:33: \"subsystem\" must be a string such as \"0x1028:0x0015\" or, for a"
                + " vendor, \"0x1028\", not \"1028:0015\"");
  }

  @Test
  void shortClass() {
    assertThat(matchError("{ \"class\": \"0x0300\" }"))
        .isEqualTo(
            "f.json:2:12: \"class\" must be a string such as \"0x0300xx\", six digits, x for any,"
                + " not \"0x0300\"");
  }

  @Test
  void classOfFreeDigits() {
    assertThat(matchError("{ \"class\": \"0xxxxxxx\" }"))
        .isEqualTo("f.json:2:12: \"class\" fixes no digit; fix at least one or leave it out");
  }

  @Test
  void revisionOfMoreThan8Bits() {
    assertThat(matchError("{ \"vendor\": \"0x1\", \"revision\": \"0x100\" }"))
        .isEqualTo("f.json:2:32: \"revision\" 0x100 is too large; the highest is 0xff");
  }

  @Test
  void misspeltFunctionKind() {
    assertThat(matchError("{ \"vendor\": \"0x1\", \"function\": \"virtal\" }"))
        .isEqualTo(
            "f.json:2:32: \"function\" must be one of physical, virtual, not \"virtal\"; did you"
                + " mean \"virtual\"?");
  }

  @Test
  void hiddenRegisterWithoutOffset() {
    assertThat(effectError("\"hidden\": { \"length\": 4, \"what\": \"w\" }"))
        .isEqualTo("f.json:2:11: the hidden register has no \"offset\"; add it");
  }

  @Test
  void hiddenRegisterWithoutWhat() {
    assertThat(effectError("\"hidden\": { \"offset\": \"0x40\", \"length\": 4 }"))
        .isEqualTo("f.json:2:11: the hidden register has no \"what\"; say what it is");
  }

  @Test
  void hiddenRegisterWithoutSize() {
    assertThat(effectError("\"hidden\": { \"offset\": \"0x40\", \"what\": \"w\" }"))
        .isEqualTo(
            "f.json:2:11: the hidden register has neither \"length\" nor \"mask\"; add one of"
                + " them");
  }

  @Test
  void hiddenRegisterWithTwoSizes() {
    assertThat(
            effectError(
                "\"hidden\": { \"offset\": \"0x40\", \"what\": \"w\", \"length\": 4, \"mask\":"
                    + " \"0x1\" }"))
        .isEqualTo(
            "f.json:2:11: the hidden register has \"length\" and \"mask\"; keep one of them");
  }

  @Test
  void offsetOutsideTheSpace() {
    assertThat(effectError("\"hidden\": { \"offset\": \"0x1000\" }"))
        .isEqualTo("f.json:2:23: \"offset\" 0x1000 is too large; the highest is 0xfff");
  }

  @Test
  void offsetOfMoreThan64Bits() {
    assertThat(effectError("\"hidden\": { \"offset\": \"0x10000000000000000\" }"))
        .isEqualTo(
            "f.json:2:23: \"offset\" must be a string such as \"0xff8\", not"
                + " \"0x10000000000000000\"");
  }

  @Test
  void rangePastTheEnd() {
    assertThat(
            effectError("\"hidden\": { \"length\": 16, \"offset\": \"0xff8\", \"what\": \"w\" }"))
        .isEqualTo(
            "f.json:2:23: 0x10 bytes from 0xff8 reach past 0xfff, the end of the configuration"
                + " space; 0x8 fit");
  }

  @Test
  void lengthOfNothing() {
    assertThat(effectError("\"hidden\": { \"length\": 0 }"))
        .isEqualTo(
            "f.json:2:23: \"length\" must be a whole number from 1 to 4096, not the number 0");
    assertThat(effectError("\"hidden\": { \"length\": \"0x0\" }"))
        .isEqualTo("f.json:2:23: \"length\" is 0; write at least 1");
  }

  @Test
  void negativeLength() {
    assertThat(effectError("\"hidden\": { \"length\": -4 }"))
        .isEqualTo(
            "f.json:2:23: \"length\" must be a whole number from 1 to 4096, not the number -4");
  }

  @Test
  void maskOutsideTheDword() {
    assertThat(effectError("\"hidden\": { \"mask\": \"0x1ff000000\" }"))
        .isEqualTo("f.json:2:21: \"mask\" 0x1ff000000 is too large; the highest is 0xffffffff");
  }

  @Test
  void maskOfNoBit() {
    assertThat(effectError("\"hidden\": { \"mask\": \"0x0\" }"))
        .isEqualTo("f.json:2:21: \"mask\" names no bit; set at least one");
  }

  @Test
  void maskAtAnOffsetInsideADword() {
    assertThat(
            effectError(
                "\"hidden\": { \"offset\": \"0xd3\", \"mask\": \"0x80\", \"what\": \"w\" }"))
        .isEqualTo(
            "f.json:2:23: with a mask the offset is a dword's, a multiple of 4; write 0xd0 and"
                + " shift the mask");
  }

  @Test
  void unknownAccess() {
    assertThat(effectError("\"hidden\": { \"access\": \"wr\" }"))
        .isEqualTo(
            "f.json:2:23: \"access\" must be one of ro, rw, unknown, not \"wr\"; did you mean"
                + " \"rw\"?");
  }

  @Test
  void placeInTheStandardSpace() {
    assertThat(effectError("\"place\": \"0xfc\""))
        .isEqualTo(
            "f.json:2:10: \"place\" must be from 0x100 to 0xff8, where the 8 bytes of a PASID"
                + " capability fit");
  }

  @Test
  void placeInTheLastDword() {
    assertThat(effectError("\"place\": \"0xffc\""))
        .isEqualTo(
            "f.json:2:10: \"place\" must be from 0x100 to 0xff8, where the 8 bytes of a PASID"
                + " capability fit");
  }

  @Test
  void unalignedPlace() {
    assertThat(effectError("\"place\": \"0x182\""))
        .isEqualTo(
            "f.json:2:10: \"place\" must be a multiple of 4; extended capabilities are aligned");
  }

  @Test
  void availableRangeInTheStandardSpace() {
    assertThat(effectError("\"available\": [ \"0xf0-0x1ff\" ]"))
        .isEqualTo(
            "f.json:2:16: \"available\" must start at 0x100 or above, where extended capabilities"
                + " may be");
  }

  @Test
  void shadowedRangePastTheEnd() {
    assertThat(effectError("\"shadow\": \"0xff0-0x1000\""))
        .isEqualTo("f.json:2:11: \"shadow\" 0x1000 is too large; the highest is 0xfff");
  }

  @Test
  void widthAbove20() {
    assertThat(effectError("\"maxWidth\": 21"))
        .isEqualTo(
            "f.json:2:13: \"maxWidth\" must be a whole number from 1 to 20, not the number 21");
  }

  @Test
  void execOn() {
    assertThat(effectError("\"exec\": true"))
        .isEqualTo(
            "f.json:2:9: \"exec\" can only be false, not true; leave it out where it may be shown");
  }

  @Test
  void privThatIsNull() {
    assertThat(effectError("\"priv\": null"))
        .isEqualTo(
            "f.json:2:9: \"priv\" can only be false, not null; leave it out where it may be shown");
  }

  @Test
  void theExceptionKnowsItsPlace() {
    JsonFileException e =
        catchThrowableOfType(
            JsonFileException.class,
            () ->
                QuirkFileReader.read("{\n  7".getBytes(StandardCharsets.UTF_8), "f.json", "test"));

    assertThat(e.file()).isEqualTo("f.json");
    assertThat(e.line()).isEqualTo(2);
    assertThat(e.column()).isEqualTo(3);
  }
}
