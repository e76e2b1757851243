package io.vpasid.guest.daemon;

import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/// The data of an event, or the fields of a line in the log: values by key, in the order in which
/// they are written. Belongs to one thread until it is told.
final class EventData {
  private final Map<String, Object> values = new LinkedHashMap<>();

  /// With one value, to which [#and] adds more.
  static EventData of(String key, Object value) {
    return new EventData().and(key, value);
  }

  /// Adds a value.
  ///
  /// @return this
  EventData and(String key, Object value) {
    values.put(key, value instanceof Path path ? path.toString() : value);
    return this;
  }

  /// Adds a value if there is one.
  ///
  /// @return this
  EventData and(String key, Optional<?> value) {
    value.ifPresent(there -> and(key, there));
    return this;
  }

  /// The values, as JSON has them.
  Map<String, Object> values() {
    return Collections.unmodifiableMap(values);
  }
}
