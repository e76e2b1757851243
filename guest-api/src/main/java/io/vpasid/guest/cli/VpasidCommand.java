package io.vpasid.guest.cli;

import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
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
    versionProvider = Version.class,
    synopsisSubcommandLabel = "COMMAND",
    subcommands = {
      DemoCommand.class,
      InspectCommand.class,
      PlanCommand.class,
      RunCommand.class,
      ServeCommand.class
    },
    footerHeading = "%nExit codes:%n",
    footer = {
      "  0  done",
      "  1  the answer is no: nothing placed, something refused",
      "  2  bad usage or bad input",
      "  3  the environment lacks something: a permission, a device, a kernel feature",
      "",
      "Start with: vpasid demo"
    })
final class VpasidCommand implements Runnable {
  @Spec private CommandSpec spec;

  @Override
  public void run() {
    throw new ParameterException(
        spec.commandLine(), "a command is missing: demo, inspect, plan, run or serve");
  }
}
