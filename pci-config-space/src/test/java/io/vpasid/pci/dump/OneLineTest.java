package io.vpasid.pci.dump;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class OneLineTest {

  @ParameterizedTest
  @CsvSource({
    "'a\u001fb', 'a b'", "'a\u007fb', 'a b'", "'a~b', 'a~b'", "'\u2028a\u2029', 'a'",
    "'a\ud800b', 'a b'", "'a\u202eb', 'a b'", "'a\udb40\udc01b', 'a  b'",
        "'a\ud83d\ude00b', 'a\ud83d\ude00b'",
  })
  void whatCannotBePrintedIsBlank(String text, String line) {
    assertThat(OneLine.of(text)).isEqualTo(line);
  }

  /// One, two, three and four bytes of UTF-8 for a character, at both ends of their ranges.
  @ParameterizedTest
  @CsvSource({
    "'~', 1",
    "'\u00a1', 2",
    "'\u07ff', 2",
    "'\u0800', 3",
    "'\uffee', 3",
    "'\ud800\udd00', 4",
  })
  void lineIsCutBehindTheLastWholeCharacter(String character, int bytes) {
    String text = character.repeat(5);

    assertThat(OneLine.of(text, 5 * bytes)).isEqualTo(text);
    assertThat(OneLine.of(text, 5 * bytes - 1)).isEqualTo(character.repeat(4));
    assertThat(OneLine.of(text, 4 * bytes)).isEqualTo(character.repeat(4));
  }

  @Test
  void blanksAtTheCutAreLeftOut() {
    assertThat(OneLine.of("abc   defghi", 5)).isEqualTo("abc");
    assertThat(OneLine.of("  abc  ", 99)).isEqualTo("abc");
    assertThat(OneLine.of(" ".repeat(50) + "abc", 5)).isEmpty();
  }

  @Test
  void placeHasALineWhereThereIsOne() {
    assertThat(OneLine.place("a\nb", 0)).isEqualTo("a b");
    assertThat(OneLine.place("a", 7)).isEqualTo("a:7");
  }
}
