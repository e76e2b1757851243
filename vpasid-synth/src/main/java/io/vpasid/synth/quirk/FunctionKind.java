package io.vpasid.synth.quirk;

/// What a function is to SR-IOV.
public enum FunctionKind {
  /// A physical function, or a function of a device without SR-IOV.
  PHYSICAL,
  /// A virtual function.
  VIRTUAL
}
