package io.vpasid.pci.dump;

import java.util.List;

/// Functions without the place where they were read, to be compared with others.
final class Bare {
  private Bare() {}

  static HostFunction function(HostFunction function) {
    return new HostFunction(function.address(), function.description(), function.config());
  }

  static List<HostFunction> functions(List<HostFunction> functions) {
    return functions.stream().map(Bare::function).toList();
  }

  /// Without the description, too: `lspci` writes its own.
  static List<HostFunction> undescribed(List<HostFunction> functions) {
    return functions.stream()
        .map(function -> new HostFunction(function.address(), "", function.config()))
        .toList();
  }
}
