package io.vpasid.synth.quirk;

/// What a function is to SR-IOV.
public enum FunctionKind {
  /// A physical function, or a function of a device without SR-IOV: `physical` in a quirk file.
  PHYSICAL("physical"),
  /// A virtual function: `virtual` in a quirk file.
  VIRTUAL("virtual");

  private final String word;

  FunctionKind(String word) {
    this.word = word;
  }

  /// The word of quirk files: `physical` or `virtual`.
  @Override
  public String toString() {
    return word;
  }
}
