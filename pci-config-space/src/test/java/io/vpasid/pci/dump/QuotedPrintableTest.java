package io.vpasid.pci.dump;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// The encoding of RFC 2045, section 6.7.
class QuotedPrintableTest {

  private static boolean is(String text) {
    return QuotedPrintable.is(text.getBytes(US_ASCII));
  }

  private static QuotedPrintable.Decoded decode(String text) {
    return QuotedPrintable.decode(text.getBytes(US_ASCII));
  }

  @ParameterizedTest
  @ValueSource(strings = {"=20", "=0A", "=3D", "=\n", "= \t\r\n"})
  void eightSignsOfWhichOneIsTypicalAreAnEncoding(String typical) {
    assertThat(is(typical + "=41".repeat(7))).isTrue();
    assertThat(is("=41".repeat(7) + typical)).isTrue();
    assertThat(is(typical + "=41".repeat(6))).isFalse();
    assertThat(is("=41".repeat(8))).isFalse();
  }

  @Test
  void textMayEndInASignOrInItsValue() {
    assertThat(is("=20".repeat(7) + "=")).isTrue();
    assertThat(is("=20".repeat(7) + "= ")).isTrue();
    assertThat(is("=20".repeat(8))).isTrue();
    assertThat(is("=20".repeat(8) + "=2")).isFalse();
  }

  @ParameterizedTest
  @ValueSource(strings = {"=3d", "=G0", "=0G", "=a0", "=="})
  void otherSignIsNoEncoding(String sign) {
    assertThat(is("=20".repeat(8) + sign + ' ')).isFalse();
  }

  @Test
  void signsBecomeBytesAndLinesAreJoined() {
    assertThat(decode("a=3Db=\nc= \t\r\nd=0Ae=FF=").bytes())
        .isEqualTo(new byte[] {'a', '=', 'b', 'c', 'd', '\n', 'e', (byte) 0xff});
  }

  @Test
  void linesAreThoseOfTheMail() {
    QuotedPrintable.Decoded decoded = decode("a=\n=\nb\nc=0Ad\n=\ne");

    assertThat(IntStream.rangeClosed(0, 6).map(decoded::encodedLine))
        .containsExactly(0, 1, 4, 4, 6, 6, 6);
  }

  @Test
  void anyNumberOfLinesIsCounted() {
    QuotedPrintable.Decoded decoded = decode("a=\nb\n".repeat(200));

    assertThat(decoded.encodedLine(64)).isEqualTo(127);
    assertThat(decoded.encodedLine(200)).isEqualTo(399);
  }
}
