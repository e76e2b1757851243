package io.vpasid.pci;

import java.util.HexFormat;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// Address of a function: domain (segment), bus, device and function number.
///
/// @param domain 0 to 0x7fffffff; Linux gives domains behind Intel VMD numbers above 0xffff
/// @param bus 0 to 255
/// @param device 0 to 31
/// @param function 0 to 7
public record PciAddress(int domain, int bus, int device, int function)
    implements Comparable<PciAddress> {

  private static final Pattern TEXT =
      Pattern.compile("(?:([0-9a-fA-F]{1,8}):)?([0-9a-fA-F]{1,2}):([0-9a-fA-F]{1,2})\\.([0-7])");

  /// @throws IllegalArgumentException if a number is out of its range
  public PciAddress {
    if (domain < 0 || (bus & ~0xff) != 0 || (device & ~0x1f) != 0 || (function & ~7) != 0) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "No PCI address: domain %d, bus %d, device %d, function %d",
              domain,
              bus,
              device,
              function));
    }
  }

  /// Reads `DDDD:BB:DD.F` or `BB:DD.F` (then domain 0); empty if the text is neither.
  public static Optional<PciAddress> parse(String text) {
    Matcher m = TEXT.matcher(text);
    if (!m.matches()) {
      return Optional.empty();
    }
    long domain = m.group(1) == null ? 0 : Long.parseLong(m.group(1), 16);
    int device = Integer.parseInt(m.group(3), 16);
    if (domain > Integer.MAX_VALUE || device > 0x1f) {
      return Optional.empty();
    }
    return Optional.of(
        new PciAddress(
            (int) domain,
            Integer.parseInt(m.group(2), 16),
            device,
            Integer.parseInt(m.group(4), 16)));
  }

  @Override
  public int compareTo(PciAddress other) {
    return domain == other.domain
        ? Integer.compare(routingId(), other.routingId())
        : Integer.compare(domain, other.domain);
  }

  // By hand, as that of a record is made when it is first asked for, which each command would wait
  // for.
  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof PciAddress address && compareTo(address) == 0;
  }

  @Override
  public int hashCode() {
    return domain * 0x10000 + routingId();
  }

  /// Bus, device and function as a transaction names them in its domain.
  private int routingId() {
    return bus << 8 | device << 3 | function;
  }

  /// The form that sysfs uses, always with the domain: `0000:6a:01.0`.
  @Override
  public String toString() {
    HexFormat hex = HexFormat.of();
    return (domain > 0xffff ? Integer.toHexString(domain) : hex.toHexDigits((short) domain))
        + ':'
        + hex.toHexDigits((byte) bus)
        + ':'
        + hex.toHexDigits((byte) device)
        + '.'
        + function;
  }
}
