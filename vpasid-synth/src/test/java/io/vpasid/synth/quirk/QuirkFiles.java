package io.vpasid.synth.quirk;

import io.vpasid.pci.ConfigSpace;
import io.vpasid.pci.PciId;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.List;

/// Quirk files and functions for tests.
final class QuirkFiles {
  private QuirkFiles() {}

  /// The quirks in `text`, which is called `test.json`.
  static List<Quirk> read(String text) {
    return QuirkFileReader.read(text.getBytes(StandardCharsets.UTF_8), "test.json", "test");
  }

  /// A file with one quirk of this match and these effects, both as they stand in an object.
  static String file(String id, String match, String effects) {
    return """
    { "format": 1, "quirks": [ { "id": "%s", "name": "n", "source": "s",
      "match": { %s }, %s } ] }
    """
        .formatted(id, match, effects);
  }

  /// The quirk of [#file].
  static Quirk quirk(String id, String match, String effects) {
    return read(file(id, match, effects)).getFirst();
  }

  /// An Ethernet controller of revision 1 without a subsystem.
  static FunctionIdentity function(int vendor, int device) {
    return new FunctionIdentity(
        new PciId(vendor, device),
        FunctionIdentity.NO_SUBSYSTEM,
        0x020000,
        0x01,
        FunctionKind.PHYSICAL);
  }

  /// A configuration space of 4096 bytes, 0 except for these dwords.
  ///
  /// @param offsetsAndValues each offset, a multiple of 4, and the dword there
  static ConfigSpace space(int... offsetsAndValues) {
    byte[] bytes = new byte[ConfigSpace.EXTENDED_SIZE];
    ByteBuffer dwords = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    for (int i = 0; i < offsetsAndValues.length; i += 2) {
      dwords.putInt(offsetsAndValues[i], offsetsAndValues[i + 1]);
    }
    return ConfigSpace.of(bytes);
  }
}
