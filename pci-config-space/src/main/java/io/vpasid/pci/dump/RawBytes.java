package io.vpasid.pci.dump;

import io.vpasid.pci.ConfigSpace;
import java.util.Locale;

/// Reads a configuration space as its bare bytes, 256 or 4096 of them: a copy of a `config` file of
/// sysfs, for example.
///
/// Such a file does not say where the function sits. The address is taken from the folder where it
/// is named like one, as in a captured sysfs tree (`0000:03:00.0/config`), and is otherwise
/// 0000:00:00.0. The description has the numbers that `lspci -n` prints.
final class RawBytes {
  private RawBytes() {}

  static HostFunction parse(DumpFile file) {
    byte[] bytes = file.bytes();
    if (DumpFile.isHeaderOnly(bytes.length)) {
      throw new DumpException(
          file.name(),
          0,
          "has only "
              + bytes.length
              + " bytes, which is what Linux shows without privileges: copy sysfs's config file as"
              + " root");
    }
    if (bytes.length != ConfigSpace.STANDARD_SIZE && bytes.length != ConfigSpace.EXTENDED_SIZE) {
      throw new DumpException(
          file.name(),
          0,
          String.format(
              Locale.ROOT,
              "has %s bytes, a raw configuration space has 256 or 4096: copy sysfs's config file as"
                  + " root, or %s",
              bytes.length,
              DumpFile.CAPTURE));
    }
    ConfigSpace config = ConfigSpace.of(bytes);
    return new HostFunction(
        file.address(),
        HostFunction.numericDescription(config.id(), config.classCode(), config.revision()),
        config,
        file.name(),
        0);
  }
}
