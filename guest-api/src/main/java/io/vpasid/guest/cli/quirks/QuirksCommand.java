package io.vpasid.guest.cli.quirks;

import io.vpasid.guest.cli.terminal.Terminal;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/// The commands for the table of what devices hide.
@Command(
    name = "quirks",
    header = "Shows, checks, drafts and tests what is known of particular devices.",
    description = {
      "What is known of particular devices: registers that no capability describes, the place for a"
          + " vPASID, limits, refusals. It stands in JSON files, one per vendor, in layers: built"
          + " in, /usr/share/vpasid/quirks.d, /etc/vpasid/quirks.d, then each --quirks. Ranges add"
          + " up; of single values, the latest layer's counts, and in it the most specific"
          + " match's.",
      ""
    },
    mixinStandardHelpOptions = true,
    synopsisSubcommandLabel = "COMMAND",
    footerHeading = "%nFrom a dump to an entry:%n",
    footer = {
      "  vpasid quirks new dumps/ > acme.json               draft it, then edit it",
      "  vpasid quirks lint acme.json --dumps dumps/        look for mistakes",
      "  vpasid quirks test dumps/ --quirks acme.json       see what it changes",
      "  vpasid quirks explain dump.txt --quirks acme.json  see who decided what",
      "docs/quirks.md goes through it step by step."
    })
public final class QuirksCommand implements Runnable, Terminal.Owner {
  @Spec private CommandSpec spec;
  @ParentCommand private Terminal.Owner top;

  /// This command with those below it.
  public static CommandLine line() {
    return new CommandLine(new QuirksCommand())
        .addSubcommand(new QuirksListCommand())
        .addSubcommand(new QuirksExplainCommand())
        .addSubcommand(new QuirksNewCommand())
        .addSubcommand(new QuirksLintCommand())
        .addSubcommand(new QuirksTestCommand());
  }

  @Override
  public Terminal terminal() {
    return top.terminal();
  }

  @Override
  public void run() {
    throw new ParameterException(
        spec.commandLine(),
        "a command is missing: " + String.join(", ", spec.subcommands().keySet()));
  }
}
