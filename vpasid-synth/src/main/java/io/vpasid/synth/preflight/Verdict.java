package io.vpasid.synth.preflight;

/// The result of a check.
public enum Verdict {
  /// The guest gets past it.
  PASS,
  /// The guest does not get past it.
  FAIL,
  /// Nothing that was given decides it.
  UNKNOWN,
  /// Linux does not make this check for this function, or does not come to it.
  NOT_APPLICABLE
}
