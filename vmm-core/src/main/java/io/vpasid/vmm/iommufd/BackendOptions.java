package io.vpasid.vmm.iommufd;

import java.util.Collections;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/// Options for one provider's [IommufdBackendProvider#open], by name; each provider lists its own.
///
/// @param values option names and their values
public record BackendOptions(Map<String, String> values) {
  /// No options: every provider's defaults.
  public static final BackendOptions DEFAULTS = new BackendOptions(Map.of());

  /// Keeps a copy, in the order of the names.
  public BackendOptions {
    values = Collections.unmodifiableSortedMap(new TreeMap<>(values));
  }

  /// The value of an option; empty if it was not given.
  public Optional<String> value(String name) {
    return Optional.ofNullable(values.get(name));
  }
}
