package io.vpasid.it.lspci;

import io.vpasid.pci.ConfigSpace;
import io.vpasid.pci.PciAddress;
import io.vpasid.pci.dump.HostFunction;
import io.vpasid.pci.dump.LspciText;
import io.vpasid.testing.InstalledTool;
import java.io.IOException;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// What `lspci -vvv` says of any number of configuration spaces, in one call.
final class Lspci {
  /// `\tCapabilities: [100 v1] Advanced Error Reporting`; the offset has 3 digits in the extended
  /// list and 2 in the other, wherever it is.
  private static final Pattern CAPABILITY =
      Pattern.compile("\tCapabilities: \\[([0-9a-f]{2,3})(?: v[0-9]+)?] (.*)");

  private static final Pattern FUNCTION =
      Pattern.compile("([0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\\.[0-7]) .*");

  private Lspci() {}

  /// A capability as it is printed.
  ///
  /// @param title what stands behind its offset
  /// @param details the lines below, indented
  record Shown(int offset, boolean isExtended, String title, List<String> details) {

    /// Whether the walk goes no further than this: it was here before, or the id is 0xff.
    boolean isEnd() {
      return title.equals("<chain looped>") || title.equals("<chain broken>");
    }

    @Override
    public String toString() {
      return String.format("[%02x] %s", offset, title);
    }
  }

  /// The capabilities of each function, in the order that lspci walks them.
  ///
  /// @param verbosity `-v` for titles, `-vvv` for all that it knows; with this it may give up on
  ///   functions that are no sane ones
  /// @param folder where the file for lspci goes
  static List<List<Shown>> show(List<ConfigSpace> configs, String verbosity, Path folder) {
    try {
      Path file = folder.resolve("functions.txt");
      try (Writer out = Files.newBufferedWriter(file)) {
        List<HostFunction> functions = new ArrayList<>();
        for (int i = 0; i < configs.size(); i++) {
          functions.add(new HostFunction(address(i), "", configs.get(i)));
        }
        LspciText.write(functions, out);
      }
      return parse(
          InstalledTool.run("lspci", "-F", file.toString(), "-D", "-n", verbosity), configs.size());
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  private static PciAddress address(int index) {
    return new PciAddress(index >> 16, index >> 8 & 0xff, index >> 3 & 0x1f, index & 7);
  }

  private static List<List<Shown>> parse(String output, int count) {
    Map<PciAddress, List<Shown>> shown = new HashMap<>();
    List<Shown> capabilities = new ArrayList<>();
    for (String line : output.lines().toList()) {
      Matcher capability = CAPABILITY.matcher(line);
      Matcher function = FUNCTION.matcher(line);
      if (function.matches()) {
        capabilities = new ArrayList<>();
        shown.put(PciAddress.parse(function.group(1)).orElseThrow(), capabilities);
      } else if (capability.matches()) {
        capabilities.add(
            new Shown(
                Integer.parseInt(capability.group(1), 16),
                capability.group(1).length() == 3,
                capability.group(2),
                new ArrayList<>()));
      } else if (line.startsWith("\t\t") && !capabilities.isEmpty()) {
        capabilities.getLast().details().add(line);
      }
    }
    List<List<Shown>> inOrder = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      inOrder.add(shown.get(address(i)));
    }
    return inOrder;
  }
}
