package io.vpasid.guest.daemon;

import io.vpasid.guest.config.DaemonConfigShape;
import io.vpasid.guest.config.InputException;
import io.vpasid.guest.config.IommuConfig;
import io.vpasid.guest.control.ControlEvent;
import io.vpasid.guest.vfiouser.VfioUserSockets;
import java.io.IOException;
import java.util.Collection;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentSkipListMap;
import org.slf4j.event.Level;

/// The virtual IOMMUs that a daemon serves. They come and go on its worker; any thread may ask
/// which there are.
final class ServedIommus {
  private final Daemon daemon;
  private final VfioUserSockets sockets;
  private final Map<String, ServedIommu> iommus = new ConcurrentSkipListMap<>();

  ServedIommus(Daemon daemon, VfioUserSockets sockets) {
    this.daemon = daemon;
    this.sockets = sockets;
  }

  /// All, by name.
  Collection<ServedIommu> all() {
    return iommus.values();
  }

  /// The IOMMU of a name.
  Optional<ServedIommu> find(String name) {
    return Optional.ofNullable(iommus.get(name));
  }

  /// Serves a virtual IOMMU more, for functions that are served.
  ///
  /// @throws InputException if it cannot be made; nothing has changed then
  /// @throws IOException with a sentence, if its socket cannot be made
  ServedIommu add(IommuConfig wanted) throws IOException {
    if (iommus.containsKey(wanted.name())) {
      throw taken(wanted.name());
    }
    if (iommus.size() >= DaemonConfigShape.MAX_IOMMUS) {
      throw new InputException(
          "there are " + iommus.size() + " IOMMUs, and no room for more; delete one");
    }
    for (String name : wanted.covers().keySet()) {
      Optional<ServedIommu> other = daemon.functions().find(name).flatMap(this::over);
      if (other.isPresent()) {
        throw new InputException(
            "function '%s' is behind IOMMU '%s' already".formatted(name, other.get().name()));
      }
    }
    ServedIommu added = ServedIommu.open(daemon, wanted, sockets);
    iommus.put(wanted.name(), added);
    return added;
  }

  static InputException taken(String name) {
    return new InputException("there is an IOMMU '" + name + "' already");
  }

  private Optional<ServedIommu> over(ServedFunction served) {
    return iommus.values().stream()
        .filter(its -> its.iommu().covers(served.function()))
        .findFirst();
  }

  /// Stops serving a virtual IOMMU: the functions behind it are blocked.
  void remove(ServedIommu served) {
    iommus.remove(served.name());
    if (!LongWork.begin("end of " + served.name(), served::close).endsIn(LongWork.BOUND)) {
      daemon
          .log()
          .say(
              Level.WARN,
              "The IOMMU is busy for a long time; it is released when it is done.",
              EventData.of("iommu", served.name()));
    }
    daemon.events().tell(ControlEvent.IOMMU_DELETED, EventData.of("iommu", served.name()));
  }

  /// Stops serving the one that a function is behind.
  ///
  /// @return its name
  Optional<String> removeOver(ServedFunction served) {
    Optional<ServedIommu> over = over(served);
    over.ifPresent(this::remove);
    return over.map(ServedIommu::name);
  }

  /// Ends all of them, without events.
  void close() {
    iommus.values().forEach(ServedIommu::close);
    iommus.clear();
  }
}
