package io.vpasid.guest.cli;

import io.vpasid.guest.cli.doctor.DoctorCommand;
import io.vpasid.guest.cli.plan.InspectCommand;
import io.vpasid.guest.cli.plan.PlanCommand;
import io.vpasid.guest.cli.plan.ReportCommand;
import io.vpasid.guest.cli.plan.ScanCommand;
import io.vpasid.guest.cli.quirks.QuirksCommand;
import io.vpasid.guest.cli.run.DemoCommand;
import io.vpasid.guest.cli.run.RunCommand;
import io.vpasid.guest.cli.serve.CtlCommand;
import io.vpasid.guest.cli.serve.ServeCommand;
import io.vpasid.guest.cli.terminal.ExitCode;
import io.vpasid.guest.cli.terminal.Terminal;
import io.vpasid.guest.cli.terminal.Version;
import io.vpasid.guest.cli.vtd.VtdCommand;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.UsageMessageSpec;
import picocli.CommandLine.Spec;

/// The top of the command line.
@Command(
    name = "vpasid",
    description = {
      "Gives a passed-through PCIe function a virtual PASID capability: finds out whether the host"
          + " allows it, where in the function's configuration space it can go, and what the guest"
          + " then sees and does.",
      ""
    },
    mixinStandardHelpOptions = true,
    addMethodSubcommands = false,
    versionProvider = Version.class,
    synopsisSubcommandLabel = "COMMAND",
    footerHeading = "%n",
    footer = {"Start with: vpasid demo", "More on a command: vpasid help COMMAND"})
public final class VpasidCommand implements Callable<Integer>, Terminal.Owner {
  /// The meaning of exit codes where a command does not say it better.
  private static final Map<String, String> EXIT_CODES = new LinkedHashMap<>();

  private static final List<String> VERSION = List.of("--version");

  /// The commands: demo first, the others by name.
  private static final Map<String, Supplier<Object>> COMMANDS = new LinkedHashMap<>();

  static {
    EXIT_CODES.put("0", "done");
    EXIT_CODES.put("1", "the answer is no: nothing placed, something refused");
    EXIT_CODES.put("2", "bad usage or bad input");
    EXIT_CODES.put(
        "3", "the environment lacks something: a permission, a device, a kernel feature");
    COMMANDS.put("demo", DemoCommand::new);
    COMMANDS.put("ctl", CtlCommand::line);
    COMMANDS.put("doctor", DoctorCommand::new);
    COMMANDS.put("inspect", InspectCommand::new);
    COMMANDS.put("plan", PlanCommand::new);
    COMMANDS.put("quirks", QuirksCommand::line);
    COMMANDS.put("report", ReportCommand::new);
    COMMANDS.put("run", RunCommand::new);
    COMMANDS.put("scan", ScanCommand::new);
    COMMANDS.put("schema", SchemaCommand::new);
    COMMANDS.put("serve", ServeCommand::new);
    COMMANDS.put("vtd", VtdCommand::line);
  }

  @Spec private CommandSpec spec;

  private final Terminal terminal;

  VpasidCommand(Terminal terminal) {
    this.terminal = terminal;
  }

  /// The command line with all commands, for what is told of them elsewhere.
  public static CommandLine all() {
    return new VpasidCommand(Terminal.NONE).annotated();
  }

  /// The command line for these arguments, with as little in it as they need.
  ///
  /// @param configure sets what is the same for all
  CommandLine line(String[] arguments, UnaryOperator<CommandLine> configure) {
    return Optional.of(arguments)
        .filter(some -> some.length > 0)
        .flatMap(some -> OptionTable.built(some[0]))
        .flatMap(table -> table.line(this, arguments, configure))
        .orElseGet(() -> configure.apply(annotated(arguments)));
  }

  /// The command line for these arguments. To look at the annotations of a command takes longer
  /// than most commands run, so the others are left out where the first argument names one, or the
  /// only one asks for the version.
  private CommandLine annotated(String... arguments) {
    CommandLine line = new CommandLine(this);
    String first = arguments.length == 0 ? "" : arguments[0];
    boolean isWhole = !COMMANDS.containsKey(first) && !List.of(arguments).equals(VERSION);
    COMMANDS.forEach((name, command) -> {
      if (name.equals(first) || isWhole) {
        line.addSubcommand(command.get());
      }
    });
    explainExitCodes(line);
    return line;
  }

  private static void explainExitCodes(CommandLine command) {
    UsageMessageSpec usage = command.getCommandSpec().usageMessage();
    if (usage.exitCodeList().isEmpty()) {
      usage.exitCodeListHeading("%nExit codes:%n").exitCodeList(EXIT_CODES);
    }
    command.getSubcommands().values().forEach(VpasidCommand::explainExitCodes);
  }

  /// The terminal that the output leads to, if it is one.
  @Override
  public Terminal terminal() {
    return terminal;
  }

  /// Without a command there is nothing to do but to say which there are.
  @Override
  public Integer call() {
    spec.commandLine().usage(spec.commandLine().getOut());
    return ExitCode.USAGE;
  }
}
