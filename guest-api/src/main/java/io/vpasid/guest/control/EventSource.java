package io.vpasid.guest.control;

import java.util.List;
import java.util.Map;

/// Whose events these are, with whom no other shares the room for events that wait.
///
/// @param key of `data` that names it: `function`, `iommu` or `tenant`; empty for the daemon's own
/// @param name empty for the daemon's own
public record EventSource(String key, String name) {
  private static final List<String> KEYS = List.of("function", "iommu", "tenant");

  private static final EventSource DAEMON = new EventSource("", "");

  /// The first that an event's data name.
  public static EventSource of(Map<String, ?> data) {
    for (String key : KEYS) {
      Object name = data.get(key);
      if (name != null) {
        return new EventSource(key, name.toString());
      }
    }
    return DAEMON;
  }

  /// Puts the name where events of the source have it.
  void nameIn(Map<String, Object> data) {
    if (!key.isEmpty()) {
      data.put(key, name);
    }
  }
}
