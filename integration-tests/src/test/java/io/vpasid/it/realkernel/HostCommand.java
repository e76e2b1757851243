package io.vpasid.it.realkernel;

import java.io.File;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
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

  /// How the shell runs a class of the class path, with the JDK of this JVM.
  ///
  /// @param options more of them for the JVM
  static String ofJava(List<String> options, String mainClass, String... arguments) {
    List<String> java = new ArrayList<>();
    java.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    // An emulated CPU is slow: what starts fast is fast.
    java.addAll(List.of("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData"));
    java.addAll(List.of("-Xlog:disable", "-Xlog:all=error:stderr"));
    java.addAll(
        List.of("--enable-native-access=ALL-UNNAMED", "--sun-misc-unsafe-memory-access=allow"));
    java.addAll(options);
    java.addAll(List.of("-cp", absoluteClassPath(), mainClass));
    java.addAll(List.of(arguments));
    return of(java);
  }

  private static String absoluteClassPath() {
    return Pattern.compile(File.pathSeparator)
        .splitAsStream(System.getProperty("java.class.path"))
        .map(path -> Path.of(path).toAbsolutePath().toString())
        .collect(Collectors.joining(File.pathSeparator));
  }

  private static String quoted(String word) {
    return "'" + word.replace("'", "'\\''") + "'";
  }
}
