package io.vpasid.it.invariant;

import io.vpasid.it.space.HostSpaces;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;

/// The walk of a configuration space and everything that is made of it, as a fuzz target: all
/// invariants, for any function.
///
/// ```text
///  0        8               11
/// | number | offset, value | offset, value | …
/// ```
///
/// The number is that of a case, as a failure of [InvariantsTest] names it; what follows changes
/// its function's bytes. Little endian.
public final class InvariantsTarget {
  private static final Trials TRIALS = trials();

  private InvariantsTarget() {}

  private static Trials trials() {
    try {
      Path folder = Files.createTempDirectory("vpasid-fuzz");
      Trials trials = new Trials(HostSpaces.made(), KnownQuirks.tables(64, folder));
      try (var files = Files.list(folder)) {
        for (Path file : files.toList()) {
          Files.delete(file);
        }
      }
      Files.delete(folder);
      return trials;
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  /// One input of the fuzzer.
  public static void fuzzerTestOneInput(byte[] input) {
    ByteBuffer read = ByteBuffer.wrap(Arrays.copyOf(input, Math.max(Long.BYTES, input.length)));
    read.order(ByteOrder.LITTLE_ENDIAN);
    Case made = TRIALS.of(read.getLong());
    byte[] bytes = made.host().bytes().clone();
    while (read.remaining() >= 3) {
      int offset = read.getShort() & bytes.length - 1;
      bytes[offset] = read.get();
    }
    Case changed =
        Arrays.equals(bytes, made.host().bytes()) ? made : made.with(made.host().changed(bytes));
    Trials.attempt("this input", changed, Invariants::all);
  }
}
