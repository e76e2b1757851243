package io.vpasid.guest.emulator;

/// The outcome of the guest's try to enable PASIDs.
public sealed interface EnableOutcome {

  /// They are enabled.
  ///
  /// @param offset of the PASID capability
  /// @param width bits of a PASID
  /// @param exec whether execute permission is enabled with them
  /// @param priv whether privileged mode is enabled with them
  record Enabled(int offset, int width, boolean exec, boolean priv) implements EnableOutcome {}

  /// The guest's kernel would not enable them.
  ///
  /// @param why a sentence with the register that decided
  record NotEnabled(String why) implements EnableOutcome {}
}
