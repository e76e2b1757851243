package io.vpasid.it.endurance;

import io.vpasid.guest.control.ControlClient;
import io.vpasid.guest.vfiouser.VfioUserClient;
import io.vpasid.it.isolation.DaemonProcess;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// One life of the daemon, from its start until it is told to end or is killed.
final class Life {
  /// A machine that is busy with something else is no fault of the daemon.
  static final Duration PATIENCE = Duration.ofSeconds(60);

  private static final VfioUserClient.Options CLIENT =
      VfioUserClient.Options.defaults().withTimeout(PATIENCE);

  private final int number;
  private final DaemonProcess daemon;
  private volatile boolean ending;

  /// @param number of the life, from 1
  Life(int number, DaemonProcess daemon) {
    this.number = number;
    this.daemon = daemon;
  }

  int number() {
    return number;
  }

  Process process() {
    return daemon.process();
  }

  /// Whether it has been told to end, so that what its clients do fails.
  boolean isEnding() {
    return ending;
  }

  Path control() {
    return daemon.control();
  }

  Path socket(int function) {
    return daemon.socket(function);
  }

  /// A client of the control socket.
  ControlClient controller() throws IOException {
    return ControlClient.connect(daemon.control(), PATIENCE);
  }

  /// A client of a function, which is there as soon as the daemon is done with the one before.
  VfioUserClient client(int function) throws IOException {
    long end = System.nanoTime() + PATIENCE.toNanos();
    while (true) {
      try {
        return VfioUserClient.connect(daemon.socket(function), CLIENT);
      } catch (IOException e) {
        if (ending || System.nanoTime() > end) {
          throw e;
        }
        LockSupport.parkNanos(10_000_000);
      }
    }
  }

  /// The first register of the vPASID of a function, where the daemon said that it is.
  int vpasid(int function) throws IOException {
    Matcher said =
        Pattern.compile("f" + function + ":.*vPASID at 0x([0-9a-f]+)")
            .matcher(daemon.announcement());
    if (!said.find()) {
      throw new IOException("f" + function + " has no vPASID: " + daemon.announcement());
    }
    return Integer.parseInt(said.group(1), 16);
  }

  /// Ends it as a power cut would.
  void kill() {
    ending = true;
    daemon.process().destroyForcibly().onExit().join();
  }

  /// Ends it by SIGTERM, in the middle of whatever it does.
  ///
  /// @throws IOException if it does not end in good order
  void end() throws IOException, InterruptedException {
    ending = true;
    daemon.process().destroy();
    if (!daemon.process().waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS)) {
      kill();
      throw new IOException("SIGTERM does not end the daemon");
    }
    if (daemon.process().exitValue() != 0) {
      throw new IOException("The daemon ended with " + daemon.process().exitValue());
    }
  }
}
