package io.vpasid.guest.config;

import io.vpasid.pci.PciAddress;
import io.vpasid.pci.dump.HostFunction;
import io.vpasid.pci.emulation.Bar;
import java.util.List;
import java.util.Optional;

/// A function that can be emulated: captured, or described in a file.
///
/// @param captured the function as a capture has it: with the PASID capability that vfio-pci hides,
///   if it has one
/// @param bars the BARs that it implements
/// @param doorbell the register through which a guest makes it interrupt, if it has one
/// @param engineBar index of the BAR that begins with the registers of a DMA engine, if it has one
public record FunctionDescription(
    HostFunction captured,
    List<Bar> bars,
    Optional<Doorbell> doorbell,
    Optional<Integer> engineBar) {

  public FunctionDescription {
    bars = List.copyOf(bars);
  }

  /// A captured function, with BARs of the sizes that [CapturedHardware#bars] assumes.
  public static FunctionDescription of(HostFunction captured) {
    return of(captured, BarSizes.UNKNOWN);
  }

  /// A captured function, with BARs of these sizes, and of assumed ones where none is said.
  ///
  /// @throws IllegalArgumentException with a sentence, if its BARs cannot have these sizes
  public static FunctionDescription of(HostFunction captured, BarSizes sizes) {
    return new FunctionDescription(
        captured,
        CapturedHardware.bars(captured.config(), sizes),
        Optional.empty(),
        Optional.empty());
  }

  /// The same function in another place.
  public FunctionDescription movedTo(PciAddress address) {
    return new FunctionDescription(
        new HostFunction(
            address, captured.description(), captured.config(), captured.source(), captured.line()),
        bars,
        doorbell,
        engineBar);
  }

  /// The address where the function sits.
  public PciAddress address() {
    return captured.address();
  }

  /// A register of 4 bytes: writing a number raises the MSI-X vector with that number.
  ///
  /// @param bar index of the BAR that it is in
  /// @param offset of its first byte, a multiple of 4
  public record Doorbell(int bar, long offset) {}
}
