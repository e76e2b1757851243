package io.vpasid.guest.cli;

import static java.util.stream.Collectors.joining;

import io.vpasid.guest.cli.plan.LayoutFile;
import io.vpasid.guest.cli.terminal.ExitCode;
import io.vpasid.guest.config.DaemonConfigShape;
import io.vpasid.guest.config.FunctionFileShape;
import io.vpasid.guest.config.InputException;
import io.vpasid.guest.scenario.Scenario;
import io.vpasid.synth.json.FileShape;
import io.vpasid.synth.quirk.QuirkFileShape;
import java.io.PrintWriter;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/// Prints what the tables of [FileShape]s say of the files that users write.
@Command(
    name = "schema",
    header = "Prints the JSON Schema of a kind of file, for editors.",
    description = {
      "Prints the JSON Schema (draft 2020-12) of a kind of file that vpasid reads, with which an"
          + " editor completes and checks its keys.",
      ""
    },
    mixinStandardHelpOptions = true,
    footerHeading = "%nExamples:%n",
    footer = {
      "  vpasid schema quirks > quirks.schema.json   which a quirk file then names as its schema",
      "  vpasid schema quirks --keys                 what each key says"
    })
final class SchemaCommand implements Callable<Integer> {
  /// A kind of file.
  enum Kind {
    /// Knowledge of particular devices.
    QUIRKS,
    /// A function that is made up.
    FUNCTION,
    /// Steps of a guest and its host with a function.
    SCENARIO,
    /// The daemon's configuration.
    SERVE,
    /// The layouts of a plan, for another host.
    LAYOUT;

    String schema() {
      return text(false);
    }

    String keys() {
      return text(true);
    }

    private String text(boolean keys) {
      return switch (this) {
        case QUIRKS -> text(QuirkFileShape.file(), keys);
        case FUNCTION -> text(FunctionFileShape.file(), keys);
        case SCENARIO -> keys ? Scenario.keys() : Scenario.schema();
        case SERVE -> text(DaemonConfigShape.file(), keys);
        case LAYOUT -> text(LayoutFile.shape(), keys);
      };
    }

    private static String text(FileShape shape, boolean keys) {
      return keys ? shape.tables() : shape.schema();
    }

    @Override
    public String toString() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  @Spec private CommandSpec spec;

  @Parameters(
      paramLabel = "KIND",
      arity = "0..1",
      description = "Of which files: ${COMPLETION-CANDIDATES}.")
  private Optional<Kind> kind = Optional.empty();

  @Option(
      names = "--keys",
      description = "Print tables of the keys instead, in Markdown; without KIND of all files.")
  private boolean keys;

  @Override
  public Integer call() {
    PrintWriter out = spec.commandLine().getOut();
    if (keys) {
      if (kind.isEmpty()) {
        out.print("# The keys of the files\n\n`vpasid schema --keys` writes this page.\n\n");
      }
      kind.map(List::of).orElse(List.of(Kind.values())).forEach(k -> out.print(k.keys()));
    } else {
      Kind asked =
          kind.orElseThrow(() ->
              new InputException(
                  "of which files? Name one of "
                      + Stream.of(Kind.values()).map(Kind::toString).collect(joining(", "))));
      out.print(asked.schema());
    }
    out.flush();
    return ExitCode.DONE;
  }
}
