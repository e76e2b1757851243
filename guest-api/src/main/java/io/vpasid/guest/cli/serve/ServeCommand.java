package io.vpasid.guest.cli.serve;

import io.vpasid.guest.cli.option.SourceOptions;
import io.vpasid.guest.cli.option.SynthesisOptions;
import io.vpasid.guest.cli.terminal.ExitCode;
import io.vpasid.guest.cli.terminal.Terminal;
import io.vpasid.guest.cli.terminal.Version;
import io.vpasid.guest.config.AddressText;
import io.vpasid.guest.config.BarSizes;
import io.vpasid.guest.config.DaemonConfig;
import io.vpasid.guest.config.DaemonConfigShape;
import io.vpasid.guest.config.FoundFunction;
import io.vpasid.guest.config.FunctionDescription;
import io.vpasid.guest.config.InputException;
import io.vpasid.guest.config.Limits;
import io.vpasid.guest.config.LogStyle;
import io.vpasid.guest.daemon.ConfigurationCheck;
import io.vpasid.guest.daemon.Daemon;
import io.vpasid.guest.daemon.DaemonLog;
import io.vpasid.guest.daemon.IsolatedDaemon;
import io.vpasid.guest.daemon.LastWords;
import io.vpasid.guest.daemon.ProcessSignals;
import io.vpasid.guest.daemon.ServingDaemon;
import io.vpasid.guest.host.EmulatedBacking;
import io.vpasid.guest.report.Json;
import io.vpasid.guest.vfiouser.VfioUserServer;
import io.vpasid.guest.vfiouser.VfioUserSockets;
import io.vpasid.pci.dump.HostFunction;
import io.vpasid.synth.Synthesis;
import io.vpasid.synth.SynthesisResult;
import io.vpasid.vmm.FunctionOptions;
import io.vpasid.vmm.PassthroughFunction;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/// Serves functions with their vPASIDs to VMMs, through vfio-user.
@Command(
    name = "serve",
    header = "Serves functions with their vPASIDs to QEMU and other vfio-user clients.",
    description = {
      "With a configuration: runs as a daemon that serves several functions, each on a socket of"
          + " its own, and a control socket for vpasid ctl. SIGTERM ends it in good order, SIGHUP"
          + " reads the quirk files again. docs/daemon.md has the details.",
      "With --socket: serves one captured function until it is interrupted.",
      ""
    },
    mixinStandardHelpOptions = true,
    footerHeading = "%nExamples:%n",
    footer = {
      "  vpasid serve /etc/vpasid/serve.json",
      "  vpasid serve machine.txt --function 0000:6a:01.0 --socket dsa.sock",
      "",
      "and for QEMU, from 10.1 on:",
      "-device '{\"driver\":\"vfio-user-pci\",\"socket\":{\"type\":\"unix\",\"path\":\"dsa.sock\"}}'"
    })
public final class ServeCommand implements Callable<Integer> {
  /// Time that the end may take, whatever clients and devices do.
  private static final Duration END = Duration.ofSeconds(60);

  /// The options that a configuration goes with.
  private static final List<String> OF_DAEMON = List.of("--json", "--check", "--isolate", "--part");

  @Spec private CommandSpec spec;
  @ParentCommand private Terminal.Owner top;

  @Parameters(
      paramLabel = "SOURCE",
      description =
          "A configuration in JSON. With --socket: a dump (lspci -xxxx text, raw or hex bytes), a"
              + " description (FILE.json), or an address of this machine such as 0000:3b:00.0,"
              + " which is only read.")
  private String sourceName = "";

  @Mixin private SourceOptions source;
  @Mixin private SynthesisOptions options;

  @Option(
      names = "--socket",
      paramLabel = "PATH",
      description = "Serve one function on this Unix socket; nobody but its owner can connect.")
  private Optional<Path> socket = Optional.empty();

  @Option(
      names = "--bar",
      paramLabel = "INDEX=SIZE",
      description =
          "With --socket: the size of a BAR, as in 0=64K, which a dump does not tell. Without it a"
              + " BAR has 4K, or what MSI-X needs.")
  private List<String> bars = List.of();

  @Option(
      names = "--busy-poll",
      paramLabel = "MICROS",
      description =
          "With --socket: how many microseconds, up to 1000, the server looks for the next message"
              + " before it sleeps. A guest that asks again by then is answered sooner, and a core is"
              + " busy for as long. Default: 0.")
  private int busyPoll;

  @Option(
      names = "--check",
      description =
          "Only read the configuration, its dumps and quirk files, and say what would be served.")
  private boolean check;

  @Option(names = "--json", description = "Print what is served as JSON.")
  private boolean json;

  @Option(
      names = "--isolate",
      description =
          "With a configuration: serve the functions of each \"tenant\" in a process of its own,"
              + " which is started again when it has ended. A function without tenant has its own.")
  private boolean isolate;

  @Option(
      names = "--part",
      hidden = true,
      description =
          "Be such a process: the first line of the input is the part of the configuration, the end"
              + " of the input asks for the end.")
  private boolean part;

