package io.vpasid.guest.cli.plan;

import io.vpasid.guest.cli.option.SynthesisOptions;
import io.vpasid.guest.config.Unread;
import io.vpasid.pci.dump.Dump;
import io.vpasid.pci.dump.DumpException;
import io.vpasid.pci.dump.DumpForm;
import io.vpasid.pci.dump.Dumps;
import io.vpasid.pci.dump.HostFunction;
import io.vpasid.synth.quirk.QuirkTable;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/// A file as a scan keeps it.
///
/// @param functions those in it, in the order of the file
/// @param captured the same with their bytes, if the scan needs them, otherwise none
/// @param unread why there are none, or which of them are left out
record ScannedFile(
    List<ScannedFunction> functions, List<HostFunction> captured, List<Unread> unread) {

  /// @param keepBytes whether the scan needs the bytes
  static ScannedFile read(
      Path file,
      Optional<DumpForm> form,
      SynthesisOptions options,
      QuirkTable quirks,
      boolean keepBytes) {
    try {
      Dump dump = Dumps.open(file, form);
      return new ScannedFile(
          dump.functions().stream()
              .map(f -> ScannedFunction.of(f, options.request(f, quirks)))
              .toList(),
          keepBytes ? dump.functions() : List.of(),
          dump.incomplete().stream().map(Unread::of).toList());
    } catch (DumpException e) {
      return new ScannedFile(List.of(), List.of(), List.of(Unread.of(e)));
    }
  }

  /// True if any function could be read.
  boolean isRead() {
    return !functions.isEmpty();
  }
}
