package io.vpasid.synth.quirk;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import io.vpasid.synth.json.JsonFileException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/// Whatever the bytes are, they are a quirk file or one clear line says why they are not.
class QuirkFileFuzzTest {
  private static final long SEED = 0x9d5;

  private static final byte[] SAMPLE =
      """
      { "$schema": "x", "format": 1, "quirks": [
        { "id": "a", "name": "n", "source": "s", "notes": "é 不 🚀",
          "match": [ { "vendor": "0x10de", "device": ["0x1", "0x10-0x1f"], "class": "0x0300xx" },
                     { "class": "0x0805xx", "subsystem": "0x1:0x2", "revision": "0xa0-0xa1",
                       "function": "virtual" } ],
          "hidden": [ { "offset": "0xff8", "length": 8, "access": "rw", "what": "w" },
                      { "offset": "0x488", "mask": "0x02000000", "evidence": "driver", "what": "w" } ],
          "place": "0x180", "available": ["0x180-0x24f"], "shadow": "0x700-0x707",
          "maxWidth": 16, "exec": false, "priv": false, "refuse": "r" } ] }
      """
          .getBytes(StandardCharsets.UTF_8);

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
    Random random = new Random(SEED);
    for (int i = 0; i < 5_000; i++) {
      byte[] bytes = new byte[random.nextInt(60)];
      random.nextBytes(bytes);
      readOrOneLine(bytes, i);
    }
  }

  @Test
  void changedBytes() {
    Random random = new Random(SEED);
    for (int i = 0; i < 5_000; i++) {
      byte[] bytes = SAMPLE.clone();
      int changes = 1 + random.nextInt(3);
      for (int k = 0; k < changes; k++) {
        bytes[random.nextInt(bytes.length)] = (byte) random.nextInt();
      }
      readOrOneLine(bytes, i);
    }
  }

  @Test
  void movedAndRepeatedTokens() {
    Random random = new Random(SEED);
    String sample = new String(SAMPLE, StandardCharsets.UTF_8);
    for (int i = 0; i < 5_000; i++) {
      StringBuilder text = new StringBuilder(sample);
      int changes = 1 + random.nextInt(4);
      for (int k = 0; k < changes; k++) {
        int at = random.nextInt(text.length());
        int end = Math.min(text.length(), at + random.nextInt(12));
        text.replace(at, end, TOKENS.get(random.nextInt(TOKENS.size())));
      }
      readOrOneLine(text.toString().getBytes(StandardCharsets.UTF_8), i);
    }
  }

  @Test
  void cutFiles() {
    for (int length = 0; length < SAMPLE.length; length++) {
      byte[] bytes = new byte[length];
      System.arraycopy(SAMPLE, 0, bytes, 0, length);
      readOrOneLine(bytes, length);
    }
  }

  private static void readOrOneLine(byte[] bytes, int round) {
    try {
      assertThat(QuirkFileReader.read(bytes, "f.json", "test")).isNotNull();
    } catch (JsonFileException e) {
      assertThat(e.getMessage())
          .as("round %d", round)
          .matches("f\\.json:[1-9][0-9]*:[1-9][0-9]*: \\P{Cntrl}+")
          .hasSizeLessThan(400);
    } catch (RuntimeException e) {
      fail("round " + round + ": " + new String(bytes, StandardCharsets.ISO_8859_1), e);
    }
  }
}
