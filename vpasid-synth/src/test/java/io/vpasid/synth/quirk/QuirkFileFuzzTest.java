package io.vpasid.synth.quirk;

import static org.assertj.core.api.Assertions.fail;

import io.vpasid.testing.Seeds;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import org.junit.jupiter.api.Test;

/// Whatever the bytes are, they are a quirk file or one clear line says why they are not.
class QuirkFileFuzzTest {
  private static final byte[] SAMPLE = sample();

  /// A file with every key, with which the fuzzer begins, too.
  private static byte[] sample() {
    try (InputStream in =
        Objects.requireNonNull(QuirkFileFuzzTest.class.getResourceAsStream("every-key.json"))) {
      return in.readAllBytes();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static final List<String> TOKENS =
      List.of(
          "{",
          "}",
          "[",
          "]",
          ":",
          ",",
          "\"",
          "\\",
          "\\u",
          "0x",
          "-",
          "1e9",
          "null",
          "true",
          "\"id\"",
          "\"match\"",
          "\"hidden\"",
          "\"offset\"",
          "\"0xfff\"",
          "4",
          "\n",
          "\u2028",
          "\u0000",
          "/*");

  @Test
  void randomBytes() {
    Seeds.forAll(
        5_000,
        seed -> {
          Random random = new Random(seed);
          byte[] bytes = new byte[random.nextInt(60)];
          random.nextBytes(bytes);
          readOrOneLine(bytes);
        });
  }

  @Test
  void changedBytes() {
    Seeds.forAll(
        5_000,
        seed -> {
          Random random = new Random(seed);
          byte[] bytes = SAMPLE.clone();
          int changes = 1 + random.nextInt(3);
          for (int k = 0; k < changes; k++) {
            bytes[random.nextInt(bytes.length)] = (byte) random.nextInt();
          }
          readOrOneLine(bytes);
        });
  }

  @Test
  void movedAndRepeatedTokens() {
    String sample = new String(SAMPLE, StandardCharsets.UTF_8);
    Seeds.forAll(
        5_000,
        seed -> {
          Random random = new Random(seed);
          StringBuilder text = new StringBuilder(sample);
          int changes = 1 + random.nextInt(4);
          for (int k = 0; k < changes; k++) {
            int at = random.nextInt(text.length());
            int end = Math.min(text.length(), at + random.nextInt(12));
            text.replace(at, end, TOKENS.get(random.nextInt(TOKENS.size())));
          }
          readOrOneLine(text.toString().getBytes(StandardCharsets.UTF_8));
        });
  }

  @Test
  void cutFiles() {
    for (int length = 0; length < SAMPLE.length; length++) {
      byte[] bytes = new byte[length];
      System.arraycopy(SAMPLE, 0, bytes, 0, length);
      readOrOneLine(bytes);
    }
  }

  private static void readOrOneLine(byte[] bytes) {
    try {
      QuirkFileTarget.fuzzerTestOneInput(bytes);
    } catch (RuntimeException | AssertionError e) {
      fail(new String(bytes, StandardCharsets.ISO_8859_1), e);
    }
  }
}
