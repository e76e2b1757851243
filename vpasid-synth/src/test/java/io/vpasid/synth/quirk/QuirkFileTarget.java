package io.vpasid.synth.quirk;

import io.vpasid.synth.json.JsonFileException;

/// A quirk file as a fuzz target: it is read, or one clear line says why it is not.
public final class QuirkFileTarget {
  private QuirkFileTarget() {}

  /// One input of the fuzzer.
  public static void fuzzerTestOneInput(byte[] input) {
    try {
      QuirkFileReader.read(input, "f.json", "test");
    } catch (JsonFileException e) {
      String message = String.valueOf(e.getMessage());
      if (!message.matches("f\\.json:[1-9][0-9]*:[1-9][0-9]*: \\P{Cntrl}+")
          || message.length() >= 400) {
        throw new AssertionError(message, e);
      }
    }
  }
}
