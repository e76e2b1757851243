package io.vpasid.guest.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;

/// Processes that go on for ever, but for what has happened to them.
class LastWordsTest {
  private static final int CODE = 70;

  /// What happens, by the first argument.
  static final class Program {
    private Program() {}

    static void main(String[] arguments) throws InterruptedException {
      switch (arguments[0]) {
        case "thread" -> {
          LastWords.onDeathOfAThread(CODE);
          Thread.ofPlatform()
              .name("log")
              .start(() -> {
                throw new OutOfMemoryError("Java heap space");
              });
        }
        default -> LastWords.unlessEndedIn(Duration.ofMillis(1), CODE);
      }
      new CountDownLatch(1).await();
    }
  }

  private static String saidBy(String what) throws IOException, InterruptedException {
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                String.join(
                    File.pathSeparator,
                    System.getProperty("java.class.path", ""),
                    System.getProperty("jdk.module.path", "")),
                Program.class.getName(),
                what)
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .start();
    String said = new String(process.getErrorStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).as(said).isEqualTo(CODE);
    return said;
  }

  @Test
  void aThreadThatDiesEndsTheProcess() throws IOException, InterruptedException {
    assertThat(saidBy("thread"))
        .contains("vpasid: ending, because the thread 'log' died: ")
        .contains("Java heap space");
  }

  @Test
  void anEndThatTakesTooLongIsCutShort() throws IOException, InterruptedException {
    assertThat(saidBy("late")).contains("its end took more than 0 seconds");
  }
}