  @Override
  public Integer call() throws InterruptedException {
    return socket.isPresent() ? serveOne(socket.get()) : serveConfiguration();
  }

  // A configuration

  private int serveConfiguration() throws InterruptedException {
    for (OptionSpec option : spec.commandLine().getParseResult().matchedOptions()) {
      if (!OF_DAEMON.contains(option.longestName())) {
        throw new InputException(
            "%s goes with --socket PATH; a configuration says it %s"
                .formatted(
                    option.longestName(),
                    option.longestName().equals("--busy-poll")
                        ? "as \"busyPollMicros\""
                        : "for each function"));
      }
    }
    requireConfiguration();
    Path file = Path.of(sourceName);
    DaemonConfig config;
    byte[] text = {};
    if (part) {
      text = PartInput.firstLine();
      config = DaemonConfig.ofPart(text, file);
    } else if (isolate) {
      text = bytes(file);
      config = DaemonConfig.of(text, file);
    } else {
      config = DaemonConfig.read(file);
    }
    if (check) {
      return check(config, text);
    }
    // From before the start on: a signal that comes during it ends what is there by then.
    CountDownLatch ending = new CountDownLatch(1);
    EndSignal.onFirst(ending::countDown);
    LastWords.onDeathOfAThread(ExitCode.BUG);
    if (part) {
      PartInput.atEnd(ending::countDown);
    }
    try (DaemonLog log = logTo(config.log(), config.limits());
        ServingDaemon daemon = start(config, text, log, ending)) {
      var _ = ProcessSignals.handle("HUP", daemon::requestReload);
      announce(daemon);
      ending.await();
      LastWords.unlessEndedIn(END, ExitCode.BUG);
    }
    return ExitCode.DONE;
  }

  private static byte[] bytes(Path file) {
    try (InputStream in = Files.newInputStream(file)) {
      return in.readNBytes(PartInput.MAX_PART);
    } catch (IOException e) {
      throw new InputException(file + ": cannot be read: " + e.getMessage());
    }
  }

  private DaemonLog logTo(LogStyle style, Limits limits) {
    return DaemonLog.takeOver(
        new FileOutputStream(FileDescriptor.err), style, limits, top.terminal().errors());
  }

  /// Somebody who forgot `--socket` should not be told of bad JSON.
  private void requireConfiguration() {
    Path path = Path.of(sourceName);
    boolean named = sourceName.endsWith(".json");
    try {
      named |= Files.isRegularFile(path) && beginsAsJson(path);
    } catch (IOException e) {
      throw new InputException(sourceName + ": cannot be read: " + e.getMessage());
    }
    if (!named) {
      throw new InputException(
          "%s: is no configuration in JSON; to serve a dump, or a function of this machine, add --socket PATH"
              .formatted(sourceName));
    }
  }

  private static boolean beginsAsJson(Path path) throws IOException {
    try (InputStream in = Files.newInputStream(path)) {
      String begin = new String(in.readNBytes(64), StandardCharsets.UTF_8);
      return begin.replace("\ufeff", "").stripLeading().startsWith("{");
    }
  }

  private ServingDaemon start(
      DaemonConfig config, byte[] text, DaemonLog log, CountDownLatch ending) {
    try {
      return isolate
          ? IsolatedDaemon.start(
              Path.of(sourceName), text, config, Version.withCommit(), log, ending)
          : Daemon.start(config, Version.withCommit(), log, ending);
    } catch (IOException e) {
      throw new InputException(String.valueOf(e.getMessage()));
    }
  }

  /// The answer of `--check`.
  ///
  /// @param tenants empty without `--isolate`
  /// @param metrics path of their socket
  private record Checked(
      boolean good,
      List<String> problems,
      List<String> functions,
      List<String> iommus,
      Optional<List<String>> tenants,
      String control,
      Optional<String> metrics,
      Optional<Integer> metricsPort,
      Map<String, Long> limits) {}

  private int check(DaemonConfig config, byte[] text) {
    PrintWriter out = spec.commandLine().getOut();
    ConfigurationCheck found = ConfigurationCheck.of(config, text, isolate);
    if (json) {
      Json.print(
          out,
          new Checked(
              found.isGood(),
              found.problems(),
              found.functions(),
              found.iommus(),
              isolate ? Optional.of(found.tenants()) : Optional.empty(),
              config.control().toString(),
              config.metricsSocket().map(Path::toString),
              config.metricsPort(),
              config.limits().byKey()));
    } else {
      found.functions().forEach(out::println);
      found.tenants().forEach(out::println);
      found.iommus().forEach(out::println);
      printMetrics(config.metricsSocket(), config.metricsPort());
      out.printf("control socket %s%n", config.control());
      out.println("limits: " + config.limits().inOneLine());
      if (found.isGood()) {
        out.printf("%s is good%n", sourceName);
      }
    }
    found.problems().forEach(p -> spec.commandLine().getErr().println("vpasid: " + p));
    return found.isGood() ? ExitCode.DONE : ExitCode.USAGE;
  }

