package io.vpasid.it.endurance;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/// What a JVM takes, seen from outside.
///
/// @param heap bytes of live objects, after a full collection
/// @param resident bytes of memory that it has at the moment, as `smaps_rollup` counts them
/// @param mappings lines of `maps`
/// @param descriptors open files
/// @param threads of the process, those of the JVM included
/// @param classes the bytes of the classes that take most, the largest first
record ProcessFigures(
    long heap,
    long resident,
    int mappings,
    int descriptors,
    int threads,
    Map<String, Long> classes) {
  private static final int CLASSES = 100;

  /// ` 1: 12345 1234567 [B (java.base@25)`.
  private static final Pattern CLASS = Pattern.compile("\\s*\\d+:\\s+\\d+\\s+(\\d+)\\s+(\\S+).*");

  /// `Total 12345 1234567`.
  private static final Pattern TOTAL = Pattern.compile("Total\\s+\\d+\\s+(\\d+)");

  private static final Pattern RESIDENT = Pattern.compile("Rss:\\s+(\\d+) kB");

  /// Has the JVM collect its garbage and counts what is left, then asks the kernel.
  ///
  /// @throws IOException if the process does not answer, or has ended
  static ProcessFigures of(Process process) throws IOException {
    long heap = -1;
    Map<String, Long> classes = new LinkedHashMap<>();
    for (String line : histogram(process.pid()).split("\n", -1)) {
      Matcher one = CLASS.matcher(line);
      if (one.matches() && classes.size() < CLASSES) {
        classes.merge(one.group(2), Long.parseLong(one.group(1)), Long::sum);
      }
      Matcher total = TOTAL.matcher(line.strip());
      if (total.matches()) {
        heap = Long.parseLong(total.group(1));
      }
    }
    if (heap < 0) {
      throw new IOException("jcmd did not tell the heap of process " + process.pid());
    }
    Path own = Path.of("/proc", Long.toString(process.pid()));
    Matcher resident = RESIDENT.matcher(Files.readString(own.resolve("smaps_rollup")));
    if (!resident.find()) {
      throw new IOException("smaps_rollup of process " + process.pid() + " has no Rss");
    }
    return new ProcessFigures(
        heap,
        1024 * Long.parseLong(resident.group(1)),
        Files.readAllLines(own.resolve("maps")).size(),
        entries(own.resolve("fd")),
        entries(own.resolve("task")),
        classes);
  }

  private static int entries(Path folder) throws IOException {
    try (Stream<Path> all = Files.list(folder)) {
      return (int) all.count();
    }
  }

  private static String histogram(long pid) throws IOException {
    String jcmd = Path.of(System.getProperty("java.home"), "bin", "jcmd").toString();
    Process process =
        new ProcessBuilder(
                jcmd,
                "-J-XX:TieredStopAtLevel=1",
                "-J-XX:+UseSerialGC",
                Long.toString(pid),
                "GC.class_histogram")
            .redirectErrorStream(true)
            .start();
    String text = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    if (process.onExit().join().exitValue() != 0) {
      throw new IOException("jcmd " + pid + " GC.class_histogram: " + text.strip());
    }
    return text;
  }
}
