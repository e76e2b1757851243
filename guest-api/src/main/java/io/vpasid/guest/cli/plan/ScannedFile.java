package io.vpasid.guest.cli.plan;

import io.vpasid.guest.cli.option.SynthesisOptions;
import io.vpasid.guest.config.Unread;
import io.vpasid.pci.dump.DumpAccessException;
import io.vpasid.pci.dump.DumpException;
import io.vpasid.pci.dump.Dumps;
import io.vpasid.synth.quirk.QuirkTable;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/// What a scan keeps of one file.
///
/// @param functions those in it, in the order of the file
/// @param unread why there are none
record ScannedFile(List<ScannedFunction> functions, Optional<Unread> unread) {

  static ScannedFile read(Path file, SynthesisOptions options, QuirkTable quirks) {
    try {
      return new ScannedFile(
          Dumps.read(file).stream()
              .map(f -> ScannedFunction.of(f, options.request(f, quirks)))
              .toList(),
          Optional.empty());
    } catch (DumpException e) {
      return new ScannedFile(
          List.of(),
          Optional.of(
              new Unread(String.valueOf(e.getMessage()), e instanceof DumpAccessException)));
    }
  }
}
