package io.vpasid.guest.config;

import static java.util.stream.Collectors.joining;

import io.vpasid.pci.PciAddress;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// The address of a function as users write it, and what is wrong with one.
public final class AddressText {
  /// Anything that was meant as an address: `3b:00.9`.
  private static final Pattern MEANT =
      Pattern.compile("(?:[0-9a-fA-F]+:)?([0-9a-fA-F]+):([0-9a-fA-F]+)\\.([0-9a-zA-Z]+)");

  /// The most addresses or ids that a message lists.
  private static final int LISTED = 8;

  private AddressText() {}

  /// The first of some addresses or ids, and how many more there are.
  public static String list(List<?> all) {
    String first = all.stream().limit(LISTED).map(Object::toString).collect(joining(", "));
    int more = all.size() - LISTED;
    return more > 0 ? first + " and " + more + " more" : first;
  }

  /// The address that a text is.
  ///
  /// @throws InputException if it is no address; the message says why
  public static PciAddress parse(String text) {
    return PciAddress.parse(text)
        .orElseThrow(() ->
            new InputException(
                problem(text).orElse("'" + text + "' is no address such as 0000:6a:01.0")));
  }

  /// The mistake in a text that was meant as an address and is none; empty for any other text.
  static Optional<String> problem(String text) {
    Matcher m = MEANT.matcher(text);
    if (!m.matches() || PciAddress.parse(text).isPresent()) {
      return Optional.empty();
    }
    String wrong =
        m.group(1).length() > 2
            ? "bus " + m.group(1) + " is no bus number: 00 to ff"
            : m.group(2).length() > 2 || Integer.parseInt(m.group(2), 16) > 0x1f
                ? "device " + m.group(2) + " is no device number: 00 to 1f"
                : !m.group(3).matches("[0-7]")
                    ? "function " + m.group(3) + " is no function number: 0 to 7"
                    : "the domain has at most 31 bits";
    return Optional.of("'" + text + "' is no address: " + wrong);
  }
}
