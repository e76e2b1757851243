package io.vpasid.guest.daemon;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;

/// Ends the process when one of its threads has ended that should not have: what goes on without it
/// looks well and is not. Whoever started the process, such as systemd, starts it again; the kernel
/// detaches what was attached, and the next start replaces the sockets.
public final class LastWords {
  /// The exit code of a process that is broken: EX_SOFTWARE.
  static final int BROKEN = 70;

  private LastWords() {}

  /// Ends the process, from now on, when a thread ends by an exception that nothing catches.
  ///
  /// @param exitCode with which it ends
  public static void onDeathOfAThread(int exitCode) {
    Thread.setDefaultUncaughtExceptionHandler(
        (thread, cause) -> end("the thread '" + thread.getName() + "' died: " + cause, exitCode));
  }

  /// Ends the process if it has not ended by itself after some time.
  public static void unlessEndedIn(Duration time, int exitCode) {
    Thread.ofPlatform()
        .daemon()
        .name("end")
        .start(() -> {
          try {
            Thread.sleep(time);
            end("its end took more than " + time.toSeconds() + " seconds", exitCode);
          } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
          }
        });
  }

  /// Ends the process at once, with a line on the error stream. The log may be what has died.
  ///
  /// @param reason as a part of a sentence
  static void end(String reason, int exitCode) {
    try {
      byte[] line = ("vpasid: ending, because " + reason + "\n").getBytes(StandardCharsets.UTF_8);
      new FileOutputStream(FileDescriptor.err).write(line);
    } catch (IOException | OutOfMemoryError _) {
      // Then nothing is said.
    } finally {
      Runtime.getRuntime().halt(exitCode);
    }
  }
}
