package io.vpasid.guest.cli.serve;

import io.vpasid.guest.cli.terminal.ExitCode;
import io.vpasid.guest.config.ControlSocketPath;
import io.vpasid.guest.control.ControlArgument;
import io.vpasid.guest.control.ControlClient;
import io.vpasid.guest.control.ControlCommand;
import io.vpasid.guest.control.ControlException;
import io.vpasid.guest.report.Json;
import io.vpasid.synth.json.Spelling;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.UsageMessageSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// The client of a daemon's control socket.
@Command(
    name = "ctl",
    header = "Asks a running daemon, or tells it what to do.",
    description = {
      "Sends one command to the daemon that vpasid serve runs and prints what it answers. Arguments"
          + " are given in the order below, or as name=value. The beginning of a command will do,"
          + " as long as it is the only one that begins so.",
      ""
    },
    mixinStandardHelpOptions = true,
    footerHeading = "%nCommands:%n",
    footer = {
      "",
      "Examples:",
      "  vpasid ctl query-functions",
      "  vpasid ctl pasid-attach dsa 7 shell",
      "  vpasid ctl config-read function=dsa offset=0x100 width=2"
    })
public final class CtlCommand implements Callable<Integer> {
  private static final String WATCH = "watch";

  /// Columns of the help's list of commands, which fit on every terminal.
  private static final int WIDTH = 78;

  private static final Duration POLL = Duration.ofSeconds(1);

  @Spec private CommandSpec spec;

  @Parameters(index = "0", arity = "0..1", paramLabel = "COMMAND", description = "See below.")
  private String command = "";

  @Parameters(
      index = "1..*",
      arity = "0..*",
      paramLabel = "ARGUMENT",
      description = "Its arguments.")
  private List<String> arguments = List.of();

  @Option(
      names = "--socket",
      paramLabel = "PATH",
      description =
          "The daemon's control socket. Default: $VPASID_SOCKET, else vpasid.sock in"
              + " $XDG_RUNTIME_DIR, else /run/vpasid.sock.")
  private Optional<Path> socket = Optional.empty();

  @Option(
      names = "--timeout",
      paramLabel = "SECONDS",
      description = "How long to wait for the answer. Default: 30.")
  private int timeout = 30;

  @Option(names = "--json", description = "Print the answer as JSON, events as lines of JSON.")
  private boolean json;

  /// The command line of `ctl`, whose help lists the commands of the table.
  public static CommandLine line() {
    CommandLine line = new CommandLine(new CtlCommand());
    UsageMessageSpec usage = line.getCommandSpec().usageMessage();
    usage.footer(
        Stream.concat(help().stream(), Arrays.stream(usage.footer())).toArray(String[]::new));
    return line;
  }

  private static List<String> help() {
    List<String> lines = new ArrayList<>();
    lines.add("  " + WATCH);
    lines.add("      Prints events as they come, until it is interrupted or the daemon ends.");
    commands()
        .forEach(known -> {
          lines.addAll(wrapped("  ", "          ", usage(known)));
          lines.addAll(wrapped("      ", "      ", known.description()));
        });
    return lines;
  }

  /// Lines of a text that are no longer than the help is wide.
  private static List<String> wrapped(String first, String others, String text) {
    List<String> lines = new ArrayList<>();
    StringBuilder line = new StringBuilder(first);
    boolean empty = true;
    for (String word : text.split(" ", -1)) {
      if (!empty && line.length() + 1 + word.length() > WIDTH) {
        lines.add(line.toString());
        line = new StringBuilder(others);
        empty = true;
      }
      line.append(empty ? "" : " ").append(word);
      empty = false;
    }
    lines.add(line.toString());
    return lines;
  }

  /// The commands of the table but for the negotiation, which the client makes by itself.
  private static Stream<ControlCommand> commands() {
    return Arrays.stream(ControlCommand.values())
        .filter(known -> known != ControlCommand.QMP_CAPABILITIES);
  }

  private static String usage(ControlCommand known) {
    return known.title()
        + known.arguments().stream()
            .map(a -> a.required() ? " " + a.name() : " [" + a.name() + "]")
            .collect(Collectors.joining());
  }

  @Override
  public Integer call() throws IOException, InterruptedException {
    if (command.isEmpty()) {
      throw usageError("a command is missing, as in query-functions");
    }
    if (timeout < 1 || timeout > 86_400) {
      throw usageError("--timeout must be from 1 to 86400 seconds, not " + timeout);
    }
    Optional<ControlCommand> meant = known(command);
    if (meant.isEmpty()) {
      return watch();
    }
    ControlCommand known = meant.get();
    Map<String, String> values = values(known, arguments);
    Path path = socket.orElseGet(ControlSocketPath::usual);
    try (ControlClient client = ControlClient.connect(path, Duration.ofSeconds(timeout))) {
      JsonNode answer = client.execute(known.title(), values);
      PrintWriter out = spec.commandLine().getOut();
      if (json) {
        Json.print(out, answer);
      } else {
        CtlAnswer.print(known, answer, out);
      }
      return ExitCode.DONE;
    } catch (ControlException e) {
      return refused(e);
    } catch (IOException e) {
      return unreachable(path, e);
    }
  }

