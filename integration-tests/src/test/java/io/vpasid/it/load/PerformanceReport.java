package io.vpasid.it.load;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/// Measures what the project promises about speed, each against its baseline in the same run, and
/// writes `docs/performance.md`. Started by `integration-tests/performance`, which says what it
/// wants.
///
/// The two sides of a ratio take turns, so that a machine that is busy with something else is so
/// for both; of all rounds the median counts, and the smallest and largest are told.
final class PerformanceReport {
  private static final int START_ROUNDS = 15;

  private final List<String> rows = new ArrayList<>();
  private final List<String> missed = new ArrayList<>();
  private final Path root;
  private final int rounds;

  private PerformanceReport(Path root, int rounds) {
    this.root = root;
    this.rounds = rounds;
  }

  /// @param arguments the folder of the checkout, the number of rounds, `sample=` with
  ///   libvfio-user's sample or nothing, `dumps=` with a folder of dumps or nothing
  static void main(String[] arguments) throws Exception {
    PerformanceReport report =
        new PerformanceReport(Path.of(arguments[0]), Integer.parseInt(arguments[1]));
    Optional<Path> sample = optional(arguments[2]);
    Optional<Path> dumps = optional(arguments[3]);
    String before = load();
    List<Growth> growths;
    try (SocketComparison sockets = SocketComparison.open(sample)) {
      report.sockets(sockets, sample.isPresent());
      Growth heap = SocketComparison.heap();
      double each = heap.slope();
      report.atMost("heap of an idle function, of 1,000", new Spread(each, each, each), " KiB", 20);
      growths = List.of(sockets.clients(report.rounds), heap);
    }
    report.start();
    report.scan(dumps);
    report.microbenchmarks();
    report.write(before, growths);
  }

  private static Optional<Path> optional(String argument) {
    String value = argument.substring(argument.indexOf('=') + 1);
    return value.isEmpty() ? Optional.empty() : Optional.of(Path.of(value));
  }

  /// Several measurements of one ratio or quantity.
  record Spread(double least, double median, double most) {
    static Spread of(List<Double> values) {
      double[] sorted = values.stream().mapToDouble(value -> value).sorted().toArray();
      return new Spread(sorted[0], sorted[sorted.length / 2], sorted[sorted.length - 1]);
    }

    String text(String unit) {
      return String.format(Locale.ROOT, "%.3g%s (%.3g to %.3g)", median, unit, least, most);
    }
  }

  private void sockets(SocketComparison sockets, boolean compared) throws IOException {
    if (!compared) {
      rows.add(
          "| vfio-user REGION_READ against libvfio-user's sample | left out: no source of"
              + " libvfio-user was named | | |");
      return;
    }
    for (SocketComparison.Cores cores : sockets.cores()) {
      SocketComparison.Ratios one = sockets.compare(cores, 1, rounds);
      String what = "vfio-user REGION_READ, one client, " + cores.text();
      atMost(what + ": p50, of libvfio-user's", one.median(), "×", 1.0);
      atMost(what + ": p99, of libvfio-user's", one.slowHundredth(), "×", 1.5);
      atLeast(what + ": per second, of libvfio-user's", one.rate(), "×", 1.0);
      SocketComparison.Ratios many = sockets.compare(cores, 64, rounds);
      atLeast(
          "64 under way, " + cores.text() + ": per second, of libvfio-user's",
          many.rate(),
          "×",
          1.5);
    }
    atLeast("100 clients: per second in all, of one client's", sockets.hundred(rounds), "×", 0.9);
  }

  /// `plan` of one dump beside `java -version`.
  private void start() throws IOException {
    String dump =
        root.resolve("guest-api/src/main/resources/io/vpasid/guest/cli/run/demo.txt").toString();
    String vpasid = root.resolve("vpasid").toString();
    String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
    Commands.run(vpasid, "--version");
    List<Double> ratios = new ArrayList<>();
    for (int i = 0; i < START_ROUNDS; i++) {
      double plain = Commands.seconds(java, "-version");
      ratios.add(Commands.seconds(vpasid, "plan", "--hw-info", "width=20", dump) / plain);
    }
    atMost("`./vpasid plan` of one dump, of `java -version`", Spread.of(ratios), "×", 4);
  }

