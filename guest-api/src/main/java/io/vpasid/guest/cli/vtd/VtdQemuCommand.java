package io.vpasid.guest.cli.vtd;

import io.vpasid.guest.cli.terminal.ExitCode;
import io.vpasid.guest.config.DaemonConfig;
import io.vpasid.guest.config.InputException;
import io.vpasid.guest.config.IommuConfig;
import io.vpasid.guest.iommu.DmarTable;
import io.vpasid.pci.PciAddress;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/// Prints, or runs, the QEMU that has a daemon's virtual IOMMU.
@Command(
    name = "qemu",
    header = "Prints the command line of a QEMU that has a daemon's virtual IOMMU, or runs it.",
    description = {
      "The daemon that serves CONFIG must be running. The command boots the machine's firmware once"
          + " without a kernel and asks where it puts the registers of the IOMMU, writes the ACPI"
          + " table DMAR for that place, and prints the command line that goes with it.",
      "Arguments behind -- are QEMU's and stay as they are: kernel, disks, network, another -cpu or"
          + " firmware. Devices belong there too, as they move the registers. The kernel of the"
          + " guest needs intel_iommu=on,sm_on intremap=off; with VFIO in the guest also"
          + " iommufd.allow_unsafe_interrupts=1.",
      ""
    },
    mixinStandardHelpOptions = true,
    exitCodeListHeading = "%nExit codes:%n",
    exitCodeList = {
      "0:the line is printed; with --run: QEMU has ended well",
      "1:with --run: QEMU has ended otherwise",
      "2:bad usage, or a bad configuration",
      "3:QEMU is missing, ends, or its firmware does not place the registers"
    },
    footerHeading = "%nExamples:%n",
    footer = {
      "  vpasid vtd qemu serve.json -- -accel kvm -cpu host -kernel bzImage -nographic \\",
      "      -append 'console=ttyS0 intel_iommu=on,sm_on intremap=off'",
      "  vpasid vtd qemu serve.json --run -- -accel kvm -drive file=guest.qcow2,if=virtio"
    })
final class VtdQemuCommand implements Callable<Integer> {
  /// Somewhere, for the first boot: the table takes room, and so has to be there.
  private static final long ANYWHERE = 1L << 31;

  private static final int MIN_MEMORY = 64;
  private static final int MAX_MEMORY = 1 << 22;

  @Spec private CommandSpec spec;

  @Parameters(index = "0", paramLabel = "CONFIG", description = "What vpasid serve runs with.")
  private Path config = Path.of("");

  @Parameters(
      index = "1..*",
      arity = "0..*",
      paramLabel = "ARGUMENT",
      description = "Further arguments of QEMU, behind --.")
  private List<String> more = List.of();

  @Option(names = "--run", description = "Run QEMU in place of printing its command line.")
  private boolean run;

  @Option(
      names = "--iommu",
      paramLabel = "NAME",
      description = "Which IOMMU of the configuration; needed if it has several.")
  private Optional<String> iommu = Optional.empty();

  @Option(
      names = "--place",
      paramLabel = "PLACE",
      description =
          "Where the IOMMU's own function is on the first bus. Default: the first free one from 03.0"
              + " on.")
  private Optional<String> place = Optional.empty();

  @Option(
      names = "--memory",
      paramLabel = "MIB",
      description = "The guest's memory. Default: ${DEFAULT-VALUE}.")
  private int memory = 1024;

  @Option(
      names = "--qemu",
      paramLabel = "PROGRAM",
      description = "Which QEMU, from 10.1 on. Default: ${DEFAULT-VALUE}.")
  private String qemu = "qemu-system-x86_64";

  @Option(
      names = "--dmar",
      paramLabel = "FILE",
      description =
          "Where the table is written. Default: the IOMMU's socket with .dmar at its end.")
  private Optional<Path> dmar = Optional.empty();

