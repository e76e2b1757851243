package io.vpasid.synth.quirk;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// The quirk files that come with this library, one per vendor, as resources in `built-in`.
final class BuiltInFiles {
  /// The files' names, in the order in which they are read.
  static final List<String> NAMES =
      List.of(
          "adaptec.json",
          "agere.json",
          "amd.json",
          "areca.json",
          "asmedia.json",
          "atheros.json",
          "broadcom.json",
          "cavium.json",
          "chelsio.json",
          "dr-kaiser.json",
          "emulex.json",
          "fintek.json",
          "generic.json",
          "genesys.json",
          "habana.json",
          "highpoint.json",
          "idt.json",
          "intel.json",
          "jmicron.json",
          "lsi.json",
          "marvell.json",
          "matrox.json",
          "netronome.json",
          "nvidia.json",
          "o2micro.json",
          "realtek.json",
          "renesas.json",
          "ricoh.json",
          "sis.json",
          "softlogic.json",
          "synopsys.json",
          "tenstorrent.json",
          "ti.json",
          "toshiba.json",
          "via.json",
          "vitesse.json");

  private BuiltInFiles() {}

  /// The quirks of all files, from the form that the build made of them. Where none was made, as by
  /// an IDE, from the files.
  static List<Quirk> read() {
    return find("quirks.bin").map(CompiledQuirks::read).orElseGet(BuiltInFiles::parse);
  }

  /// The quirks of all files, from the files.
  static List<Quirk> parse() {
    List<Quirk> quirks = new ArrayList<>();
    for (String name : NAMES) {
      quirks.addAll(QuirkFileReader.read(bytes(name), name, QuirkSource.BUILT_IN));
    }
    return quirks;
  }

  private static byte[] bytes(String name) {
    return find("built-in/" + name)
        .orElseThrow(
            () -> new IllegalStateException("This library is incomplete: no quirk file " + name));
  }

  /// The bytes of a resource beside this class, if there is one.
  static Optional<byte[]> find(String name) {
    try (InputStream in = BuiltInFiles.class.getResourceAsStream(name)) {
      return in == null ? Optional.empty() : Optional.of(in.readAllBytes());
    } catch (IOException e) {
      throw new UncheckedIOException("This library cannot be read: " + name, e);
    }
  }
}
