package io.vpasid.guest.daemon;

import io.vpasid.guest.config.IommuConfig;
import io.vpasid.guest.control.ControlArguments;
import io.vpasid.guest.control.ControlException;
import java.io.IOException;
import java.util.Collection;
import java.util.List;

/// The commands of the control socket that are about virtual IOMMUs. Runs on the daemon's worker.
final class IommuCommands {
  private static final int USUAL_LIMIT = 64;
  private static final int MAX_LIMIT = 4096;

  private final Daemon daemon;

  IommuCommands(Daemon daemon) {
    this.daemon = daemon;
  }

  List<IommuReport.Brief> list() {
    return daemon.iommus().all().stream().map(IommuReport.Brief::of).toList();
  }

  IommuReport query(ControlArguments arguments) {
    long limit = arguments.optionalNumber("limit", 1, MAX_LIMIT).orElse((long) USUAL_LIMIT);
    return IommuReport.of(
        arguments.optionalText("iommu").map(this::named).orElseGet(this::onlyOne), (int) limit);
  }

  private ServedIommu onlyOne() {
    Collection<ServedIommu> all = daemon.iommus().all();
    return switch (all.size()) {
      case 0 -> throw none();
      case 1 -> all.iterator().next();
      default ->
          throw ControlException.generic(
              "there are several IOMMUs; name one of " + String.join(", ", names()));
    };
  }

  static ControlException none() {
    return ControlException.generic(
        "there is no IOMMU; iommu-add makes one, or \"iommu\" in the configuration");
  }

  ServedIommu named(String name) {
    return daemon.iommus().find(name).orElseThrow(() -> unknown(name));
  }

  private ControlException unknown(String name) {
    return ControlException.generic(
        "there is no IOMMU '%s'; %s"
            .formatted(
                ControlArguments.printable(name),
                ServingCommands.advice(name, names(), "query-iommus tells which there are")));
  }

  private List<String> names() {
    return daemon.iommus().all().stream().map(ServedIommu::name).toList();
  }

  ServedIommu add(IommuConfig wanted) throws IOException {
    for (String function : wanted.covers().keySet()) {
      if (daemon.functions().find(function).isEmpty()) {
        throw new ControlException(
            ControlException.Kind.FUNCTION_NOT_FOUND,
            "there is no function '" + ControlArguments.printable(function) + "'");
      }
    }
    return daemon.iommus().add(wanted);
  }
}