  @Override
  public Integer call() throws InterruptedException {
    if (memory < MIN_MEMORY || memory > MAX_MEMORY) {
      throw new ParameterException(
          spec.commandLine(),
          "--memory must be from %d to %d MiB, not %d".formatted(MIN_MEMORY, MAX_MEMORY, memory));
    }
    DaemonConfig daemon = DaemonConfig.read(config);
    IommuConfig chosen = chosen(daemon);
    QemuMachine machine =
        new QemuMachine(
            qemu,
            memory,
            placeOf(chosen),
            chosen,
            QemuMachine.socketsOf(daemon, chosen),
            dmar.orElseGet(
                    () -> chosen.socket().resolveSibling(chosen.socket().getFileName() + ".dmar"))
                .toAbsolutePath(),
            more);
    requireSockets(machine);
    VtdDmarCommand.requireReplaceable(machine.dmar());
    try {
      write(machine, ANYWHERE);
      write(machine, FirmwareBoot.addressOfRegisters(machine));
      return run ? runIt(machine) : print(machine);
    } catch (IOException e) {
      spec.commandLine().getErr().println("vpasid: " + e.getMessage());
      return ExitCode.ENVIRONMENT;
    }
  }

  private IommuConfig chosen(DaemonConfig daemon) {
    List<String> names = daemon.iommus().stream().map(IommuConfig::name).toList();
    if (names.isEmpty()) {
      throw new InputException(
          config + ": there is no IOMMU; add \"iommu\", as docs/viommu.md shows it");
    }
    if (iommu.isEmpty() && names.size() > 1) {
      throw new InputException(
          "%s: there are several IOMMUs; choose one of %s with --iommu"
              .formatted(config, String.join(", ", names)));
    }
    return daemon.iommus().stream()
        .filter(its -> iommu.isEmpty() || iommu.get().equals(its.name()))
        .findFirst()
        .orElseThrow(() ->
            new InputException(
                "%s: there is no IOMMU '%s'; there are %s"
                    .formatted(config, iommu.orElse(""), String.join(", ", names))));
  }

  private PciAddress placeOf(IommuConfig chosen) {
    if (place.isEmpty()) {
      return QemuMachine.freePlace(chosen);
    }
    PciAddress its = VtdDmarCommand.place(spec, "--place", place.get());
    for (Map.Entry<String, PciAddress> covered : chosen.covers().entrySet()) {
      if (covered.getValue().equals(its)) {
        throw new ParameterException(
            spec.commandLine(), "'" + covered.getKey() + "' is at " + place.get() + " already");
      }
    }
    return its;
  }

  private static void requireSockets(QemuMachine machine) {
    if (!Files.exists(machine.iommu().socket())) {
      throw new InputException(
          "%s is not there; start the daemon first, with vpasid serve and the same configuration"
              .formatted(machine.iommu().socket()));
    }
  }

  private static void write(QemuMachine machine, long base) throws IOException {
    try {
      Files.write(
          machine.dmar(), DmarTable.of(base, List.copyOf(machine.iommu().covers().values())));
    } catch (IOException e) {
      throw new IOException(machine.dmar() + " cannot be written: " + e.getMessage(), e);
    }
  }

  private int print(QemuMachine machine) {
    PrintWriter out = spec.commandLine().getOut();
    out.println(QemuMachine.forShell(machine.command()));
    int append = more.indexOf("-append");
    if (append < 0 || append + 1 == more.size() || !more.get(append + 1).contains("sm_on")) {
      spec.commandLine()
          .getErr()
          .println("The guest's kernel needs intel_iommu=on,sm_on intremap=off.");
    }
    return ExitCode.DONE;
  }

  private static int runIt(QemuMachine machine) throws IOException, InterruptedException {
    Process process = new ProcessBuilder(machine.command()).inheritIO().start();
    return process.waitFor() == 0 ? ExitCode.DONE : ExitCode.NO;
  }
}
