package io.vpasid.guest.daemon;

import io.vpasid.guest.config.InputException;
import io.vpasid.guest.config.TenantConfig;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;

/// The command that starts the process of a tenant: that of this process, with less memory.
///
/// ```text
/// setpriv --reuid=64055 …  java OPTIONS SMALL -Xmx49m -jar vpasid.jar  serve /etc/vpasid/serve.json --part
///  if it has a user of       as this process was started                 which reads its part of the
///  its own                                                               configuration from its input
/// ```
///
/// @param before the words up to the options of the JVM
/// @param main the words from the program to `serve`, without it
record ChildCommand(List<String> before, List<String> main, Path file) {
  private static final Path OF_THIS_PROCESS = Path.of("/proc/self/cmdline");

  /// Words with which the program begins.
  private static final Set<String> PROGRAM =
      Set.of("-jar", "-cp", "-classpath", "--class-path", "-p", "--module-path", "-m", "--module");

  /// What a process of few functions does with less memory: docs/isolation.md has the figures. The
  /// AOT cache stays where it was made for, so that processes share its pages.
  private static final List<String> SMALL =
      List.of(
          "-XX:+UseSerialGC",
          "-XX:TieredStopAtLevel=1",
          "-Xms8m",
          "-XX:TrimNativeHeapInterval=1000",
          "-XX:+UnlockDiagnosticVMOptions",
          "-XX:ArchiveRelocationMode=0",
          "-XX:+ExitOnOutOfMemoryError");

  private static final long USUAL_HEAP = 48 << 20;

  /// The option of `serve` by which a process serves the part of a configuration that is the first
  /// line of its input, and ends when that does.
  static final String PART = "--part";

  /// @param file of the whole configuration
  /// @throws InputException if this process was not started as `serve` is
  static ChildCommand ofThisProcess(Path file) {
    List<String> words;
    try {
      words =
          Arrays.asList(
              new String(Files.readAllBytes(OF_THIS_PROCESS), StandardCharsets.UTF_8).split("\0"));
    } catch (IOException e) {
      throw new InputException(OF_THIS_PROCESS + " cannot be read: " + e.getMessage(), e);
    }
    return of(
        ProcessHandle.current().info().command().orElse(words.getFirst()),
        words.subList(1, words.size()),
        file);
  }

  /// @param java the program that runs Java
  /// @param words its arguments
  static ChildCommand of(String java, List<String> words, Path file) {
    int serve = words.indexOf("serve");
    int program = 0;
    while (program < serve && !PROGRAM.contains(words.get(program))) {
      program++;
    }
    if (serve < 0 || program == serve) {
      throw new InputException(
          "--isolate starts further processes as this one was started, and finds no 'java -jar FILE serve' or 'java -cp PATH MAIN serve' in "
              + OF_THIS_PROCESS);
    }
    List<String> before = new ArrayList<>(List.of(java));
    before.addAll(words.subList(0, program));
    return new ChildCommand(List.copyOf(before), List.copyOf(words.subList(program, serve)), file);
  }

  /// The words for a tenant.
  ///
  /// @param functions how many it has
  List<String> words(TenantConfig tenant, int functions) {
    List<String> words = new ArrayList<>();
    if (tenant.user().isPresent() || tenant.group().isPresent()) {
      words.addAll(List.of("setpriv", "--no-new-privs", "--clear-groups", "--inh-caps=-all"));
      tenant.group().ifPresent(id -> words.add("--regid=" + id));
      tenant.user().ifPresent(id -> words.add("--reuid=" + id));
    }
    words.addAll(before);
    words.addAll(SMALL);
    long heap = tenant.heap().orElse(USUAL_HEAP + ((long) functions << 20));
    words.add("-Xmx" + (heap >> 20) + "m");
    words.addAll(main);
    words.addAll(List.of("serve", file.toString(), PART));
    return words;
  }
}
