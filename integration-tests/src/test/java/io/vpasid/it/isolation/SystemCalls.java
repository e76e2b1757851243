package io.vpasid.it.isolation;

import io.vpasid.testing.InstalledTool;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.NavigableSet;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/// The system calls of a process as strace tells them, and those that systemd's unit permits.
public final class SystemCalls {
  /// As in `4711<vfio-user-2-1> recvmsg(7, …`.
  private static final Pattern CALL = Pattern.compile("^\\d+<([^>]*)> (\\w+)\\(");

  private static final Path UNIT = Path.of("../packaging/vpasid.service");

  private SystemCalls() {}

  /// The words in front of a command that is to be traced.
  ///
  /// @param trace file to write
  public static List<String> tracing(Path trace) {
    return List.of("strace", "-D", "-f", "-Y", "-qq", "-e", "signal=none", "-o", trace.toString());
  }

  /// Those of all threads.
  public static NavigableSet<String> all(SortedMap<String, NavigableSet<String>> byThread) {
    NavigableSet<String> all = new TreeSet<>();
    byThread.values().forEach(all::addAll);
    return all;
  }

  /// The names of the calls by the kind of thread, of a trace.
  public static SortedMap<String, NavigableSet<String>> byThread(Path trace) throws IOException {
    SortedMap<String, NavigableSet<String>> calls = new TreeMap<>();
    try (Stream<String> lines = Files.lines(trace, StandardCharsets.ISO_8859_1)) {
      lines
          .map(CALL::matcher)
          .filter(Matcher::find)
          // A number that is no call's: strace takes the id of a new thread, which clone3 returns,
          // for a call of that thread.
          .filter(call -> !call.group(2).startsWith("syscall_0x"))
          .forEach(call ->
              calls
                  .computeIfAbsent(kindOf(call.group(1)), _ -> new TreeSet<>())
                  .add(call.group(2)));
    }
    return calls;
  }

  /// The threads of which there are several, or which the JVM has for itself, are one kind each.
  private static String kindOf(String thread) {
    String kind = thread.replaceFirst("[ -]?[0-9].*$", "");
    return Set.of("vfio-user", "control", "worker", "log", "requests").contains(kind)
        ? kind
        : "the JVM";
  }

  /// What the lines `SystemCallFilter=` of the unit permit, as systemd adds and takes away.
  public static Set<String> permittedByTheUnit() throws IOException {
    Set<String> permitted = new TreeSet<>();
    for (String line : Files.readAllLines(UNIT)) {
      if (line.startsWith("SystemCallFilter=")) {
        String names = line.substring("SystemCallFilter=".length());
        boolean without = names.startsWith("~");
        for (String name : names.replace("~", "").split(" ", -1)) {
          Set<String> expanded = expanded(name);
          if (without) {
            permitted.removeAll(expanded);
          } else {
            permitted.addAll(expanded);
          }
        }
      }
    }
    // A list of what is permitted always has these.
    permitted.addAll(expanded("@default"));
    return permitted;
  }

  private static Set<String> expanded(String name) {
    Set<String> all = new TreeSet<>();
    if (!name.startsWith("@")) {
      all.add(name);
      return all;
    }
    InstalledTool.run("systemd-analyze", "syscall-filter", name)
        .lines()
        .skip(1)
        .map(String::strip)
        .filter(line -> !line.startsWith("#"))
        .forEach(line -> all.addAll(expanded(line)));
    return all;
  }
}
