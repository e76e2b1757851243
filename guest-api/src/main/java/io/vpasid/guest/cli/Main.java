package io.vpasid.guest.cli;

import io.vpasid.guest.cli.terminal.ExitCode;
import io.vpasid.guest.cli.terminal.Notes;
import io.vpasid.guest.cli.terminal.StandardOutput;
import io.vpasid.guest.cli.terminal.Terminal;
import io.vpasid.guest.config.InputException;
import io.vpasid.pci.dump.DumpAccessException;
import io.vpasid.pci.dump.DumpException;
import io.vpasid.synth.json.JsonFileException;
import io.vpasid.vmm.iommufd.IommufdException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.InvalidPathException;
import java.util.Arrays;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import picocli.CommandLine;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.TypeConversionException;
import picocli.CommandLine.UnmatchedArgumentException;

/// The command line `vpasid`. Whatever goes wrong is one line on the error stream and an exit code
/// of [ExitCode]; never a stack trace, unless the environment variable VPASID_DEBUG is set.
public final class Main {
  private Main() {}

  /// Runs one command and ends the process with its exit code.
  public static void main(String[] arguments) {
    System.exit(runHere(arguments));
  }

  /// Runs one command with the terminal and the standard streams of this process.
  ///
  /// @return the exit code
  static int runHere(String... arguments) {
    nameMachine();
    StandardOutput output = new StandardOutput();
    PrintWriter out = new PrintWriter(output, false, StandardCharsets.UTF_8);
    PrintWriter err = new PrintWriter(System.err, true, StandardCharsets.UTF_8);
    int code = run(Terminal.ofProcess(), out, err, arguments);
    out.flush();
    if (output.failure().isPresent()) {
      err.println("vpasid: the output cannot be written: " + output.failure().get().getMessage());
      code = ExitCode.ENVIRONMENT;
    }
    return code;
  }

  /// Netty puts the hardware address of a network interface into the names of its channels, and
  /// warns where there is none. Ours are named on this machine only, so any address will do.
  private static void nameMachine() {
    if (System.getProperty("io.netty.machineId") == null) {
      System.setProperty("io.netty.machineId", "02:00:00:00:00:01");
    }
  }

  /// Runs one command in this process, whose output leads to no terminal.
  ///
  /// @param out receives the result
  /// @param err receives notes and errors
  /// @return the exit code
  public static int run(PrintWriter out, PrintWriter err, String... arguments) {
    return run(Terminal.NONE, out, err, arguments);
  }

  /// Runs one command.
  ///
  /// @param terminal what the output leads to
  /// @param out receives the result
  /// @param err receives notes and errors
  /// @return the exit code
  static int run(Terminal terminal, PrintWriter out, PrintWriter err, String... given) {
    String[] arguments = withoutHelpWord(given);
    UnaryOperator<CommandLine> configure =
        line -> {
          Words.takenBy(line);
          return line.setOut(out)
              .setErr(new Notes(err, terminal))
              .setUsageHelpAutoWidth(true)
              .registerConverter(int.class, number(Integer::valueOf))
              .registerConverter(Long.class, number(Long::valueOf))
              .setParameterExceptionHandler(Main::badUsage)
              .setExecutionExceptionHandler((e, command, parsed) -> failed(e, command));
        };
    return new VpasidCommand(terminal).line(arguments, configure).execute(arguments);
  }

  /// Reads a number, and calls what is none by no name of Java's.
  private static <T> ITypeConverter<T> number(Function<String, T> parse) {
    return text -> {
      try {
        return parse.apply(text);
      } catch (NumberFormatException _) {
        throw new TypeConversionException(
            text.matches("-?[0-9]+")
                ? "'" + text + "' is too large"
                : "'" + text + "' is no whole number, as in 42");
      }
    };
  }

  /// `help run` is another way to say `run --help`.
  private static String[] withoutHelpWord(String[] arguments) {
    return arguments.length > 0 && arguments[0].equals("help")
        ? Stream.concat(Arrays.stream(arguments).skip(1), Stream.of("--help"))
            .toArray(String[]::new)
        : arguments;
  }

  private static int badUsage(ParameterException e, String[] arguments) {
    CommandLine command = e.getCommandLine();
    StringBuilder message = new StringBuilder(firstLine(e));
    if (e instanceof UnmatchedArgumentException unmatched
        && !unmatched.getSuggestions().isEmpty()) {
      message.append(" (did you mean ");
      message.append(String.join(" or ", unmatched.getSuggestions())).append("?)");
    }
    say(command, message + "; see " + command.getCommandSpec().qualifiedName() + " --help");
    return ExitCode.USAGE;
  }

  private static int failed(Exception e, CommandLine command) {
    if (System.getenv("VPASID_DEBUG") != null) {
      e.printStackTrace(command.getErr());
    }
    return switch (e) {
      case DumpAccessException _, IommufdException _ -> {
        say(command, firstLine(e));
        yield ExitCode.ENVIRONMENT;
      }
      case DumpException _, JsonFileException _, InputException _ -> {
        say(command, firstLine(e));
        yield ExitCode.USAGE;
      }
      case InvalidPathException name -> {
        say(
            command,
            "the locale cannot spell the name '%s': set one with UTF-8, such as LC_ALL=C.UTF-8"
                .formatted(name.getInput()));
        yield ExitCode.USAGE;
      }
      default -> {
        say(
            command,
            "this is a bug: " + e + "; please report it, with the output under VPASID_DEBUG=1");
        yield ExitCode.BUG;
      }
    };
  }

  private static void say(CommandLine command, String message) {
    command.getErr().println("vpasid: " + message);
  }

  private static String firstLine(Exception e) {
    String message = e.getMessage();
    return message == null ? e.toString() : message.lines().findFirst().orElse(e.toString());
  }
}
