package io.vpasid.guest.cli.terminal;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class ProgressTest {
  private final StringWriter screen = new StringWriter();
  private final AtomicLong now = new AtomicLong();

  private Progress progress(boolean shown, int total) {
    return new Progress(new PrintWriter(screen), shown, "files", total, now::get);
  }

  private void pass(int milliseconds) {
    now.addAndGet(milliseconds * 1_000_000L);
  }

  @Test
  void barGrowsAndGoesAway() {
    Progress progress = progress(true, 4);

    pass(100);
    progress.at(1, "3 functions");
    pass(100);
    progress.at(4, "9 functions");
    progress.end();

    assertThat(screen.toString())
        .isEqualTo(
            "\r\u001b[K"
                + "\u2588".repeat(7)
                + "\u2591".repeat(23)
                + " 1 of 4 files, 3 functions"
                + "\r\u001b[K"
                + "\u2588".repeat(30)
                + " 4 of 4 files, 9 functions"
                + "\r\u001b[K");
  }

  @Test
  void shortWorkShowsNothing() {
    Progress progress = progress(true, 2);

    pass(10);
    progress.at(1, "");
    progress.end();

    assertThat(screen.toString()).isEmpty();
  }

  @Test
  void pipeShowsNothing() {
    Progress progress = progress(false, 2);

    pass(1000);
    progress.at(1, "");
    progress.end();

    assertThat(screen.toString()).isEmpty();
  }
}
