package io.vpasid.guest.cli.vtd;

import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/// The commands around a virtual IOMMU.
@Command(
    name = "vtd",
    header = "Helps a guest find a virtual IOMMU that serve serves.",
    description = {
      "serve gives a guest an Intel VT-d if its configuration has \"iommu\". docs/viommu.md goes"
          + " through it step by step.",
      ""
    },
    mixinStandardHelpOptions = true,
    synopsisSubcommandLabel = "COMMAND")
public final class VtdCommand implements Runnable {
  @Spec private CommandSpec spec;

  /// This command with those below it.
  public static CommandLine line() {
    return new CommandLine(new VtdCommand())
        .addSubcommand(new VtdDmarCommand())
        .addSubcommand(new VtdQemuCommand());
  }

  @Override
  public void run() {
    throw new ParameterException(
        spec.commandLine(),
        "a command is missing: " + String.join(", ", spec.subcommands().keySet()));
  }
}