  private void printMetrics(Optional<Path> socket, Optional<Integer> port) {
    PrintWriter out = spec.commandLine().getOut();
    socket.ifPresent(path -> out.printf("metrics on socket %s%n", path));
    port.ifPresent(number -> out.printf("metrics on http://127.0.0.1:%d/metrics%n", number));
  }

  /// A daemon that serves.
  ///
  /// @param metrics path of their socket
  /// @param page its address
  private record Serving(
      String control,
      Optional<String> metrics,
      Optional<Integer> metricsPort,
      Optional<String> page,
      List<?> functions) {}

  /// A tenant's process that serves, as whoever started it is told.
  private record ServingPart(List<?> functions, List<String> summary) {}

  private void announce(ServingDaemon daemon) {
    PrintWriter out = spec.commandLine().getOut();
    if (part) {
      Json.printLine(out, new ServingPart(daemon.summaryJson(), daemon.summary()));
    } else if (json) {
      Json.print(
          out,
          new Serving(
              daemon.control().toString(),
              daemon.metricsSocket().map(Path::toString),
              daemon.metricsPort(),
              daemon.page(),
              daemon.summaryJson()));
    } else {
      daemon.summary().forEach(out::println);
      printMetrics(daemon.metricsSocket(), daemon.metricsPort());
      daemon.page().ifPresent(address -> out.printf("page on %s%n", address));
      out.printf("control socket %s; end with Ctrl-C%n", daemon.control());
    }
    out.flush();
  }

  // One function

  private int serveOne(Path path) throws InterruptedException {
    if (check) {
      throw new InputException("--check goes with a configuration, not with --socket");
    }
    List<FoundFunction> functions = source.functions(List.of(sourceName));
    if (functions.size() != 1) {
      throw new InputException(
          "%s: has the functions %s, and one can be served; pick it with --function"
              .formatted(
                  sourceName,
                  AddressText.list(functions.stream().map(FoundFunction::address).toList())));
    }
    options.noteAssumptions(spec.commandLine().getErr());
    options.checkOtherCaptures(functions);
    HostFunction captured = functions.getFirst().captured();
    CountDownLatch interrupted = new CountDownLatch(1);
    FunctionDescription described = described(functions.getFirst());
    FunctionOptions decisions = options.decisions(captured, options.quirkTable());
    try (DaemonLog _ = logTo(LogStyle.DEFAULT, Limits.DEFAULTS);
        EmulatedBacking machine = EmulatedBacking.alone(described, options.hardware(), decisions);
        VfioUserSockets sockets = VfioUserSockets.open("vfio-user-server", 1, busyPoll());
        VfioUserServer server = open(sockets, path, machine)) {
      EndSignal.onFirst(interrupted::countDown);
      announce(captured, machine.function(), server);
      interrupted.await();
    }
    return ExitCode.DONE;
  }

  private FunctionDescription described(FoundFunction function) {
    try {
      return function.describe(sizes());
    } catch (IllegalArgumentException e) {
      throw new InputException("--bar: " + e.getMessage());
    }
  }

  private BarSizes sizes() {
    BarSizes sizes = BarSizes.UNKNOWN;
    for (String bar : bars) {
      try {
        sizes = sizes.with(bar);
      } catch (IllegalArgumentException e) {
        throw new InputException("--bar '" + bar + "': " + e.getMessage());
      }
    }
    return sizes;
  }

  private Duration busyPoll() {
    if (busyPoll < 0 || busyPoll > DaemonConfigShape.MAX_BUSY_POLL) {
      throw new InputException(
          "--busy-poll takes 0 to %d microseconds, not %d"
              .formatted(DaemonConfigShape.MAX_BUSY_POLL, busyPoll));
    }
    return Duration.of(busyPoll, ChronoUnit.MICROS);
  }

  private static VfioUserServer open(VfioUserSockets sockets, Path path, EmulatedBacking machine) {
    try {
      return sockets.serve(path, machine.device(), VfioUserServer.Options.defaults());
    } catch (IOException e) {
      throw new InputException(String.valueOf(e.getMessage()));
    }
  }

  /// One function that is served.
  private record ServingOne(String function, String id, String socket, String vpasid) {}

  private void announce(
      HostFunction captured, PassthroughFunction function, VfioUserServer server) {
    PrintWriter out = spec.commandLine().getOut();
    String vpasid =
        switch (function.synthesis()) {
          case Synthesis s -> "vPASID at " + Json.hex(s.offset());
          case SynthesisResult.Declined d -> "no vPASID: " + d.explanation();
        };
    if (json) {
      Json.print(
          out,
          new ServingOne(
              captured.address().toString(),
              captured.id().toString(),
              server.path().toString(),
              vpasid));
    } else {
      out.printf(
          "serving %s %s on %s, %s; end with Ctrl-C%n",
          captured.address(), captured.id(), server.path(), vpasid);
    }
    out.flush();
  }
}