  private void scan(Optional<Path> dumps) throws IOException {
    String what = "`scan` with its start, functions per second, of `lspci -F … -vvv`";
    if (dumps.isEmpty()) {
      rows.add("| " + what + " | left out: no folder of dumps was named | | |");
      return;
    }
    String[] lines =
        Commands.run(
                root.resolve("integration-tests/scan-benchmark").toString(),
                dumps.get().toString(),
                Integer.toString(rounds))
            .split("\n", -1);
    String last =
        Arrays.stream(lines)
            .filter(line -> line.contains("times as fast"))
            .findFirst()
            .orElseThrow();
    double ratio = Double.parseDouble(last.replaceAll("[^0-9.]+", " ").strip().split(" ", -1)[0]);
    String functions = lines[2].strip().replaceAll(" +", " ").split(" ", -1)[4];
    atLeast(what + ", " + functions + " functions", Spread.of(List.of(ratio)), "×", 4);
  }

  private void microbenchmarks() throws Exception {
    Microbenchmarks jmh = Microbenchmarks.run();
    double plain = jmh.score("ConfigReadBenchmark.byteArrayWord");
    atMost(
        "guest config read, 4 bytes, of a VarHandle on a byte array",
        jmh.spread("ConfigReadBenchmark.emulatedWord", score -> score / plain),
        "×",
        1.5);
    atMost(
        "the same, bytes allocated",
        jmh.spread("ConfigReadBenchmark.emulatedWord:gc.alloc.rate.norm", score -> score),
        " B",
        0.01);
    atMost(
        "walk, map, placement and synthesis of one function",
        jmh.spread("PlanBenchmark.planInOwnSlot", score -> score),
        " µs",
        10);
    atLeast(
        "PASID attach and detach, simulator, pairs per second",
        jmh.spread("SimulatedAttachBenchmark.attachAndDetach", score -> score),
        "",
        1_000_000);
  }

  private void atMost(String what, Spread value, String unit, double budget) {
    row(what, value, unit, "≤ " + number(budget) + unit, value.median() <= budget);
  }

  private void atLeast(String what, Spread value, String unit, double budget) {
    row(what, value, unit, "≥ " + number(budget) + unit, value.median() >= budget);
  }

  private void row(String what, Spread value, String unit, String budget, boolean met) {
    String row =
        "| "
            + what
            + " | "
            + value.text(unit)
            + " | "
            + budget
            + " | "
            + (met ? "met" : "**missed**")
            + " |";
    rows.add(row);
    System.out.println(row);
    if (!met) {
      missed.add(what);
    }
  }

  private static String number(double value) {
    return value == Math.rint(value)
        ? String.format(Locale.ROOT, "%,d", (long) value)
        : Double.toString(value);
  }

  private static String load() throws IOException {
    return Files.readString(Path.of("/proc/loadavg")).split(" ", -1)[0];
  }

  private void write(String loadBefore, List<Growth> growths) throws IOException {
    Path docs = root.resolve("docs");
    String cpu =
        Files.readAllLines(Path.of("/proc/cpuinfo")).stream()
            .filter(line -> line.startsWith("model name"))
            .findFirst()
            .map(line -> line.replaceFirst(".*: ", ""))
            .orElse(System.getProperty("os.arch"));
    StringBuilder text = new StringBuilder();
    text.append(
        """
        # Performance

        Written by `integration-tests/performance`; [CONTRIBUTING.md](../CONTRIBUTING.md) says how to run it. A value is the median
        of all rounds, with the smallest and the largest behind it. The two sides of a ratio take turns in one run.

        """);
    text.append("Measured on ")
        .append(LocalDate.now(ZoneOffset.UTC))
        .append(": ")
        .append(cpu)
        .append(", ");
    text.append(Runtime.getRuntime().availableProcessors()).append(" processors, Linux ");
    text.append(System.getProperty("os.version")).append(", Java ");
    text.append(Runtime.version()).append(". Load average ").append(loadBefore);
    text.append(" before and ")
        .append(load())
        .append(" afterwards: above the number of processors, the machine was busy");
    text.append(" with something else, and only ratios mean anything.\n\n");
    text.append("| what | measured | budget | |\n|---|---|---|---|\n");
    rows.forEach(row -> text.append(row).append('\n'));
    text.append("\n## Growth\n\n");
    for (Growth growth : growths) {
      Path picture = docs.resolve(growth.file());
      Files.writeString(picture, growth.svg());
      text.append("![").append(growth.title()).append("](").append(growth.file()).append(")\n\n");
      text.append(growth.table()).append('\n');
    }
    Path notes = root.resolve("integration-tests/performance-notes.md");
    text.append(Files.readString(notes));
    Files.writeString(docs.resolve("performance.md"), text);
    System.out.println(missed.isEmpty() ? "All budgets are met." : "Missed: " + missed);
  }
}
