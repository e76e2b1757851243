package io.vpasid.it.realkernel;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// A running `./vpasid serve`, as a user starts it.
///
/// @param socket where the function is served
/// @param vpasidOffset where the program says that it has put the vPASID
record ServeProcess(Process process, Path socket, int vpasidOffset) implements AutoCloseable {
  private static final Pattern ANNOUNCEMENT = Pattern.compile("vPASID at 0x([0-9a-f]+)");

  /// Starts it, and returns when it serves.
  ///
  /// @param address which function of [Accelerators#dump]
  static ServeProcess start(String address, Path socket) {
    Path vpasid = Path.of(System.getProperty("basedir", ""), "..", "vpasid").toAbsolutePath();
    List<String> command = new ArrayList<>();
    command.addAll(List.of(vpasid.normalize().toString(), "serve"));
    command.addAll(List.of(Accelerators.dump().toString(), "--function", address));
    command.addAll(List.of("--socket", socket.toString()));
    try {
      Process process =
          new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
      BufferedReader output = process.inputReader();
      String line = output.readLine();
      Matcher announcement = ANNOUNCEMENT.matcher(String.valueOf(line));
      if (!announcement.find()) {
        process.destroy();
        throw new AssertionError(command + " said: " + line);
      }
      return new ServeProcess(process, socket, Integer.parseInt(announcement.group(1), 16));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// Ends it as a power cut would, with no chance to clean up.
  void kill() {
    process.destroyForcibly().onExit().join();
  }

  /// Ends it as Ctrl-C does.
  @Override
  public void close() {
    process.destroy();
    process.onExit().join();
  }
}
