package io.vpasid.guest.cli.terminal;

import java.io.PrintWriter;
import java.util.Locale;
import java.util.function.LongSupplier;

/// A bar on the error stream while work goes on; nothing where that is no terminal.
public final class Progress {
  private static final int WIDTH = 30;

  /// Least time between two pictures, in nanoseconds.
  private static final long PAUSE = 80_000_000;

  private final PrintWriter err;
  private final boolean shown;
  private final String things;
  private final int total;
  private final LongSupplier clock;
  private long drawn;
  private boolean any;

  /// @param things what the steps are, in the plural
  /// @param total steps until the end
  public Progress(PrintWriter err, boolean shown, String things, int total) {
    this(err, shown, things, total, System::nanoTime);
  }

  /// @param clock nanoseconds since any moment
  public Progress(PrintWriter err, boolean shown, String things, int total, LongSupplier clock) {
    this.things = things;
    this.err = err;
    this.shown = shown && total > 0;
    this.total = total;
    this.clock = clock;
    drawn = clock.getAsLong();
  }

  /// Shows that `done` steps are done.
  public void at(int done, String what) {
    long now = clock.getAsLong();
    if (shown && now - drawn >= PAUSE) {
      drawn = now;
      any = true;
      int full = (int) ((long) WIDTH * Math.min(done, total) / total);
      err.print(
          String.format(
              Locale.ROOT,
              "\r\u001b[K%s%s %d of %d %s, %s",
              "\u2588".repeat(full),
              "\u2591".repeat(WIDTH - full),
              done,
              total,
              things,
              what));
      err.flush();
    }
  }

  /// Takes the bar away.
  public void end() {
    if (any) {
      err.print("\r\u001b[K");
      err.flush();
    }
  }
}
