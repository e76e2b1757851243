package io.vpasid.it.space;

import io.vpasid.pci.dump.Dumps;
import io.vpasid.pci.dump.HostFunction;
import io.vpasid.testing.Captures;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// The functions of [Captures].
public final class CapturedFunctions {
  private CapturedFunctions() {}

  /// The functions of all files.
  public static List<HostFunction> all() {
    return Captures.files().stream().flatMap(file -> Dumps.read(file).stream()).toList();
  }

  /// Those with an extended space, as they came.
  public static List<HostSpace> extended() {
    List<HostSpace> spaces = new ArrayList<>();
    for (HostFunction function : all()) {
      if (function.config().isExtended()) {
        spaces.add(
            new HostSpace(
                function.config().toByteArray(),
                Optional.empty(),
                List.of(),
                true,
                function.location() + " " + function.address()));
      }
    }
    return spaces;
  }
}
