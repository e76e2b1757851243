package io.vpasid.pci.dump;

import io.vpasid.pci.ConfigSpace;
import io.vpasid.pci.PciAddress;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Optional;

/// A whole file in memory, and what its readers ask of it.
///
/// @param name the name for messages
/// @param address where the function sits, if the path says it, otherwise 0000:00:00.0
/// @param bytes the content; not copied, and nobody writes to it
// The array is a component on purpose: these files are read once and never compared.
@SuppressWarnings("ArrayRecordComponent")
record DumpFile(String name, PciAddress address, byte[] bytes) {
  private static final PciAddress UNKNOWN = new PciAddress(0, 0, 0, 0);

  static final String CAPTURE = "capture it with `lspci -xxxx` as root";

  /// Text or bytes that come from no file.
  static DumpFile of(String name, byte[] bytes) {
    return new DumpFile(name, UNKNOWN, bytes);
  }

  /// Reads the file, at most [Dumps#MAX_FILE_BYTES].
  static DumpFile read(Path path) {
    String name = path.toString();
    try {
      BasicFileAttributes attributes = Files.readAttributes(path, BasicFileAttributes.class);
      if (attributes.isDirectory()) {
        throw new DumpException(name, 0, "is a directory, a dump is a file" + hintFor(path));
      }
      if (attributes.isRegularFile() && attributes.size() > Dumps.MAX_FILE_BYTES) {
        throw tooLarge(name);
      }
      byte[] bytes = readBounded(path, name);
      if (isHeaderOnly(bytes.length)
          && (attributes.size() == ConfigSpace.STANDARD_SIZE
              || attributes.size() == ConfigSpace.EXTENDED_SIZE)) {
        throw notPrivileged(name, bytes.length);
      }
      return new DumpFile(name, addressIn(path), bytes);
    } catch (IOException e) {
      throw unreadable(name, e);
    }
  }

  /// True of as much as sysfs shows without privileges: the header, for CardBus bridges twice that.
  static boolean isHeaderOnly(int length) {
    return length == 64 || length == 128;
  }

  /// The kernel gave the header only.
  static DumpAccessException notPrivileged(String name, int length) {
    return new DumpAccessException(
        name,
        "only "
            + length
            + " bytes can be read, because Linux shows the rest to processes with CAP_SYS_ADMIN"
            + " only: run this as root (in a container, with that capability)");
  }

  static DumpException unreadable(String name, IOException e) {
    return switch (e) {
      case NoSuchFileException _ -> new DumpException(name, "there is no such file", e);
      case AccessDeniedException _ ->
          new DumpAccessException(
              name, "may not be read: run this as root or change the permissions", e);
      case FileSystemException f when f.getReason() != null ->
          new DumpException(name, "cannot be read: " + f.getReason(), e);
      default -> new DumpException(name, "cannot be read: " + e, e);
    };
  }

  /// True if the bytes are no text: control characters that no text has, or everything beyond ASCII
  /// and no line.
  boolean isBinary() {
    boolean lines = false;
    boolean foreign = false;
    for (byte b : bytes) {
      if (b >= 0 && b < ' ') {
        switch (b) {
          case '\n', '\r' -> lines = true;
          // Bell, backspace, tab, form feed and escape appear in captured terminal output.
          case 0x07, '\b', '\t', '\f', 0x1b -> {}
          default -> {
            return true;
          }
        }
      } else if (b < 0) {
        foreign = true;
      }
    }
    return foreign && !lines;
  }

  /// The same content in an encoding that keeps ASCII, without a byte order mark.
  DumpFile asText() {
    if (startsWith(0xef, 0xbb, 0xbf)) {
      return decoded(3, StandardCharsets.UTF_8);
    }
    if (startsWith(0xff, 0xfe)) {
      return decoded(2, StandardCharsets.UTF_16LE);
    }
    if (startsWith(0xfe, 0xff)) {
      return decoded(2, StandardCharsets.UTF_16BE);
    }
    return this;
  }

  boolean startsWith(int... values) {
    if (bytes.length < values.length) {
      return false;
    }
    for (int i = 0; i < values.length; i++) {
      if ((bytes[i] & 0xff) != values[i]) {
        return false;
      }
    }
    return true;
  }

  private DumpFile decoded(int mark, Charset charset) {
    String text = new String(bytes, mark, bytes.length - mark, charset);
    return new DumpFile(name, address, text.getBytes(StandardCharsets.UTF_8));
  }

  private static byte[] readBounded(Path path, String name) throws IOException {
    // What sysfs, pipes and terminals report as their size says nothing about what comes.
    try (InputStream in = Files.newInputStream(path)) {
      byte[] bytes = in.readNBytes(Dumps.MAX_FILE_BYTES + 1);
      if (bytes.length > Dumps.MAX_FILE_BYTES) {
        throw tooLarge(name);
      }
      return bytes;
    }
  }

  private static DumpException tooLarge(String name) {
    return new DumpException(
        name,
        0,
        "is larger than %s MiB, which no dump of a machine is: name a smaller file"
            .formatted(Dumps.MAX_FILE_BYTES >> 20));
  }

  /// A captured sysfs tree names the function in the folder: `0000:03:00.0/config`.
  private static PciAddress addressIn(Path path) {
    return Optional.ofNullable(path.toAbsolutePath().normalize().getParent())
        .map(Path::getFileName)
        .flatMap(folder -> PciAddress.parse(folder.toString()))
        .orElse(UNKNOWN);
  }

  private static String hintFor(Path directory) {
    return Files.isRegularFile(directory.resolve("config"))
        ? ": name " + directory.resolve("config")
        : "";
  }
}
