package io.vpasid.pci.dump;

import io.vpasid.pci.ConfigSpace;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/// Reads a dump of any form. What the form is, the content says unless it is named; never the
/// file's name.
///
/// In this order:
///
/// 1. 256 or 4096 bytes that are no text: [DumpForm#RAW];
/// 2. text with `memory_initialization_vector` in it: [DumpForm#COE];
/// 3. text with a function line of `lspci` and rows: [LspciText];
/// 4. any other text: [HexText].
///
/// Text may begin with a byte order mark and may be UTF-16 with one, and may be encoded as mails
/// are ([QuotedPrintable]).
public final class Dumps {
  /// Largest file that is read. A machine with 1000 functions of 4096 bytes makes a dump of 14 MiB.
  public static final int MAX_FILE_BYTES = 64 << 20;

  private Dumps() {}

  /// Reads the functions of a file that are there as a whole.
  ///
  /// @return at least one, in the order of the file
  /// @throws DumpException if the file cannot be read, or is no dump, or none of its functions is
  ///   there as a whole
  /// @throws DumpAccessException if permissions are what is missing
  public static List<HostFunction> read(Path path) {
    return open(path, Optional.empty()).whole();
  }

  /// Likewise for what is already in memory.
  ///
  /// @param name what messages call it
  public static List<HostFunction> parse(String name, byte[] content) {
    return open(name, content, Optional.empty()).whole();
  }

  /// Reads a file with all that it has in it.
  ///
  /// @param form how to read it; empty if the content is to tell
  /// @throws DumpException if the file cannot be read, or is no dump
  /// @throws DumpAccessException if permissions are what is missing
  public static Dump open(Path path, Optional<DumpForm> form) {
    return open(DumpFile.read(path), form);
  }

  /// Likewise for what is already in memory.
  ///
  /// @param name what messages call it
  public static Dump open(String name, byte[] content, Optional<DumpForm> form) {
    return open(DumpFile.of(name, content), form);
  }

  private static Dump open(DumpFile file, Optional<DumpForm> form) {
    int length = file.bytes().length;
    if (length == 0) {
      throw new DumpException(file.name(), 0, "is empty: " + DumpFile.CAPTURE);
    }
    boolean rawLength =
        length == ConfigSpace.STANDARD_SIZE
            || length == ConfigSpace.EXTENDED_SIZE
            || DumpFile.isHeaderOnly(length);
    if (form.isPresent() ? form.get() == DumpForm.RAW : rawLength && file.isBinary()) {
      return Dump.of(RawBytes.parse(file));
    }
    if (file.startsWith(0x1f, 0x8b)) {
      throw new DumpException(file.name(), 0, "is compressed: unpack it with gunzip first");
    }
    DumpFile text = file.asText();
    if (!QuotedPrintable.is(text.bytes())) {
      return text(text, file, form);
    }
    QuotedPrintable.Decoded decoded = QuotedPrintable.decode(text.bytes());
    DumpFile mail = new DumpFile(text.name(), text.address(), decoded.bytes());
    try {
      return text(mail, mail, form).withLines(decoded::encodedLine);
    } catch (DumpException e) {
      throw new DumpException(e.source(), decoded.encodedLine(e.line()), e.problem());
    }
  }

  /// @param whole the same before a byte order mark was taken off
  private static Dump text(DumpFile text, DumpFile whole, Optional<DumpForm> form) {
    if (form.isEmpty()) {
      return guessed(text, whole);
    }
    return switch (form.get()) {
      case COE -> CoeText.parse(text);
      case LSPCI -> LspciText.open(text);
      case HEX, WORDS, GROUPS -> HexText.parse(text, form.get());
      case RAW -> throw new IllegalArgumentException("Raw bytes are no text");
    };
  }

  private static Dump guessed(DumpFile text, DumpFile whole) {
    if (CoeText.is(text)) {
      return CoeText.parse(text);
    }
    LspciParser lspci = new LspciParser(text);
    boolean listed = lspci.run();
    if (listed && lspci.hasRows()) {
      return lspci.dump();
    }
    // A stray control character does no harm in lspci text; elsewhere it tells that this is none.
    if (text.isBinary()) {
      return Dump.of(RawBytes.parse(whole));
    }
    try {
      return HexText.parse(text, DumpForm.HEX);
    } catch (DumpException e) {
      // Of a list of functions without rows there is more to say.
      return listed ? lspci.dump() : rethrow(e);
    }
  }

  private static Dump rethrow(DumpException e) {
    throw e;
  }
}
