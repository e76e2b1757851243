package io.vpasid.guest.daemon;

import io.vpasid.guest.config.DaemonConfigReader;
import io.vpasid.guest.config.FunctionConfig;
import io.vpasid.guest.config.InputException;
import io.vpasid.guest.config.IommuConfig;
import io.vpasid.guest.control.ControlArguments;
import io.vpasid.guest.control.ControlCommand;
import io.vpasid.guest.control.ControlException;
import io.vpasid.guest.control.ControlTarget;
import io.vpasid.synth.json.JsonFileException;
import io.vpasid.synth.json.Spelling;
import io.vpasid.vmm.iommufd.IommufdException;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;

/// The commands of the control socket, as far as a daemon does them in the same way whether one
/// process serves all tenants or each has one. Runs on the daemon's worker.
abstract sealed class ServingCommands implements ControlTarget
    permits DaemonCommands, IsolatedCommands {
  final Belongings belongings;
  private final ServingDaemon daemon;

  ServingCommands(ServingDaemon daemon) {
    this.daemon = daemon;
    belongings = new Belongings(daemon.log());
  }

  @Override
  public Object execute(ControlCommand command, ControlArguments arguments, Client client) {
    try {
      return run(command, arguments, client);
    } catch (InputException | IommufdException | JsonFileException | IOException e) {
      throw refused(e);
    }
  }

  /// Does a command.
  abstract Object run(ControlCommand command, ControlArguments arguments, Client client)
      throws IOException;

  /// With the errno, if it was the kernel, or what stands in its place, that refused.
  private static ControlException refused(Exception e) {
    String message = String.valueOf(e.getMessage());
    Throwable reason = e instanceof InputException && e.getCause() != null ? e.getCause() : e;
    return reason instanceof IommufdException kernel
        ? ControlException.because(kernel.errno(), message)
        : ControlException.generic(message);
  }

  @Override
  public final void gone(Client client) {
    belongings.delete(client);
  }

  /// What to do about a name that nothing has.
  ///
  /// @param names that something has
  /// @param others what to say of them if none is nearly the same
  static String advice(String name, List<String> names, String others) {
    return names.isEmpty()
        ? "there is none at all"
        : Spelling.nearest(name, names).map(near -> "did you mean '" + near + "'?").orElse(others);
  }

  /// Does a command that is about the daemon itself.
  final Object ofDaemon(ControlCommand command) {
    return switch (command) {
      case QMP_CAPABILITIES -> Reply.Done.DONE;
      case QUERY_VERSION -> Reply.Version.of(daemon.version());
      case QUERY_COMMANDS -> Arrays.stream(ControlCommand.values()).map(Reply.Command::of).toList();
      case QUERY_PAGE -> Reply.PageAddress.of(daemon);
      case QUERY_METRICS -> new Reply.Text(daemon.metricsText());
      case QUIT -> {
        daemon.requestEnd();
        yield Reply.Done.DONE;
      }
      default -> throw new IllegalArgumentException(command + " is about what is served");
    };
  }

  /// The function that `function-add` describes.
  ///
  /// @throws JsonFileException if it is wrong
  final FunctionConfig wantedFunction(ControlArguments arguments) {
    return DaemonConfigReader.readFunction(
        arguments.json(),
        ControlCommand.FUNCTION_ADD.title(),
        daemon.config().folder(),
        daemon.config().hardware(),
        daemon.config().access());
  }

  /// The IOMMU that `iommu-add` describes.
  ///
  /// @throws InputException if it is wrong
  final IommuConfig wantedIommu(ControlArguments arguments) {
    IommuConfig wanted =
        DaemonConfigReader.iommu(
            arguments.text("name"),
            daemon.config().folder().resolve(arguments.text("socket")).normalize(),
            arguments.texts("covers").orElse(List.of()),
            arguments.optionalText("mode"));
    if (wanted.covers().isEmpty()) {
      throw new InputException("an IOMMU covers at least one function");
    }
    return wanted;
  }
}
