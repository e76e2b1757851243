package io.vpasid.guest.daemon;

import io.vpasid.guest.config.InputException;
import io.vpasid.guest.config.IommuConfig;
import io.vpasid.guest.iommu.VirtualIommu;
import io.vpasid.guest.vfiouser.VfioUserServer;
import io.vpasid.guest.vfiouser.VfioUserSockets;
import io.vpasid.vmm.PassthroughFunction;
import io.vpasid.vmm.frontend.nested.RefusedEntry;
import io.vpasid.vmm.iommufd.IommufdBackend;
import io.vpasid.vmm.iommufd.IommufdException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.slf4j.event.Level;

/// The virtual IOMMU of the daemon, and the socket that serves its function.
final class ServedIommu implements AutoCloseable {
  private final VirtualIommu iommu;
  private final VfioUserServer server;

  private ServedIommu(VirtualIommu iommu, VfioUserServer server) {
    this.iommu = iommu;
    this.server = server;
  }

  /// Makes it and serves it.
  ///
  /// @param functions those that are served, by name
  /// @param options limits, and who may connect
  /// @throws InputException if it cannot cover the functions; nothing is left
  /// @throws IOException with a sentence, if its socket cannot be made; nothing is left
  static ServedIommu open(
      IommuConfig config,
      Map<String, ServedFunction> functions,
      VfioUserSockets sockets,
      VfioUserServer.Options options,
      DaemonLog log)
      throws IOException {
    List<VirtualIommu.Covered> covered = new ArrayList<>();
    Set<IommufdBackend> contexts = new HashSet<>();
    config
        .covers()
        .forEach((name, place) -> {
          ServedFunction function = Objects.requireNonNull(functions.get(name));
          contexts.add(function.iommufd());
          covered.add(new VirtualIommu.Covered(place, function.function(), function::peer));
        });
    if (contexts.size() != 1) {
      throw new InputException(
          "iommu: the functions that it covers are on different hosts ("
              + String.join(", ", config.covers().keySet())
              + "); cover those of one");
    }
    VirtualIommu iommu;
    try {
      iommu = VirtualIommu.open(contexts.iterator().next(), covered, config.mode());
    } catch (IommufdException | IllegalArgumentException e) {
      throw new InputException("iommu: " + e.getMessage(), e);
    }
    iommu.listen(refused -> tell(refused, config, log));
    try {
      VfioUserServer server = sockets.serve(config.socket(), iommu.device(), options);
      log.say(
          Level.INFO,
          "A virtual IOMMU is served. " + iommu.mode().reason(),
          Daemon.fields("socket", config.socket()));
      return new ServedIommu(iommu, server);
    } catch (IOException | RuntimeException e) {
      iommu.close();
      throw e;
    }
  }

  private static void tell(RefusedEntry refused, IommuConfig config, DaemonLog log) {
    int place = refused.requester().function().value();
    String function =
        config.covers().entrySet().stream()
            .filter(covered ->
                (covered.getValue().device() << 3 | covered.getValue().function()) == place)
            .map(Map.Entry::getKey)
            .findFirst()
            .orElse("");
    log.say(
        Level.WARN,
        refused.text(),
        Daemon.fields("function", function, "errno", refused.errno().toString()));
  }

  /// Lets a function go that is about to be closed.
  void uncover(PassthroughFunction function) {
    iommu.uncover(function);
  }

  /// Disconnects the client; nothing is translated any more.
  @Override
  public void close() {
    server.close();
    iommu.close();
  }
}
