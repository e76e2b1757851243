package io.vpasid.vmm;

/// State of the guest's PASID control register.
///
/// @param enabled PASID Enable
/// @param exec Execute Permission Enable
/// @param priv Privileged Mode Enable
public record PasidControl(boolean enabled, boolean exec, boolean priv) {
  /// Nothing, as after a reset and where no vPASID is shown.
  public static final PasidControl OFF = new PasidControl(false, false, false);
}
