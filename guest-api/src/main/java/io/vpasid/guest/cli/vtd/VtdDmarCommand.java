package io.vpasid.guest.cli.vtd;

import io.vpasid.guest.cli.terminal.ExitCode;
import io.vpasid.guest.cli.terminal.OutputFile;
import io.vpasid.guest.config.InputException;
import io.vpasid.guest.iommu.DmarTable;
import io.vpasid.pci.PciAddress;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/// Makes the ACPI table that tells a guest of its virtual IOMMU.
@Command(
    name = "dmar",
    header = "Makes the ACPI table DMAR, which tells a guest where its IOMMU is.",
    description = {
      "Writes a table with one remapping unit: its registers are at --base, which is where the"
          + " firmware puts BAR 0 of the IOMMU's function (query-pci of QMP says it), and the"
          + " functions named are behind it, no others. There is no interrupt remapping.",
      ""
    },
    mixinStandardHelpOptions = true,
    exitCodeListHeading = "%nExit codes:%n",
    exitCodeList = {"0:the table is written", "2:bad usage, or the file cannot be written"},
    footerHeading = "%nExample:%n",
    footer = {
      "  vpasid vtd dmar --base 0xfebfe000 --function 04.0 --function 05.0 -o dmar.bin",
      "  qemu-system-x86_64 -acpitable file=dmar.bin ..."
    })
final class VtdDmarCommand implements Callable<Integer> {
  private static final Pattern BASE = Pattern.compile("0x([0-9a-fA-F]{1,16})");
  private static final Pattern PLACE = Pattern.compile("([01]?[0-9a-fA-F])\\.([0-7])");

  @Spec private CommandSpec spec;

  @Option(
      names = "--base",
      paramLabel = "ADDRESS",
      required = true,
      description = "Guest-physical address of the registers, such as 0xfebfe000.")
  private String base = "";

  @Option(
      names = "--function",
      paramLabel = "PLACE",
      required = true,
      description =
          "A function behind the unit, by its device and function number on the first bus, such as"
              + " 04.0. Repeat it for others.")
  private List<String> functions = List.of();

  @Option(
      names = {"-o", "--output"},
      paramLabel = "FILE",
      required = true,
      description = "Where the table is written. It replaces such a table, and nothing else.")
  private Path output = Path.of("");

  @Override
  public Integer call() {
    Matcher address = BASE.matcher(base);
    if (!address.matches()) {
      throw bad(spec, "--base", base, "an address such as 0xfebfe000");
    }
    List<PciAddress> places = new ArrayList<>();
    for (String function : functions) {
      places.add(place(spec, "--function", function));
    }
    byte[] table;
    try {
      table = DmarTable.of(Long.parseUnsignedLong(address.group(1), 16), places);
    } catch (IllegalArgumentException e) {
      throw new InputException(String.valueOf(e.getMessage()).toLowerCase(Locale.ROOT), e);
    }
    requireReplaceable(output);
    try {
      Files.write(output, table);
    } catch (IOException e) {
      throw InputException.unwritable(output, e);
    }
    return ExitCode.DONE;
  }

  /// Refuses to write a table over anything else than one, which begins with its signature.
  static void requireReplaceable(Path file) {
    OutputFile.checkReplaces(file, "DMAR", "a DMAR table");
  }

  /// A place on the first bus.
  ///
  /// @param option that it is written for
  static PciAddress place(CommandSpec spec, String option, String text) {
    Matcher place = PLACE.matcher(text);
    if (!place.matches()) {
      throw bad(spec, option, text, "a device and function number such as 04.0");
    }
    return new PciAddress(
        0, 0, Integer.parseInt(place.group(1), 16), Integer.parseInt(place.group(2)));
  }

  private static ParameterException bad(
      CommandSpec spec, String option, String value, String wanted) {
    return new ParameterException(
        spec.commandLine(),
        "invalid value for option '%s': '%s' is not %s".formatted(option, value, wanted));
  }
}
