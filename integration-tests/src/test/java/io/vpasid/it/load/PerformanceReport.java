package io.vpasid.it.load;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.ArrayList;
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
  private static final String LSPCI = "`lspci -F … -vvv` on the same files";
  private static final String SAMPLE = "libvfio-user's sample";
  private static final int BUSY_POLL = 100;
  private static final int START_ROUNDS = 15;

  /// Rounds of what takes `lspci` most of a minute.
  private static final int LONG_ROUNDS = 2;

  private static final int FLEET = 30_000;

  /// What is none: a JVM does something now and then.
  private static final double IDLE_PERCENT = 0.5;

  private final Budgets budgets = new Budgets();
  private final List<Growth> growths = new ArrayList<>();
  private final Path root;
  private final int rounds;
  private final Optional<Path> sample;
  private final Optional<Path> dumps;
  private final int most;
  private Optional<Fleet> fleet = Optional.empty();

  /// What can be measured without the rest.
  private enum Part {
    SOCKETS,
    START,
    SCAN,
    SCENARIOS,
    QUIRKS,
    PASIDS,
    MICROBENCHMARKS
  }

  private PerformanceReport(
      Path root, int rounds, Optional<Path> sample, Optional<Path> dumps, int most) {
    this.root = root;
    this.rounds = rounds;
    this.sample = sample;
    this.dumps = dumps;
    this.most = most;
  }

  /// @param arguments the folder of the checkout, the number of rounds, `sample=` with
  ///   libvfio-user's sample or nothing, `dumps=` with a folder of dumps or nothing, `most=` with
  ///   the largest number of functions to scan, `only=` with a part to measure and not to write
  ///   down, or nothing
  static void main(String[] arguments) throws Exception {
    PerformanceReport report =
        new PerformanceReport(
            Path.of(arguments[0]),
            Integer.parseInt(arguments[1]),
            optional(arguments[2]).map(Path::of),
            optional(arguments[3]).map(Path::of),
            optional(arguments[4]).map(Integer::valueOf).orElseThrow());
    Optional<Part> only =
        optional(arguments[5]).map(part -> Part.valueOf(part.toUpperCase(Locale.ROOT)));
    String before = load();
    for (Part part : Part.values()) {
      if (only.isEmpty() || only.get() == part) {
        report.measure(part);
      }
    }
    if (only.isEmpty()) {
      report.write(before);
    } else {
      report.growths.forEach(growth -> System.out.println(growth.table()));
      report.fleet.ifPresent(fleet -> System.out.println(fleet.text()));
    }
  }

  private static Optional<String> optional(String argument) {
    String value = argument.substring(argument.indexOf('=') + 1);
    return value.isEmpty() ? Optional.empty() : Optional.of(value);
  }

  private void measure(Part part) throws Exception {
    switch (part) {
      case SOCKETS -> sockets();
      case START -> start();
      case SCAN -> scan();
      case SCENARIOS -> scenarios();
      case QUIRKS -> growths.addAll(QuirkGrowth.measure(rounds));
      case PASIDS -> pasids();
      case MICROBENCHMARKS -> microbenchmarks();
    }
  }

  private void sockets() throws IOException {
    try (SocketComparison sockets = SocketComparison.open(sample)) {
      budgets.about("Round trips");
      if (sample.isPresent()) {
        besideSample(sockets);
      } else {
        budgets.leftOut("vfio-user REGION_READ", "no source of libvfio-user was named");
      }
      budgets
          .about("Clients")
          .atLeast("100 clients: per second in all", "one client", sockets.hundred(rounds), 0.9);
      Growth heap = SocketComparison.heap();
      budgets
          .about("Idle functions")
          .atMost("heap of an idle function, of 10,000", Spread.of(heap.slope()), " KiB", 20);
      budgets.atMost(
          "a processor's time that 1,000 idle functions take",
          SocketComparison.idle(rounds),
          " %",
          IDLE_PERCENT);
      growths.add(sockets.clients(rounds));
      growths.add(heap);
    }
  }

  private void besideSample(SocketComparison sockets) throws IOException {
    for (SocketComparison.Cores cores : sockets.cores()) {
      String what = "vfio-user REGION_READ, one client, " + cores.text() + ": ";
      SocketComparison.Measures one = sockets.compare(cores, 1, 0, rounds);
      budgets.atMost(what + "p50", SAMPLE, one.median(), 1.0);
      budgets.atMost(what + "p99", SAMPLE, one.slowHundredth(), 1.5);
      budgets.atLeast(what + "per second", SAMPLE, one.rate(), 1.0);
      SocketComparison.Measures many = sockets.compare(cores, 64, 0, rounds);
      budgets.atLeast("64 under way, " + cores.text() + ": per second", SAMPLE, many.rate(), 1.5);
      if (cores == SocketComparison.Cores.TWO) {
        String polled =
            "one client, " + cores.text() + ", with a busy poll of " + BUSY_POLL + " µs: ";
        SocketComparison.Measures polling = sockets.compare(cores, 1, BUSY_POLL, rounds);
        budgets.atMost(polled + "p50", SAMPLE, polling.median(), 1.0);
        budgets.atLeast(polled + "per second", SAMPLE, polling.rate(), 1.0);
      }
    }
  }

  /// `plan` of one dump beside `java -version`.
  private void start() throws IOException {
    String dump =
        root.resolve("guest-api/src/main/resources/io/vpasid/guest/cli/run/demo.txt").toString();
    String vpasid = root.resolve("vpasid").toString();
    String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
    Commands.run(vpasid, "--version");
    Comparison.Pairs pairs = new Comparison.Pairs();
    for (int i = 0; i < START_ROUNDS; i++) {
      pairs.add(
          1e3 * Commands.seconds(java, "-version"),
          1e3 * Commands.seconds(vpasid, "plan", "--hw-info", "width=20", dump));
    }
    budgets
        .about("Start")
        .atMost("`./vpasid plan` of one dump", "`java -version`", pairs.in(" ms"), 4);
  }

  private void scan() throws IOException {
    try (Scans scans = Scans.open(root)) {
      budgets.about("Scan");
      String what = "`scan` with its start, functions per second";
      if (dumps.isPresent()) {
        budgets.atLeast(
            "%s, of %,d functions".formatted(what, scans.functions(dumps.get())),
            LSPCI,
            scans.besideLspci(dumps.get(), rounds),
            4);
        Path repeated = scans.repeated(dumps.get(), FLEET);
        budgets.atLeast(
            "the same dumps as often as makes %,d".formatted(scans.functions(repeated)),
            LSPCI,
            scans.besideLspci(repeated, Math.min(rounds, LONG_ROUNDS)),
            30);
        budgets.atMost(
            "walk, map, placement and synthesis of one function, over these dumps",
            Scans.plans(dumps.get()),
            " µs",
            10);
      } else {
        budgets.leftOut(what, "no folder of dumps was named");
      }
      Growth growth = scans.growth(most, rounds);
      growths.add(growth);
      fleet =
          Optional.of(
              new Fleet(
                  1 / growth.lastSlope(),
                  Scans.IN_A_DUMP,
                  Runtime.getRuntime().availableProcessors()));
    }
  }

  private void scenarios() throws IOException, InterruptedException {
    try (ScenarioSteps scenarios = ScenarioSteps.open(root)) {
      budgets
          .about("Scenarios")
          .atMost("a scenario step over the daemon", "in process", scenarios.step(rounds), 5);
      budgets.atMost(
          "the scenario library over the daemon, with its start",
          scenarios.library(rounds),
          " s",
          3);
    }
  }

  private void microbenchmarks() throws Exception {
    Microbenchmarks jmh = Microbenchmarks.run();
    budgets
        .about("Configuration accesses")
        .atMost(
            "guest config read, 4 bytes",
            "a VarHandle on a byte array",
            jmh.beside("ConfigAccessBenchmark.byteArray", "ConfigAccessBenchmark.emulated", " ns"),
            1.5);
    budgets.atMost(
        "the same, bytes allocated",
        jmh.spread("ConfigAccessBenchmark.emulated:gc.alloc.rate.norm"),
        " B",
        0.01);
    budgets.atMost(
        "guest config write, 4 bytes",
        "a VarHandle on a byte array",
        jmh.beside(
            "ConfigAccessBenchmark.byteArrayWrite", "ConfigAccessBenchmark.emulatedWrite", " ns"),
        3);
    budgets.atMost(
        "the same, bytes allocated",
        jmh.spread("ConfigAccessBenchmark.emulatedWrite:gc.alloc.rate.norm"),
        " B",
        0.01);
    budgets
        .about("Requests")
        .atMost(
            "an ioctl through the Linux backend",
            "the same loop in C",
            jmh.beside("IoctlBenchmark.inC", "IoctlBenchmark.throughTheBackend", " ns"),
            1.15);
    budgets
        .about("Plans")
        .atMost(
            "walk, map, placement and synthesis of one function",
            jmh.spread("PlanBenchmark.planInOwnSlot"),
            " µs",
            10);
    budgets
        .about("Attachments")
        .atLeast(
            "PASID attach and detach, simulator, pairs per second",
            jmh.spread("SimulatedAttachBenchmark.attachAndDetach"),
            "",
            1_000_000);
    attachesOfAGuest(jmh);
  }

  /// What a guest's driver does through its virtual IOMMU beside the same by hand.
  private void attachesOfAGuest(Microbenchmarks jmh) {
    String alone = "`attachPasid` and `detachPasid` alone";
    String byHand = "the same with `newPageTable` and `destroyPageTable`";
    budgets
        .about("Virtual IOMMU")
        .atMost(
            "a guest's attach and detach through its virtual IOMMU, simulator",
            alone,
            jmh.beside(
                "VtdAttachBenchmark.attachOnly", "VtdAttachBenchmark.throughTheFrontEnd", " ns"),
            2);
    budgets.atMost(
        "the same",
        byHand,
        jmh.beside("VtdAttachBenchmark.byHand", "VtdAttachBenchmark.throughTheFrontEnd", " ns"),
        2);
    budgets.atMost(
        "the same, one address space after another",
        byHand,
        jmh.beside("VtdAttachBenchmark.byHand", "VtdAttachBenchmark.throughTheFrontEndAnew", " ns"),
        2);
  }

  private void pasids() {
    PasidGrowth pasids = PasidGrowth.measure(rounds);
    growths.add(pasids.time());
    budgets
        .about("Attachments")
        .atMost(
            "heap of an attached PASID, of 2^20, simulator's share included",
            pasids.heap(),
            " B",
            64);
  }

  private static String load() throws IOException {
    return Files.readString(Path.of("/proc/loadavg")).split(" ", -1)[0];
  }

  private void write(String loadBefore) throws IOException {
    Path docs = root.resolve("docs");
    String notes = Files.readString(root.resolve("integration-tests/performance-notes.md"));
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
    text.append(
        """
        Measured on %s: %s, %d processors, Linux %s, Java %s. Load average %s before and %s afterwards: above the number of processors, the machine was busy with something else, and only ratios mean anything.

        """
            .formatted(
                LocalDate.now(ZoneOffset.UTC),
                cpu,
                Runtime.getRuntime().availableProcessors(),
                System.getProperty("os.version"),
                Runtime.version(),
                loadBefore,
                load()));
    text.append(budgets.table()).append('\n').append(budgets.missed(notes));
    text.append("\n## Growth\n\n");
    for (Growth growth : growths) {
      Files.writeString(docs.resolve(growth.file()), growth.svg());
      text.append("![").append(growth.title()).append("](").append(growth.file()).append(")\n\n");
      text.append(growth.table()).append('\n');
    }
    if (fleet.isPresent()) {
      text.append("## When one machine is not enough\n\n").append(fleet.get().text()).append('\n');
    }
    text.append(notes);
    Files.writeString(docs.resolve("performance.md"), text);
  }
}
