package io.vpasid.synth.quirk;

/// Use that software makes of a hidden register.
public enum Access {
  /// It is only read: `ro` in a quirk file.
  READ_ONLY("ro"),
  /// It is written, and perhaps read: `rw` in a quirk file.
  READ_WRITE("rw"),
  /// Not known: `unknown` in a quirk file.
  UNKNOWN("unknown");

  private final String word;

  Access(String word) {
    this.word = word;
  }

  /// The word of quirk files: `ro`, `rw` or `unknown`.
  @Override
  public String toString() {
    return word;
  }
}
