package io.vpasid.guest.daemon;

import io.vpasid.guest.config.InputException;
import io.vpasid.guest.config.IommuConfig;
import io.vpasid.guest.control.ControlEvent;
import io.vpasid.guest.host.Backing;
import io.vpasid.guest.host.EmulatedBacking;
import io.vpasid.guest.iommu.VirtualIommu;
import io.vpasid.guest.vfiouser.VfioUserServer;
import io.vpasid.guest.vfiouser.VfioUserSockets;
import io.vpasid.pci.PciAddress;
import io.vpasid.vmm.frontend.nested.EntryListener;
import io.vpasid.vmm.frontend.nested.RefusedEntry;
import io.vpasid.vmm.frontend.vtd.Requester;
import io.vpasid.vmm.frontend.vtd.SourceId;
import io.vpasid.vmm.frontend.vtd.Translation;
import io.vpasid.vmm.iommufd.IommufdBackend;
import io.vpasid.vmm.iommufd.IommufdException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// A virtual IOMMU of the daemon, and the socket that serves its function.
final class ServedIommu implements AutoCloseable {
  private final IommuConfig config;
  private final VirtualIommu iommu;
  private final VfioUserServer server;

  private ServedIommu(IommuConfig config, VirtualIommu iommu, VfioUserServer server) {
    this.config = config;
    this.iommu = iommu;
    this.server = server;
  }

  /// Makes it and serves it.
  ///
  /// @param daemon whose functions it covers
  /// @throws InputException if it cannot cover the functions; nothing is left
  /// @throws IOException with a sentence, if its socket cannot be made; nothing is left
  static ServedIommu open(Daemon daemon, IommuConfig config, VfioUserSockets sockets)
      throws IOException {
    List<VirtualIommu.Covered> covered = new ArrayList<>();
    Set<IommufdBackend> contexts = new HashSet<>();
    config
        .covers()
        .forEach((name, place) -> {
          ServedFunction function = daemon.functions().find(name).orElseThrow();
          contexts.add(function.iommufd());
          covered.add(new VirtualIommu.Covered(place, function.function(), function::peer));
        });
    String what = "iommu '" + config.name() + "': ";
    if (contexts.size() != 1) {
      throw new InputException(what + onDifferentHosts(config));
    }
    VirtualIommu iommu;
    try {
      iommu = VirtualIommu.open(contexts.iterator().next(), covered, config.mode());
    } catch (IommufdException | IllegalArgumentException e) {
      throw new InputException(what + e.getMessage(), e);
    }
    iommu.listen(new Entries(config, daemon.events()));
    config
        .covers()
        .forEach((name, place) -> {
          Backing behind = daemon.functions().find(name).orElseThrow().backing();
          if (behind instanceof EmulatedBacking emulated) {
            emulated.hardware().doDmaThrough(iommu.unit().dma(SourceId.of(place)));
          }
        });
    try {
      VfioUserServer server =
          FunctionServer.serve(
              sockets,
              config.socket(),
              iommu.device(),
              daemon.config().limits().ofServer(),
              daemon.config().access());
      daemon
          .events()
          .tell(
              ControlEvent.IOMMU_ADDED,
              EventData.of("iommu", config.name())
                  .and("socket", config.socket())
                  .and("mode", IommuReport.mode(iommu.mode()))
                  .and("reason", iommu.mode().reason()));
      return new ServedIommu(config, iommu, server);
    } catch (IOException | RuntimeException e) {
      iommu.close();
      throw e;
    }
  }

  static String onDifferentHosts(IommuConfig config) {
    return "the functions that it covers are on different hosts (%s); cover those of one"
        .formatted(String.join(", ", config.covers().keySet()));
  }

  /// Tells what becomes of the guest's entries.
  private record Entries(IommuConfig config, DaemonEvents events) implements EntryListener {
    @Override
    public void applied(Requester requester, Translation now) {
      EventData data = whose(requester);
      if (now.isPresent()) {
        events.tell(ControlEvent.IOMMU_ENTRY_APPLIED, data.and("entry", IommuReport.text(now)));
      } else {
        events.tell(ControlEvent.IOMMU_ENTRY_GONE, data);
      }
    }

    @Override
    public void refused(RefusedEntry refused) {
      events.tell(
          ControlEvent.IOMMU_ENTRY_REFUSED,
          whose(refused.requester())
              .and("entry", IommuReport.text(refused.wanted()))
              .and("errno", refused.errno().toString())
              .and("reason", refused.reason()));
    }

    private EventData whose(Requester requester) {
      EventData data =
          EventData.of("iommu", config.name())
              .and("function", functionAt(config, requester.function()));
      return requester instanceof Requester.WithPasid with ? data.and("pasid", with.pasid()) : data;
    }
  }

  /// The name of the function at a place, or the place if it is covered no more.
  static String functionAt(IommuConfig config, SourceId place) {
    for (Map.Entry<String, PciAddress> covered : config.covers().entrySet()) {
      if (SourceId.of(covered.getValue()).equals(place)) {
        return covered.getKey();
      }
    }
    return place.toString();
  }

  String name() {
    return config.name();
  }

  IommuConfig config() {
    return config;
  }

  VirtualIommu iommu() {
    return iommu;
  }

  /// Disconnects the client; nothing is translated any more.
  @Override
  public void close() {
    server.close();
    iommu.close();
  }
}
