package io.vpasid.pci.dump;

import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;

/// The forms of dumps. The content tells all but two of them apart: [#WORDS] and [#GROUPS] print
/// the same digits in another order.
public enum DumpForm {
  /// 256 or 4096 bytes, such as a copy of sysfs's `config`.
  RAW("256 or 4096 bytes"),
  /// The text of `lspci -xxx` or `-xxxx`.
  LSPCI("lspci -xxxx"),
  /// A hex dump of bytes: `hexdump -C`, `xxd`, `od -A x -t x1`, the PCI dumps of UEFI shells,
  /// U-Boot (`pci display.b`), AIDA64, CPU-Z, pcileech and OpenBSD.
  HEX("a hex dump of bytes"),
  /// Words of 2 or 4 bytes printed as numbers, their first byte last: `hexdump` without `-C`, `od
  /// -x`, `xxd -e`, FreeBSD's `pciconf -r`, U-Boot's `pci display` and `md`.
  WORDS("numbers, each word's first byte last: pciconf -r, pci display.l, hexdump, od -x, xxd -e"),
  /// Groups of bytes in the order of the file: `xxd -g 4`.
  GROUPS("groups of bytes in their order: xxd -g 4"),
  /// A memory initialization file of Xilinx's tools.
  COE("a .coe file");

  private final String meaning;

  DumpForm(String meaning) {
    this.meaning = meaning;
  }

  /// The names of all, as in `raw, lspci, hex, words, groups or coe`.
  public static String names() {
    String names =
        Arrays.stream(values()).map(DumpForm::toString).collect(Collectors.joining(", "));
    int last = names.lastIndexOf(", ");
    return names.substring(0, last) + " or " + names.substring(last + 2);
  }

  /// Its description, in a few words.
  public String meaning() {
    return meaning;
  }

  /// The name that users write.
  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT);
  }
}
