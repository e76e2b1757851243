package io.vpasid.synth.quirk;

/// Source of the knowledge that something is hidden there.
public enum Evidence {
  /// A published document or header names the register or its address: `documented` in a quirk
  /// file.
  DOCUMENTED("documented"),
  /// A driver or tool uses the register, or its headers define it: `driver` in a quirk file.
  DRIVER("driver"),
  /// Captured configuration spaces show bytes that are not 0: `observed` in a quirk file.
  OBSERVED("observed"),
  /// The quirk does not say.
  UNSTATED("unstated");

  private final String word;

  Evidence(String word) {
    this.word = word;
  }

  /// The word of quirk files: `documented`, `driver` or `observed`; `unstated` where a file says
  /// nothing.
  @Override
  public String toString() {
    return word;
  }
}
