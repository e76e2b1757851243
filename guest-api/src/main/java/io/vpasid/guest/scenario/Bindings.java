package io.vpasid.guest.scenario;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Collectors;

/// The meaning of the names of a scenario in one run: parameters, and random numbers while they
/// hold.
///
/// @param values text or number by name
record Bindings(Map<String, String> values) {
  static final Bindings NONE = new Bindings(Map.of());

  Bindings {
    values = new LinkedHashMap<>(values);
  }

  Bindings with(String name, String value) {
    Bindings more = new Bindings(values);
    more.values.put(name, value);
    return more;
  }

  boolean knows(String name) {
    return values.containsKey(name);
  }

  String text(String name) {
    return values.getOrDefault(name, "");
  }

  /// The reader has checked that it is one.
  int number(String name) {
    return Integer.parseInt(text(name));
  }

  /// `iommu=intel kernel=7.3`.
  @Override
  public String toString() {
    return values.entrySet().stream()
        .map(e -> e.getKey() + '=' + e.getValue())
        .collect(Collectors.joining(" "));
  }
}
