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
import java.io.ByteArrayOutputStream;
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
  /// The exit code of a process that a signal ends is this and the signal's number.
  private static final int SIGNALLED = 128;

  /// Time that the end may take, whatever clients and devices do.
  private static final Duration END = Duration.ofSeconds(60);

  /// The options that a configuration goes with.
  private static final List<String> OF_DAEMON = List.of("--json", "--check", "--isolate", "--part");

  /// Most bytes of the part of a configuration.
  private static final int MAX_PART = 16 << 20;

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

  /// A signal that asks for the end.
  private enum Signal {
    TERM(15),
    INT(2);

    private final int number;

    Signal(int number) {
      this.number = number;
    }
  }

  @Override
  public Integer call() throws InterruptedException {
    return socket.isPresent() ? serveOne(socket.get()) : serveConfiguration();
  }

  // A configuration

  private int serveConfiguration() throws InterruptedException {
    for (OptionSpec option : spec.commandLine().getParseResult().matchedOptions()) {
      if (!OF_DAEMON.contains(option.longestName())) {
        throw new InputException(
            option.longestName()
                + " goes with --socket PATH; a configuration says it "
                + (option.longestName().equals("--busy-poll")
                    ? "as \"busyPollMicros\""
                    : "for each function"));
      }
    }
    requireConfiguration();
    Path file = Path.of(sourceName);
    DaemonConfig config;
    byte[] text = {};
    if (part) {
      text = firstLine();
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
    onFirst(ending::countDown);
    LastWords.onDeathOfAThread(ExitCode.BUG);
    if (part) {
      atTheEndOfTheInput(ending::countDown);
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
      return in.readNBytes(MAX_PART);
    } catch (IOException e) {
      throw new InputException(file + ": cannot be read: " + e.getMessage());
    }
  }

  /// The part of a configuration that whoever started this process sends.
  private static byte[] firstLine() {
    ByteArrayOutputStream line = new ByteArrayOutputStream();
    try {
      for (int next = System.in.read(); next != '\n'; next = System.in.read()) {
        if (next < 0 || line.size() == MAX_PART) {
          throw new InputException("the input is no part of a configuration in one line");
        }
        line.write(next);
      }
    } catch (IOException e) {
      throw new InputException("the input cannot be read: " + e.getMessage());
    }
    return line.toByteArray();
  }

  /// Whoever started this process keeps its input open as long as it is to serve.
  private static void atTheEndOfTheInput(Runnable end) {
    Thread.ofPlatform()
        .daemon()
        .name("input")
        .start(() -> {
          try {
            while (System.in.read() >= 0) {
              // Nothing more is said.
            }
          } catch (IOException _) {
            // That is an end too.
          }
          end.run();
        });
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
          sourceName
              + ": is no configuration in JSON; to serve a dump, or a function of this machine, add"
              + " --socket PATH");
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

  private int check(DaemonConfig config, byte[] text) {
    PrintWriter out = spec.commandLine().getOut();
    ConfigurationCheck found = ConfigurationCheck.of(config, text, isolate);
    if (json) {
      Map<String, Object> document = Json.object();
      document.put("good", found.isGood());
      document.put("problems", found.problems());
      document.put("functions", found.functions());
      document.put("iommus", found.iommus());
      if (isolate) {
        document.put("tenants", found.tenants());
      }
      document.put("control", config.control().toString());
      config.metricsSocket().ifPresent(path -> document.put("metrics", path.toString()));
      config.metricsPort().ifPresent(port -> document.put("metricsPort", port));
      document.put("limits", config.limits().byKey());
      Json.print(out, document);
    } else {
      found.functions().forEach(out::println);
      found.tenants().forEach(out::println);
      found.iommus().forEach(out::println);
      config.metricsSocket().ifPresent(path -> out.printf("metrics on socket %s%n", path));
      config
          .metricsPort()
          .ifPresent(port -> out.printf("metrics on http://127.0.0.1:%d/metrics%n", port));
      out.printf("control socket %s%n", config.control());
      out.println("limits: " + config.limits().inOneLine());
      if (found.isGood()) {
        out.printf("%s is good%n", sourceName);
      }
    }
    found.problems().forEach(p -> spec.commandLine().getErr().println("vpasid: " + p));
    return found.isGood() ? ExitCode.DONE : ExitCode.USAGE;
  }

  private void announce(ServingDaemon daemon) {
    PrintWriter out = spec.commandLine().getOut();
    if (part) {
      Map<String, Object> document = Json.object();
      document.put("functions", daemon.summaryJson());
      document.put("summary", daemon.summary());
      Json.printLine(out, document);
    } else if (json) {
      Map<String, Object> document = Json.object();
      document.put("control", daemon.control().toString());
      daemon.metricsSocket().ifPresent(path -> document.put("metrics", path.toString()));
      daemon.metricsPort().ifPresent(port -> document.put("metricsPort", port));
      daemon.page().ifPresent(address -> document.put("page", address));
      document.put("functions", daemon.summaryJson());
      Json.print(out, document);
    } else {
      daemon.summary().forEach(out::println);
      daemon.metricsSocket().ifPresent(path -> out.printf("metrics on socket %s%n", path));
      daemon
          .metricsPort()
          .ifPresent(port -> out.printf("metrics on http://127.0.0.1:%d/metrics%n", port));
      daemon.page().ifPresent(address -> out.printf("page on %s%n", address));
      out.printf("control socket %s; end with Ctrl-C%n", daemon.control());
    }
    out.flush();
  }

  /// Does something at the first signal that asks for the end, and ends the process at the second.
  private static void onFirst(Runnable end) {
    CountDownLatch asked = new CountDownLatch(1);
    for (Signal signal : Signal.values()) {
      var _ =
          ProcessSignals.handle(
              signal.name(),
              () -> {
                if (asked.getCount() == 0) {
                  Runtime.getRuntime().halt(SIGNALLED + signal.number);
                }
                asked.countDown();
                end.run();
              });
    }
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
      onFirst(interrupted::countDown);
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

  private void announce(
      HostFunction captured, PassthroughFunction function, VfioUserServer server) {
    PrintWriter out = spec.commandLine().getOut();
    String vpasid =
        switch (function.synthesis()) {
          case Synthesis s -> "vPASID at " + Json.hex(s.offset());
          case SynthesisResult.Declined d -> "no vPASID: " + d.explanation();
        };
    if (json) {
      Map<String, Object> document = Json.object();
      document.put("function", captured.address().toString());
      document.put("id", captured.id().toString());
      document.put("socket", server.path().toString());
      document.put("vpasid", vpasid);
      Json.print(out, document);
    } else {
      out.printf(
          "serving %s %s on %s, %s; end with Ctrl-C%n",
          captured.address(), captured.id(), server.path(), vpasid);
    }
    out.flush();
  }
}
