package io.vpasid.pci.dump;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import io.vpasid.pci.ByteRange;
import io.vpasid.pci.PartialSpace;
import io.vpasid.pci.capability.CapabilityChain;
import java.util.List;
import java.util.Optional;

/// A dump of any form as a fuzz target, whether the content tells the form or it is named: the
/// outcome is functions, which are the same when they are written and read again, and incomplete
/// ones, or a [DumpException]; both name the place.
public final class DumpTarget {
  private DumpTarget() {}

  /// One input of the fuzzer.
  public static void fuzzerTestOneInput(byte[] input) {
    check(input, Optional.empty());
    for (DumpForm form : DumpForm.values()) {
      check(input, Optional.of(form));
    }
  }

  private static void check(byte[] input, Optional<DumpForm> form) {
    try {
      Dump dump = Dumps.open("input", input, form);
      checkSameWhenReadAgain(dump.functions());
      for (IncompleteFunction function : dump.incomplete()) {
        checkNamesThePlace(function.toException(), input);
        checkMissing(function.present());
      }
    } catch (DumpException e) {
      checkNamesThePlace(e, input);
    }
  }

  /// Every byte is known or in one of the runs that are missing, where it reads as 0.
  private static void checkMissing(PartialSpace space) {
    int missing = 0;
    for (ByteRange run : space.missing()) {
      missing += run.length();
      if (space.has(run) || !space.withZeros().isZero(run)) {
        throw new AssertionError(run + " is missing in " + space);
      }
    }
    if (missing + space.known() != space.size()) {
      throw new AssertionError(missing + " bytes are missing in " + space);
    }
    CapabilityChain.walk(space);
  }

  private static void checkSameWhenReadAgain(List<HostFunction> functions) {
    if (functions.isEmpty()) {
      return;
    }
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
