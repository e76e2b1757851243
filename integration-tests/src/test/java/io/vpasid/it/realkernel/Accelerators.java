package io.vpasid.it.realkernel;

import io.vpasid.pci.dump.Dumps;
import io.vpasid.pci.dump.HostFunction;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.List;

/// Two made-up functions that a Linux kernel enables PASIDs for: root complex integrated endpoints
/// with End-End TLP prefixes, ATS and PRI.
///
/// The first has a PASID capability at 0x160, as an Intel DSA has one, which vfio-pci hides. The
/// second has the same layout without it.
final class Accelerators {
  private Accelerators() {}

  /// The dump, as `lspci -xxxx` prints it.
  static Path dump() {
    try {
      return Path.of(
          java.util.Objects.requireNonNull(Accelerators.class.getResource("accelerators.txt"))
              .toURI());
    } catch (URISyntaxException e) {
      throw new AssertionError(e);
    }
  }

  /// The function with a PASID capability.
  static HostFunction withPasid() {
    return functions().getFirst();
  }

  /// The function without one.
  static HostFunction withoutPasid() {
    return functions().getLast();
  }

  private static List<HostFunction> functions() {
    return Dumps.read(dump());
  }
}
