package io.vpasid.pci;

import java.util.HexFormat;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// A pair of 16-bit ids: vendor and device, or subsystem vendor and subsystem.
///
/// @param vendor 0 to 0xffff
/// @param device 0 to 0xffff
public record PciId(int vendor, int device) {

  private static final Pattern TEXT = Pattern.compile("([0-9a-fA-F]{4}):([0-9a-fA-F]{4})");

  /// @throws IllegalArgumentException if an id needs more than 16 bits
  public PciId {
    if ((vendor & ~0xffff) != 0 || (device & ~0xffff) != 0) {
      throw new IllegalArgumentException(
          String.format(Locale.ROOT, "PCI ids have 16 bits, not %x:%x", vendor, device));
    }
  }

  /// Reads `8086:0b25`; empty if the text is anything else.
  public static Optional<PciId> parse(String text) {
    Matcher m = TEXT.matcher(text);
    return m.matches()
        ? Optional.of(new PciId(Integer.parseInt(m.group(1), 16), Integer.parseInt(m.group(2), 16)))
        : Optional.empty();
  }

  /// The form that `lspci -n` uses: `8086:0b25`.
  @Override
  public String toString() {
    HexFormat hex = HexFormat.of();
    return hex.toHexDigits((short) vendor) + ':' + hex.toHexDigits((short) device);
  }
}
