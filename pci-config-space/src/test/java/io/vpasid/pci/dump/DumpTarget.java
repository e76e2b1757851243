package io.vpasid.pci.dump;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.util.List;

/// A dump of any form as a fuzz target: the outcome is functions, which are the same when they are
/// written and read again, or a [DumpException] that names the place.
public final class DumpTarget {
  private DumpTarget() {}

  /// One input of the fuzzer.
  public static void fuzzerTestOneInput(byte[] input) {
    try {
      List<HostFunction> functions = Dumps.parse("input", input);
      if (functions.isEmpty()) {
        throw new AssertionError("A dump without functions");
      }
      checkSameWhenReadAgain(functions);
    } catch (DumpException e) {
      checkNamesThePlace(e, input);
    }
  }

  private static void checkSameWhenReadAgain(List<HostFunction> functions) {
    StringBuilder text = new StringBuilder();
    LspciText.write(functions, text);
    List<HostFunction> again = LspciText.parse("again", text.toString());
    for (int i = 0; i < Math.max(functions.size(), again.size()); i++) {
      if (!again.get(i).config().equals(functions.get(i).config())
          || !again.get(i).address().equals(functions.get(i).address())) {
        throw new AssertionError(functions.get(i) + " is read as " + again.get(i));
      }
    }
  }

  static void checkNamesThePlace(DumpException e, byte[] input) {
    long lines = new String(input, ISO_8859_1).lines().count();
    String message = String.valueOf(e.getMessage());
    if (!message.matches("input(:[1-9][0-9]*)?: \\P{Cntrl}+")
        || e.line() < 0
        || e.line() > lines
        || !e.source().equals("input")
        || e.problem().isBlank()) {
      throw new AssertionError("Of " + lines + " lines, " + e.line() + ": " + message, e);
    }
  }
}
