package io.vpasid.it.realkernel;

import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;

/// A program of the host, as the shell of a [GuestMachine] runs it: with the host's files around
/// it, in the host's working directory.
final class HostCommand {
  private HostCommand() {}

  /// How the shell runs `words`.
  static String of(List<String> words) {
    return "chroot /host /bin/sh -c 'cd \"$0\" && exec \"$@\"' "
        + quoted(Path.of("").toAbsolutePath().toString())
        + ' '
        + words.stream().map(HostCommand::quoted).collect(Collectors.joining(" "));
  }

  /// How the shell runs a class of this JVM's class path.
  ///
  /// @param options more of them for the JVM
  static String ofJava(List<String> options, Class<?> main, String... arguments) {
    return of(GuestJava.prepare().command(options, main, arguments));
  }

  private static String quoted(String word) {
    return "'" + word.replace("'", "'\\''") + "'";
  }
}
