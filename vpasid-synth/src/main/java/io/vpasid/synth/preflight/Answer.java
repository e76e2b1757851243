package io.vpasid.synth.preflight;

/// The answer to whether a Linux guest under an Intel virtual IOMMU enables PASIDs, and may use
/// those that it is shown.
public enum Answer {
  /// It does: no check fails, and none is open.
  YES,
  /// It does not: a check fails.
  NO,
  /// No check fails, but some are open.
  UNKNOWN
}
