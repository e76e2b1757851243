package io.vpasid.pci.dump;

import io.vpasid.pci.ConfigSpace;
import java.nio.file.Path;
import java.util.List;

/// Reads a dump of any form. What the form is, the content says; never the file's name.
///
/// In this order:
///
/// 1. 256 or 4096 bytes that are no text: [RawBytes];
/// 2. text with at least one function line of `lspci`: [LspciText];
/// 3. any other text: [HexText].
///
/// Text may begin with a byte order mark and may be UTF-16 with one.
public final class Dumps {
  /// Largest file that is read. A machine with 1000 functions of 4096 bytes makes a dump of 14 MiB.
  public static final int MAX_FILE_BYTES = 64 << 20;

  private Dumps() {}

  /// Reads a file.
  ///
  /// @return at least one function, in the order of the file
  /// @throws DumpException if the file cannot be read, or is no dump, or a damaged one
  /// @throws DumpAccessException if permissions are what is missing
  public static List<HostFunction> read(Path path) {
    return parse(DumpFile.read(path));
  }

  /// Reads what is already in memory.
  ///
  /// @param name what messages call it
  /// @throws DumpException if it is no dump, or a damaged one
  public static List<HostFunction> parse(String name, byte[] content) {
    return parse(DumpFile.of(name, content));
  }

  private static List<HostFunction> parse(DumpFile file) {
    int length = file.bytes().length;
    if (length == 0) {
      throw new DumpException(file.name(), 0, "is empty: " + DumpFile.CAPTURE);
    }
    boolean rawLength =
        length == ConfigSpace.STANDARD_SIZE
            || length == ConfigSpace.EXTENDED_SIZE
            || DumpFile.isHeaderOnly(length);
    if (rawLength && file.isBinary()) {
      return List.of(RawBytes.parse(file));
    }
    if (file.startsWith(0x1f, 0x8b)) {
      throw new DumpException(file.name(), 0, "is compressed: unpack it with gunzip first");
    }
    DumpFile text = file.asText();
    LspciParser lspci = new LspciParser(text);
    if (lspci.run()) {
      return lspci.functions();
    }
    // A stray control character does no harm in lspci text; elsewhere it tells that this is none.
    if (text.isBinary()) {
      return List.of(RawBytes.parse(file));
    }
    return List.of(HexText.parse(text));
  }
}
