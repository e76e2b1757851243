package io.vpasid.guest.cli.serve;

import io.vpasid.guest.daemon.ProcessSignals;
import java.util.concurrent.CountDownLatch;

/// A signal that asks a process for its end.
enum EndSignal {
  TERM(15),
  INT(2);

  /// The exit code of a process that a signal ends is this and the signal's number.
  private static final int SIGNALLED = 128;

  private final int number;

  EndSignal(int number) {
    this.number = number;
  }

  /// Does something at the first of them, and ends the process at the second.
  static void onFirst(Runnable end) {
    CountDownLatch asked = new CountDownLatch(1);
    for (EndSignal signal : values()) {
      var _ =
          ProcessSignals.handle(
              signal.name(),
              () -> {
                if (asked.getCount() == 0) {
                  Runtime.getRuntime().halt(SIGNALLED + signal.number);
                }
                asked.countDown();
                end.run();
              });
    }
  }
}
