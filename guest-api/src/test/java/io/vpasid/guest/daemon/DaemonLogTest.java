package io.vpasid.guest.daemon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.vpasid.guest.config.LogStyle;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.slf4j.event.Level;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class DaemonLogTest {
  private static final LogStyle WARNINGS = new LogStyle(LogStyle.Format.AUTO, LogStyle.Level.WARN);

  private final ByteArrayOutputStream out = new ByteArrayOutputStream();

  private String text() {
    return out.toString(StandardCharsets.UTF_8);
  }

  @Test
  void linesAreJsonWhereNobodyLooks() {
    try (DaemonLog log = DaemonLog.to(out, LogStyle.DEFAULT, false)) {
      log.say(Level.INFO, "A function\nis \"served\".", EventData.of("function", "dsa"));
    }
    JsonNode line = new JsonMapper().readTree(text());

    assertThat(text()).hasLineCount(1);
    assertThat(line.path("message").asString("")).isEqualTo("A function\nis \"served\".");
    assertThat(line.path("function").asString("")).isEqualTo("dsa");
    assertThat(line.path("level").asString("")).isEqualTo("info");
    assertThat(line.path("time").asString("")).matches("\\d{4}-\\d\\d-\\d\\dT[0-9:.]+Z");
  }

  @Test
  void linesAreTextOnATerminalWithoutControlCharacters() {
    try (DaemonLog log = DaemonLog.to(out, LogStyle.DEFAULT, true)) {
      log.say(Level.WARN, "Beware\n\u001b[31m", EventData.of("function", "dsa"));
    }

    assertThat(text()).matches("[0-9-]+ [0-9:]+ WARN  Beware \\[31m \\(function=dsa\\)\n");
  }

  @Test
  void lessSevereIsLeftOut() {
    try (DaemonLog log = DaemonLog.to(out, WARNINGS, true)) {
      log.say(Level.INFO, "no");
      log.say(Level.WARN, "yes");
    }

    assertThat(text()).contains("yes").doesNotContain("no\n").hasLineCount(1);
  }

  @Test
  void fullDiskCostsLinesAndNothingElse() {
    OutputStream full =
        new OutputStream() {
          @Override
          public void write(int b) throws IOException {
            throw new IOException("No space left on device");
          }
        };
    try (DaemonLog log = DaemonLog.to(full, LogStyle.DEFAULT, false)) {
      log.say(Level.INFO, "one");
      log.say(Level.INFO, "two");
      await().until(() -> log.lost() == 2);
    }
  }

  @Test
  void streamThatNobodyReadsCostsLinesAndNobodyWaits() {
    CountDownLatch read = new CountDownLatch(1);
    OutputStream stuck =
        new OutputStream() {
          @Override
          public void write(int b) {
            try {
              read.await();
            } catch (InterruptedException e) {
              Thread.currentThread().interrupt();
            }
          }
        };
    try (DaemonLog log = DaemonLog.to(stuck, LogStyle.DEFAULT, false)) {
      for (int i = 0; i < 5000; i++) {
        log.say(Level.INFO, "line");
      }
      assertThat(log.lost()).isBetween(3900L, 4000L);
      read.countDown();
    }
  }

  @Test
  void aFunctionWithTooMuchToSayIsCutShortAndOthersAreNot() {
    try (DaemonLog log = DaemonLog.to(out, LogStyle.DEFAULT, true)) {
      for (int i = 0; i < 600; i++) {
        log.say(Level.INFO, "PASIDs are enabled.", EventData.of("function", "loud"));
      }
      log.say(Level.INFO, "PASIDs are enabled.", EventData.of("function", "quiet"));
      assertThat(log.leftOut()).isBetween(480L, 500L);
    }

    assertThat(text().lines().filter(line -> line.contains("(function=loud)")).count())
        .isBetween(100L, 120L);
    assertThat(text()).contains("(function=quiet)");
    assertThat(text()).containsPattern("left out.*\\(source=loud lines=(4[89]\\d|500)\\)");
  }
}
