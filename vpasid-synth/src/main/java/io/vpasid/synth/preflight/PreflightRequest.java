package io.vpasid.synth.preflight;

import io.vpasid.pci.ConfigSpace;
import io.vpasid.synth.HardwareInfo;
import io.vpasid.synth.quirk.FunctionKind;
import java.util.EnumSet;
import java.util.Optional;
import java.util.Set;

/// The facts that are known of a function and of the guest that will have it. The more of it there
/// is, the fewer checks stay open.
///
/// @param view the function as the guest reads it after a reset, vPASID and all
/// @param kind what the function is to SR-IOV on the host
/// @param physicalFunction of a virtual function whose physical function the guest has too, and
///   which the guest knows as its virtual function: that one as the guest reads it. Without it the
///   guest takes a virtual function for a function like any other
/// @param hardware what the host can do with PASIDs on the function
/// @param place where the guest has it
/// @param iommu the registers of the guest's IOMMU
/// @param assumed checks to pass where nothing given decides them
public record PreflightRequest(
    ConfigSpace view,
    FunctionKind kind,
    Optional<ConfigSpace> physicalFunction,
    HardwareInfo hardware,
    Optional<GuestPlace> place,
    Optional<IommuRegisters> iommu,
    Set<CheckId> assumed) {

  /// @throws IllegalArgumentException if a physical function has a physical function
  public PreflightRequest {
    if (kind == FunctionKind.PHYSICAL && physicalFunction.isPresent()) {
      throw new IllegalArgumentException("Only a virtual function has a physical function");
    }
    assumed = Set.copyOf(assumed);
  }

  /// A function of which only its bytes and its host are known.
  public static PreflightRequest of(ConfigSpace view, FunctionKind kind, HardwareInfo hardware) {
    return new PreflightRequest(
        view, kind, Optional.empty(), hardware, Optional.empty(), Optional.empty(), Set.of());
  }

  /// The same virtual function, with its physical function in the same guest.
  ///
  /// @throws IllegalArgumentException if this is not a virtual function
  public PreflightRequest withPhysicalFunction(ConfigSpace physical) {
    return new PreflightRequest(view, kind, Optional.of(physical), hardware, place, iommu, assumed);
  }

  /// The same function at this place.
  public PreflightRequest at(GuestPlace where) {
    return new PreflightRequest(
        view, kind, physicalFunction, hardware, Optional.of(where), iommu, assumed);
  }

  /// The same function behind this IOMMU.
  public PreflightRequest behind(IommuRegisters virtualIommu) {
    return new PreflightRequest(
        view, kind, physicalFunction, hardware, place, Optional.of(virtualIommu), assumed);
  }

  /// The same function, with these checks taken for granted where nothing given decides them.
  public PreflightRequest assuming(Set<CheckId> checks) {
    Set<CheckId> all = EnumSet.noneOf(CheckId.class);
    all.addAll(assumed);
    all.addAll(checks);
    return new PreflightRequest(view, kind, physicalFunction, hardware, place, iommu, all);
  }

  /// The physical function in the same place, as the guest has it.
  PreflightRequest ofPhysicalFunction(ConfigSpace physical) {
    return new PreflightRequest(
        physical, FunctionKind.PHYSICAL, Optional.empty(), hardware, place, iommu, assumed);
  }
}
