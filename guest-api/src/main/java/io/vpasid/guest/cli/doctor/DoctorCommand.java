package io.vpasid.guest.cli.doctor;

import io.vpasid.guest.cli.terminal.ExitCode;
import io.vpasid.guest.cli.terminal.Terminal;
import io.vpasid.guest.config.AddressText;
import io.vpasid.guest.config.InputException;
import io.vpasid.guest.report.Json;
import io.vpasid.guest.report.Page;
import io.vpasid.pci.PciAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/// Says what this host lacks before PASIDs of a real function can be used.
@Command(
    name = "doctor",
    header = "Says what this host lacks for real use, and how to fix it.",
    description = {
      "Looks at the kernel, iommufd, VFIO, the IOMMU and permissions, and with an ADDRESS also at"
          + " the function there. It reads files and changes nothing; behind each thing that is"
          + " missing stands the command that fixes it.",
      ""
    },
    mixinStandardHelpOptions = true,
    exitCodeListHeading = "%nExit codes:%n",
    exitCodeList = {
      "0:nothing is missing, as far as it can be told",
      "1:the hardware cannot do it",
      "2:bad usage",
      "3:something is missing that can be fixed"
    },
    footerHeading = "%nExamples:%n",
    footer = {"  sudo ./vpasid doctor 0000:6a:01.0"})
public final class DoctorCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;
  @ParentCommand private Terminal.Owner top;

  /// All findings.
  ///
  /// @param ready nothing is missing
  private record Checkup(boolean ready, List<Finding> host, List<OfFunction> functions) {}

  private record OfFunction(PciAddress address, List<Finding> findings) {}

  @Parameters(
      paramLabel = "ADDRESS",
      arity = "0..*",
      description = "A function of this host, such as 0000:6a:01.0.")
  private List<String> names = List.of();

  @Option(
      names = "--bind",
      description =
          "Bind the function to iommufd for a moment and ask the kernel for its PASID width. This"
              + " resets the function; vpasid does so only where vfio-pci has it.")
  private boolean bind;

  @Option(
      names = "--root",
      paramLabel = "DIR",
      description = "Look at the files of another host, copied to this folder.")
  private Path root = Path.of("/");

  @Option(names = "--json", description = "Print JSON.")
  private boolean json;

  @Override
  public Integer call() {
    HostFiles host = new HostFiles(root);
    if (bind && !root.equals(Path.of("/"))) {
      throw new InputException("--bind asks the running kernel and does not go with --root");
    }
    if (!Files.isDirectory(root)) {
      throw new InputException("--root " + root + ": there is no such folder");
    }
    if (bind && names.isEmpty()) {
      throw new InputException("--bind needs the ADDRESS of a function");
    }
    List<OfFunction> functions =
        names.stream()
            .map(AddressText::parse)
            .map(a -> new OfFunction(a, new FunctionCheckup(host, a).findings(bind)))
            .toList();
    List<Finding> findings = new HostCheckup(host).findings();
    List<Finding> all = new ArrayList<>(findings);
    functions.forEach(f -> all.addAll(f.findings));
    if (json) {
      Json.print(
          spec.commandLine().getOut(),
          new Checkup(exitCode(all) == ExitCode.DONE, findings, functions));
    } else {
      Page page = new Page(spec.commandLine().getOut(), top.terminal().columns());
      print(page, "host", findings);
      functions.forEach(f -> print(page, f.address.toString(), f.findings));
      page.line(verdict(all));
    }
    return exitCode(all);
  }

  private static void print(Page page, String title, List<Finding> findings) {
    page.line(title);
    for (Finding finding : findings) {
      page.item(String.format("  %-8s %-12s ", finding.word(), finding.check()), finding.text());
      // Commands are to be copied, so they stay in one line.
      finding.remedy().forEach(line -> page.out().printf("  %-8s %-12s → %s%n", "", "", line));
    }
  }

  private static String verdict(List<Finding> all) {
    return switch (exitCode(all)) {
      case ExitCode.DONE ->
          count(all, Finding.Status.UNKNOWN) == 0
              ? "Nothing is missing."
              : "Nothing is missing, as far as it can be told.";
      case ExitCode.NO -> "The hardware cannot do it.";
      default -> {
        long missing = count(all, Finding.Status.MISSING);
        yield missing == 1 ? "1 thing is missing." : missing + " things are missing.";
      }
    };
  }

  private static long count(List<Finding> all, Finding.Status status) {
    return all.stream().filter(finding -> finding.status() == status).count();
  }

  private static int exitCode(List<Finding> all) {
    if (count(all, Finding.Status.NO) > 0) {
      return ExitCode.NO;
    }
    return count(all, Finding.Status.MISSING) > 0 ? ExitCode.ENVIRONMENT : ExitCode.DONE;
  }
}
