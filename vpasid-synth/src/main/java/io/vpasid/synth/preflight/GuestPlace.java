package io.vpasid.synth.preflight;

import io.vpasid.pci.ConfigSpace;
import java.util.List;

/// Where the guest has the function.
///
/// @param ports the virtual ports above it, each as the guest reads it: the bridge whose secondary
///   bus the function is on comes first, the port on the root bus last. Empty if the function is on
///   the root bus itself
/// @param function its function number, 0 to 7; 1 to 7 make it part of a multi-function device
///   whatever its Header Type says
public record GuestPlace(List<ConfigSpace> ports, int function) {

  /// @throws IllegalArgumentException if the function number is not 0 to 7
  public GuestPlace {
    if ((function & ~7) != 0) {
      throw new IllegalArgumentException("A function number is 0 to 7, not " + function);
    }
    ports = List.copyOf(ports);
  }

  /// On the root bus, as function 0.
  public static GuestPlace onRootBus() {
    return new GuestPlace(List.of(), 0);
  }

  /// Below `ports`, as function 0.
  public static GuestPlace below(List<ConfigSpace> ports) {
    return new GuestPlace(ports, 0);
  }
}
