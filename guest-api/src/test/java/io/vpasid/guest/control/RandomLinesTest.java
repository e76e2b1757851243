package io.vpasid.guest.control;

import io.vpasid.testing.Seeds;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.LongStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Lines that nobody designed; [LinesTarget] says what must hold.
///
/// `-Dvpasid.fuzz.lines=N` sends more.
class RandomLinesTest {
  private static final int LINES = Integer.getInteger("vpasid.fuzz.lines", 20_000);

  /// Lines to one session.
  private static final int BURST = 40;

  private static final List<String> PIECES =
      List.of(
          "{",
          "}",
          "[",
          "]",
          "\"",
          "\\",
          ",",
          ":",
          "\n",
          " ",
          "null",
          "true",
          "-1",
          "1e999",
          "4294967296",
          "0x7",
          "\u0000",
          "\u00e9",
          "\ud83d\ude00",
          "\"execute\"",
          "\"arguments\"",
          "\"id\"",
          "\"function\"",
          "\"pasid\"",
          "\"space\"",
          "\"0x100\"",
          "{\"execute\":\"pasid-attach\",\"arguments\":{\"function\":\"a\",\"pasid\":",
          "{\"execute\":\"query-version\"}",
          "{\"execute\":\"qmp_capabilities\"}",
          "{\"execute\":\"config-read\",\"arguments\":{\"function\":\"a\",\"offset\":0}}");

  static LongStream seeds() {
    return Seeds.all(3);
  }

  /// Invariant I8: no line makes the control socket throw, loop or allocate without bound.
  @ParameterizedTest
  @MethodSource("seeds")
  void everyReplyIsAnAnswer(long seed) {
    Random random = new Random(seed);
    for (int sent = 0; sent < LINES; sent += BURST) {
      ByteArrayOutputStream input = new ByteArrayOutputStream();
      for (int i = 0; i < BURST; i++) {
        input.writeBytes(bytes(random));
      }
      LinesTarget.fuzzerTestOneInput(input.toByteArray());
    }
  }

  private static byte[] bytes(Random random) {
    StringBuilder line = new StringBuilder();
    int pieces = 1 + random.nextInt(8);
    for (int i = 0; i < pieces; i++) {
      line.append(PIECES.get(random.nextInt(PIECES.size())));
    }
    byte[] bytes = line.toString().getBytes(StandardCharsets.UTF_8);
    if (random.nextInt(20) != 0) {
      return bytes;
    }
    byte[] noise = new byte[random.nextInt(64)];
    random.nextBytes(noise);
    byte[] both = Arrays.copyOf(bytes, bytes.length + noise.length);
    System.arraycopy(noise, 0, both, bytes.length, noise.length);
    return both;
  }
}
