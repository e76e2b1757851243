package io.vpasid.it.isolation;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.locks.LockSupport;

/// Measures what an attack does to neighbours, and insists that it is not much.
final class Attack {
  /// What one of a hundred accesses may exceed, on a machine that has nothing else to do. What the
  /// machine itself costs, without an attack or for a thread that only sleeps, is allowed for.
  private static final double HUNDREDTH_MILLIS = 10;

  private static final double LONGEST_MILLIS = 2000;
  private static final long QUIET_NANOS = 500_000_000;
  private static final long LEAST_NANOS = 1_000_000_000;

  private Attack() {}

  /// Something that an attacker does.
  interface Step {
    void run() throws IOException, InterruptedException;
  }

  /// Runs an attack while the neighbours work, at least for a second.
  ///
  /// @param functions whose clients the neighbours are
  static void on(DaemonProcess daemon, String name, int[] functions, Step attack)
      throws IOException, InterruptedException {
    List<Neighbour> quiet = daemon.neighbours(functions);
    LockSupport.parkNanos(QUIET_NANOS);
    Neighbour.Latency before = Neighbour.end(quiet);
    List<Neighbour> neighbours = daemon.neighbours(functions);
    Metronome metronome = Metronome.start();
    long start = System.nanoTime();
    try {
      attack.run();
      LockSupport.parkNanos(LEAST_NANOS - (System.nanoTime() - start));
    } finally {
      Neighbour.Latency during = Neighbour.end(neighbours);
      double machine = metronome.end();
      note(name, "neighbours: " + during + " (quiet: " + before + ", machine: " + machine + " ms)");
      assertThat(during.hundredth())
          .as("%s: 99th of 100 accesses of the neighbours: %s; before: %s", name, during, before)
          .isLessThan(HUNDREDTH_MILLIS + 2 * Math.max(machine, before.hundredth()));
      assertThat(during.longest())
          .as("%s: longest access of a neighbour", name)
          .isLessThan(LONGEST_MILLIS);
    }
  }

  /// Tells a figure, for the table in `docs/isolation.md`.
  static void note(String name, Object figures) {
    System.out.printf(Locale.ROOT, "isolation: %s: %s%n", name, figures);
  }
}
