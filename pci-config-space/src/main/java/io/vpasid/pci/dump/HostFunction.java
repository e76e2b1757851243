package io.vpasid.pci.dump;

import io.vpasid.pci.ConfigSpace;
import io.vpasid.pci.PciAddress;
import io.vpasid.pci.PciId;
import java.util.Locale;

/// One function as it was captured, or as it is on this machine.
///
/// @param address where it sits; raw and hex files do not say it, see [RawBytes]
/// @param description the text behind the address on the first line of a dump; may be empty. One
///   line: control and format characters become blanks, and what exceeds [#MAX_DESCRIPTION_BYTES]
///   is cut
/// @param config its bytes, as captured; for an SR-IOV virtual function the Vendor ID and Device ID
///   registers in it read 0xffff, see [#id()]
/// @param source the file or device it was read from, as named by who asked for it; may be empty
/// @param line the line of the function's first line in it, counted from 1; 0 where there are none
public record HostFunction(
    PciAddress address, String description, ConfigSpace config, String source, int line) {

  /// Longest description, in bytes of UTF-8. With the address in front it fits a line that Debian's
  /// `lspci -F` takes, which are at most 253 bytes.
  public static final int MAX_DESCRIPTION_BYTES = 200;

  /// @throws IllegalArgumentException if `line` is negative
  public HostFunction {
    if (line < 0) {
      throw new IllegalArgumentException("Lines are counted from 1, not " + line);
    }
    description = OneLine.of(description, MAX_DESCRIPTION_BYTES);
  }

  /// A function that comes from no file.
  public HostFunction(PciAddress address, String description, ConfigSpace config) {
    this(address, description, config, "", 0);
  }

  /// Vendor and device, also of a virtual function.
  ///
  /// They stand in the configuration space, except for SR-IOV virtual functions, whose registers
  /// read 0xffff (PCI Express Base Specification 7.0, section 9.3.4.1.1). Then it is the last pair
  /// of the form `8086:1520` in the description, as `lspci -n` and `-nn` write it, if there is one.
  public PciId id() {
    PciId id = config.id();
    if (id.vendor() != 0xffff) {
      return id;
    }
    for (int at = description.length() - 9; at >= 0; at--) {
      if (isIdAt(at)) {
        return PciId.parse(description.substring(at, at + 9)).orElse(id);
      }
    }
    return id;
  }

  /// Where it was read, for messages: `FILE:LINE`, `FILE`, or an empty text.
  public String location() {
    return OneLine.place(source, line);
  }

  /// The text that `lspci -n` prints behind the address: `0880: 8086:0b25 (rev 01)`.
  static String numericDescription(PciId id, int classCode, int revision) {
    String numbers = String.format(Locale.ROOT, "%04x: %s", classCode >>> 8, id);
    return revision == 0 ? numbers : numbers + String.format(Locale.ROOT, " (rev %02x)", revision);
  }

  private boolean isIdAt(int at) {
    for (int i = 0; i < 9; i++) {
      char c = description.charAt(at + i);
      if (i == 4 ? c != ':' : !HexDigit.is(c)) {
        return false;
      }
    }
    return (at == 0 || !HexDigit.is(description.charAt(at - 1)))
        && (at + 9 == description.length() || !HexDigit.is(description.charAt(at + 9)));
  }
}
