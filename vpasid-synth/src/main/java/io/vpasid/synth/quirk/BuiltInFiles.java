package io.vpasid.synth.quirk;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;

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

  /// The quirks of all files.
  static List<Quirk> read() {
    List<Quirk> quirks = new ArrayList<>();
    for (String name : NAMES) {
      quirks.addAll(QuirkFileReader.read(bytes(name), name, QuirkSource.BUILT_IN));
    }
    return quirks;
  }

  private static byte[] bytes(String name) {
    try (InputStream in = BuiltInFiles.class.getResourceAsStream("built-in/" + name)) {
      if (in == null) {
        throw new IllegalStateException("This library is incomplete: no quirk file " + name);
      }
      return in.readAllBytes();
    } catch (IOException e) {
      throw new UncheckedIOException("This library cannot be read: quirk file " + name, e);
    }
  }
}
