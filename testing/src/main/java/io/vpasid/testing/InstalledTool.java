package io.vpasid.testing;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/// Programs of this system that tests compare with. A test that runs one says so with a [Need].
public final class InstalledTool {
  private InstalledTool() {}

  /// True if there is a program of this name on the PATH.
  static boolean isInstalled(String name) {
    String path = System.getenv("PATH");
    return path != null
        && Arrays.stream(path.split(File.pathSeparator))
            .anyMatch(folder -> Files.isExecutable(Path.of(folder, name)));
  }

  /// True if a command ends well.
  static boolean succeeds(String... command) {
    try {
      return new ProcessBuilder(command)
              .redirectErrorStream(true)
              .redirectOutput(ProcessBuilder.Redirect.DISCARD)
              .start()
              .waitFor()
          == 0;
    } catch (IOException e) {
      return false;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }

  /// What a program prints to its standard output.
  ///
  /// @param command the program's name, which is that of a [Need], then its arguments
  /// @throws AssertionError if it ends with another code than 0; with what it said
  public static String run(String... command) {
    Need.valueOf(command[0].toUpperCase(Locale.ROOT).replace('-', '_')).require();
    try {
      Path errors = Files.createTempFile(command[0], ".err");
      try {
        Process process =
            new ProcessBuilder(List.of(command)).redirectError(errors.toFile()).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        int code = process.waitFor();
        if (code != 0) {
          throw new AssertionError(
              String.join(" ", command)
                  + " ended with "
                  + code
                  + ": "
                  + Files.readString(errors)
                  + output);
        }
        return output;
      } finally {
        Files.delete(errors);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError(e);
    }
  }
}
