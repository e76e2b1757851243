package io.vpasid.guest.config;

import io.vpasid.pci.PciAddress;
import io.vpasid.pci.dump.HostFunction;
import java.util.Optional;

/// A function that somebody named, and what its source tells of it.
///
/// @param captured the function as the source has it
/// @param description what a description file says; empty if it comes from elsewhere
/// @param live what more this machine tells of it; empty if it is no function of this machine
public record FoundFunction(
    HostFunction captured, Optional<FunctionDescription> description, Optional<LiveFunction> live) {

  /// A function of a dump.
  public static FoundFunction captured(HostFunction captured) {
    return new FoundFunction(captured, Optional.empty(), Optional.empty());
  }

  /// The address where it sits.
  public PciAddress address() {
    return captured.address();
  }

  /// The facts that its emulation needs, with BARs of assumed sizes where nothing says them.
  public FunctionDescription describe() {
    return description.orElseGet(() -> FunctionDescription.of(captured));
  }

  /// The facts that its emulation needs.
  ///
  /// @param bars the sizes of BARs that a user knows
  /// @throws IllegalArgumentException with a sentence, if they cannot be those of the function
  public FunctionDescription describe(BarSizes bars) {
    if (bars.equals(BarSizes.UNKNOWN)) {
      return describe();
    }
    if (description.isPresent()) {
      throw new IllegalArgumentException("a description says the sizes of its BARs itself");
    }
    return FunctionDescription.of(captured, bars);
  }
}