  private record Refused(ControlException.Reason error) {}

  private int refused(ControlException e) {
    if (json) {
      Json.print(spec.commandLine().getOut(), new Refused(e.reason()));
    } else {
      spec.commandLine().getErr().println("vpasid: " + e.desc());
    }
    return ExitCode.NO;
  }

  private int unreachable(Path path, IOException e) {
    spec.commandLine()
        .getErr()
        .println(
            "vpasid: %s%s"
                .formatted(
                    e.getMessage(),
                    socket.isPresent()
                        ? ""
                        : "; is a daemon running, and is %s its control socket (--socket)?"
                            .formatted(path)));
    return ExitCode.ENVIRONMENT;
  }

  private int watch() throws InterruptedException {
    if (!arguments.isEmpty()) {
      throw usageError("watch takes no arguments");
    }
    PrintWriter out = spec.commandLine().getOut();
    Path path = socket.orElseGet(ControlSocketPath::usual);
    try (ControlClient client = ControlClient.connect(path, Duration.ofSeconds(timeout))) {
      return watch(client, path, out);
    } catch (ControlException e) {
      return refused(e);
    } catch (IOException e) {
      return unreachable(path, e);
    }
  }

  private int watch(ControlClient client, Path path, PrintWriter out) throws InterruptedException {
    try {
      while (!Thread.interrupted()) {
        Optional<ObjectNode> event = client.nextEvent(POLL);
        if (event.isPresent()) {
          if (json) {
            Json.printLine(out, event.get());
          } else {
            CtlAnswer.printEvent(event.get(), out);
          }
          // Flushes, and tells whether the reader has gone, as head does when it has enough.
          boolean unread = out.checkError();
          if (unread || event.get().path("event").asString("").equals("SHUTDOWN")) {
            return ExitCode.DONE;
          }
        }
      }
      throw new InterruptedException();
    } catch (IOException e) {
      spec.commandLine()
          .getErr()
          .println("vpasid: the daemon at %s is gone: %s".formatted(path, e.getMessage()));
      return ExitCode.ENVIRONMENT;
    }
  }

  /// The command that is meant: the whole name, or the beginning of just one; empty for `watch`.
  private Optional<ControlCommand> known(String written) {
    List<String> titles =
        commands().map(ControlCommand::title).collect(Collectors.toCollection(ArrayList::new));
    titles.add(WATCH);
    List<String> begun =
        titles.contains(written)
            ? List.of(written)
            : titles.stream().filter(title -> title.startsWith(written)).toList();
    return switch (begun.size()) {
      case 1 -> ControlCommand.named(begun.getFirst());
      case 0 ->
          throw usageError(
              "there is no command '%s'%s"
                  .formatted(
                      written,
                      Spelling.nearest(written, titles)
                          .map(near -> "; did you mean " + near + "?")
                          .orElse("")));
      default ->
          throw usageError(
              "'" + written + "' may be " + String.join(" or ", begun) + "; write more of it");
    };
  }

  /// The arguments by name: those with a name as they are, the others in the table's order.
  private Map<String, String> values(ControlCommand known, List<String> words) {
    Map<String, String> values = new LinkedHashMap<>();
    List<ControlArgument> table = known.arguments();
    int next = 0;
    for (String word : words) {
      int equals = word.indexOf('=');
      boolean named = equals > 0 && word.substring(0, equals).chars().allMatch(Character::isLetter);
      String name;
      if (named) {
        name = word.substring(0, equals);
        if (known.argument(name).isEmpty()) {
          throw usageError(
              known.title() + " has no argument '" + name + "'; it is " + usage(known));
        }
      } else {
        while (next < table.size() && values.containsKey(table.get(next).name())) {
          next++;
        }
        if (next == table.size()) {
          throw usageError(
              known.title() + " takes no argument '" + word + "'; it is " + usage(known));
        }
        name = table.get(next).name();
      }
      if (values.put(name, named ? word.substring(equals + 1) : word) != null) {
        throw usageError("the argument '" + name + "' is given twice");
      }
    }
    for (ControlArgument argument : table) {
      if (argument.required() && !values.containsKey(argument.name())) {
        throw usageError(
            "%s needs %s, %s; it is %s"
                .formatted(known.title(), argument.name(), argument.description(), usage(known)));
      }
    }
    return values;
  }

  private ParameterException usageError(String message) {
    return new ParameterException(spec.commandLine(), message);
  }
}
