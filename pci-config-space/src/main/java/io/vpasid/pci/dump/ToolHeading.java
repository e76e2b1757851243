package io.vpasid.pci.dump;

import io.vpasid.pci.PciAddress;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// The line by which a tool other than lspci says of which function the rows below are.
///
/// @param address the function
/// @param description what else the line says; may be empty
/// @param registers whether the tool prints its words of eight digits as numbers
record ToolHeading(PciAddress address, String description, boolean registers) {
  /// Longer lines are no headings.
  private static final int MAX_LENGTH = 400;

  private record Tool(String needle, Pattern pattern, int radix, boolean registers) {
    Tool(String needle, String pattern, int radix, boolean registers) {
      this(needle, Pattern.compile(pattern, Pattern.CASE_INSENSITIVE), radix, registers);
    }
  }

  /// The first word that each line has in it, and its numbers: domain, bus, device, function.
  private static final List<Tool> TOOLS =
      List.of(
          // pci -i of UEFI shells
          new Tool(
              "segment",
              ".*PCI Segment (?<s>\\p{XDigit}{1,4}) Bus (?<b>\\p{XDigit}{1,2}) Device"
                  + " (?<d>\\p{XDigit}{1,2}) Func (?<f>\\p{XDigit}{1,2})(?<text>)\\b.*",
              16,
              false),
          // AIDA64
          new Tool(
              " d",
              "[>|+\\s]*B(?<b>\\p{XDigit}{2}) D(?<d>\\p{XDigit}{2}) F(?<f>\\p{XDigit}{2}):(?<text>.*)",
              16,
              false),
          // CPU-Z
          new Tool(
              "bus ",
              ".*\\bbus \\d+ \\(0x(?<b>\\p{XDigit}{1,2})\\), device \\d+"
                  + " \\(0x(?<d>\\p{XDigit}{1,2})\\), function \\d+ \\(0x(?<f>\\p{XDigit}{1,2})\\)(?<text>).*",
              16,
              false),
          // pciconf -l of FreeBSD
          new Tool(
              "@pci",
              "[>|+\\s]*\\w+@pci(?<s>\\d{1,9}):(?<b>\\d{1,3}):(?<d>\\d{1,2}):(?<f>\\d):(?<text>.*)",
              10,
              false),
          // pcidump of OpenBSD
          new Tool(":", " (?<b>\\d{1,3}):(?<d>\\d{1,2}):(?<f>\\d): (?<text>.*)", 10, true),
          // pci display of U-Boot
          new Tool(
              "pci d",
              ".*\\bpci d\\w*(?:\\.[bwl])? (?<b>\\p{XDigit}{1,2})\\.(?<d>\\p{XDigit}{1,2})"
                  + "\\.(?<f>\\p{XDigit})(?<text>)\\b.*",
              16,
              false));

  /// The heading that a line is, if it is one.
  static Optional<ToolHeading> of(byte[] text, int start, int end) {
    if (end - start > MAX_LENGTH || end - start < 8) {
      return Optional.empty();
    }
    String line = new String(text, start, end - start, StandardCharsets.UTF_8);
    String lower = line.toLowerCase(Locale.ROOT);
    for (Tool tool : TOOLS) {
      if (lower.contains(tool.needle)) {
        Matcher m = tool.pattern.matcher(line);
        if (m.matches()) {
          return heading(tool, m);
        }
      }
    }
    return Optional.empty();
  }

  private static Optional<ToolHeading> heading(Tool tool, Matcher m) {
    int domain = m.namedGroups().containsKey("s") ? number(tool, m, "s") : 0;
    int bus = number(tool, m, "b");
    int device = number(tool, m, "d");
    int function = number(tool, m, "f");
    return bus > 0xff || device > 0x1f || function > 7
        ? Optional.empty()
        : Optional.of(
            new ToolHeading(
                new PciAddress(domain, bus, device, function),
                m.group("text").strip(),
                tool.registers));
  }

  private static int number(Tool tool, Matcher m, String group) {
    return Integer.parseInt(m.group(group), tool.radix);
  }
}
