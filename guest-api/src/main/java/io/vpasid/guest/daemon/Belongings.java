package io.vpasid.guest.daemon;

import io.vpasid.guest.config.TenantPart.Kind;
import io.vpasid.guest.control.ControlException;
import io.vpasid.guest.control.ControlTarget.Client;
import io.vpasid.vmm.iommufd.IommufdException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.slf4j.event.Level;

/// The things that temporary clients have added, which go with the connection. Used by the daemon's
/// worker.
final class Belongings {
  /// Nothing can be attached to an address space when the functions are gone, and no IOMMU cover
  /// one that is about to go.
  private static final List<Kind> ORDER = List.of(Kind.IOMMU, Kind.FUNCTION, Kind.ADDRESS_SPACE);

  private final DaemonLog log;
  private final Map<Client, List<Thing>> things = new HashMap<>();

  private record Thing(Kind kind, String key, Runnable delete) {}

  Belongings(DaemonLog log) {
    this.log = log;
  }

  /// Keeps something that a client has added, if the client is a temporary one.
  ///
  /// @param key its name, or the handle of an address space
  /// @param delete throws a [ControlException] if it is in use by others, whose it is then
  void add(Client client, Kind kind, String key, Runnable delete) {
    if (client.isTemporary()) {
      things.computeIfAbsent(client, _ -> new ArrayList<>()).add(new Thing(kind, key, delete));
    }
  }

  /// Forgets what somebody has deleted: the next of its name may be another's.
  void deleted(Kind kind, String key) {
    things.values().forEach(its -> its.removeIf(has -> has.kind == kind && has.key.equals(key)));
  }

  /// Deletes what a client has added that is gone.
  void delete(Client gone) {
    List<Thing> left = things.getOrDefault(gone, List.of());
    things.remove(gone);
    for (Kind kind : ORDER) {
      left.stream().filter(thing -> thing.kind == kind).forEach(this::delete);
    }
  }

  private void delete(Thing thing) {
    try {
      thing.delete.run();
    } catch (ControlException e) {
      log.say(Level.DEBUG, e.desc());
    } catch (IommufdException e) {
      log.say(Level.WARN, "An address space stays: " + e.getMessage());
    }
  }
}
