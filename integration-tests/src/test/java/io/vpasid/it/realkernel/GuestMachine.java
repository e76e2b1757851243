package io.vpasid.it.realkernel;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/// A running emulated PC with Linux in it, whose PCI functions are vfio-user servers on this host.
///
/// It has an Intel IOMMU in scalable mode with PASIDs of 20 bits: QEMU's own, or one of its
/// functions. Linux runs one shell script and switches off. The script finds busybox, `lspci` and
/// `setpci`, the host's files at `/host`, read-only, and a port through which it can send bytes:
/// the device that `/sys/class/virtio-ports/*/name` calls `reports`.
final class GuestMachine implements AutoCloseable {
  /// How much of the console a message quotes.
  private static final int TAIL_LINES = 40;

  /// Added to the limit that this class sees to; then QEMU is ended even if nobody is there any
  /// more to close it.
  private static final Duration GRACE = Duration.ofSeconds(30);

  private final Process qemu;
  private final Path folder;

  /// How long the machine was let run, if it was switched off for running longer.
  private volatile @Nullable Duration overtime;

  /// What the machine is like.
  ///
  /// @param script what Linux runs, for the shell of busybox
  /// @param functions the servers' sockets
  /// @param isUefi whether the firmware is UEFI instead of a BIOS
  /// @param limit how long the machine may run
  /// @param size how much of a computer it is
  /// @param kernelOptions more words for the kernel's command line
  /// @param dmar ACPI table that says which function is the IOMMU; empty for QEMU's own IOMMU
  record Setup(
      String script,
      List<Function> functions,
      boolean isUefi,
      Duration limit,
      Size size,
      List<String> kernelOptions,
      Optional<Path> dmar) {
    Setup {
      functions = List.copyOf(functions);
      kernelOptions = List.copyOf(kernelOptions);
    }

    Setup(String script, List<Function> functions, boolean isUefi, Duration limit) {
      this(script, functions, isUefi, limit, Size.ofCpus(2), List.of());
    }

    Setup(
        String script,
        List<Function> functions,
        boolean isUefi,
        Duration limit,
        Size size,
        List<String> kernelOptions) {
      this(script, functions, isUefi, limit, size, kernelOptions, Optional.empty());
    }

    /// The same with an IOMMU that is one of its functions. Without interrupt remapping Linux looks
    /// for the IOMMU's registers only after it has found the functions, and VFIO wants to be told
    /// that this will do.
    Setup withIommu(Path table) {
      List<String> options = new ArrayList<>(kernelOptions);
      options.addAll(List.of("intremap=off", "iommufd.allow_unsafe_interrupts=1"));
      return new Setup(script, functions, isUefi, limit, size, options, Optional.of(table));
    }
  }

  /// A PCI function of the machine.
  ///
  /// @param place its device and function number on the root bus, such as `04.0`; a device with
  ///   several functions begins with function 0
  /// @param server the socket of its vfio-user server
  record Function(String place, Path server) {
    private boolean isOfDevice(String other) {
      return place.startsWith(other.substring(0, other.indexOf('.') + 1));
    }
  }

  /// How much of a computer a machine is.
  ///
  /// @param cpus number of CPUs
  /// @param memory in MiB
  record Size(int cpus, int memory) {
    /// One with the usual memory.
    static Size ofCpus(int cpus) {
      return new Size(cpus, 1024);
    }
  }

  private GuestMachine(Process qemu, Path folder) {
    this.qemu = qemu;
    this.folder = folder;
  }

  /// Switches a machine on.
  ///
  /// @param folder gets what the machine writes: `console.log`, `qemu.log`; made if it is not there
  static GuestMachine boot(MachineParts parts, Setup setup, Path folder) {
    try {
      Files.createDirectories(folder);
      Path run = Files.createTempFile("vpasid-guest", ".sh");
      Files.writeString(run, setup.script());
      run.toFile().deleteOnExit();
      Process qemu =
          new ProcessBuilder(command(parts, setup, folder, run))
              .directory(folder.toFile())
              .redirectError(folder.resolve("qemu.log").toFile())
              .start();
      GuestMachine machine = new GuestMachine(qemu, folder);
      machine.endAfter(setup.limit(), () -> true);
      return machine;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// The command that runs a machine in `folder`.
  ///
  /// @param run where the script is
  static List<String> command(MachineParts parts, Setup setup, Path folder, Path run)
      throws IOException {
    Size size = setup.size();
    List<String> command = new ArrayList<>();
    command.addAll(List.of("timeout", "--foreground", setup.limit().plus(GRACE).toSeconds() + "s"));
    command.addAll(parts.qemu());
    command.addAll(
        List.of(
            ("-machine q35 -accel tcg,thread=multi -cpu max,la57=off"
                    + (" -smp " + size.cpus() + " -m " + size.memory())
                    + (" -object memory-backend-memfd,id=ram,share=on,size=" + size.memory() + "M")
                    + " -numa node,memdev=ram"
                    + setup
                        .dmar()
                        .map(table -> " -acpitable file=" + table)
                        .orElse(
                            " -device intel-iommu,intremap=on,eim=on,scalable-mode=on,"
                                + parts.stage().options()
                                + "device-iotlb=on,pasid-bits=20,caching-mode=on"))
                .split(" ")));
    command.addAll(ways(Path.of("console.log")));
    for (Function function : setup.functions()) {
      boolean hasOthers =
          setup.functions().stream().filter(f -> f.isOfDevice(function.place())).count() > 1;
      command.add("-device");
      command.add(
          String.format(
              "{\"driver\":\"vfio-user-pci\",\"socket\":{\"type\":\"unix\",\"path\":\"%s\"},"
                  + "\"addr\":\"%s\",\"multifunction\":%s,\"x-msg-timeout\":60000}",
              function.server(), function.place(), hasOthers));
    }
    if (setup.isUefi()) {
      command.addAll(List.of("-drive", flash(0, parts.uefiCode()) + ",readonly=on"));
      command.addAll(List.of("-drive", flash(1, parts.newUefiVariables(folder))));
    }
    command.addAll(linux(parts, setup.kernelOptions(), run));
    return command;
  }

  /// QEMU's arguments for the ways between a machine and its host.
  ///
  /// @param console gets what its kernel and script print
  static List<String> ways(Path console) {
    return List.of(
        ("-nodefaults -display none -no-reboot -serial file:"
                + console
                + " -device virtio-serial -chardev stdio,id=reports,signal=off"
                + " -device virtserialport,chardev=reports,name=reports"
                + " -virtfs local,path=/,mount_tag=hostfs,security_model=none,readonly=on,"
                + "multidevs=remap")
            .split(" "));
  }

  /// QEMU's arguments for what runs in a machine.
  ///
  /// @param options more words for the kernel's command line
  /// @param run where the script is
  static List<String> linux(MachineParts parts, List<String> options, Path run) {
    // An emulated timer of a busy host may fail the kernel's check of it; vfio-pci refuses some
    // accelerators unless it is told not to.
    return List.of(
        "-kernel",
        parts.kernel().toString(),
        "-initrd",
        parts.initramfs().toString(),
        "-append",
        "console=ttyS0 panic=-1 no_timer_check intel_iommu=on,sm_on"
            + " vfio_pci.disable_denylist=1 "
            + String.join(" ", options)
            + " vpasid.run="
            + run);
  }

  private static String flash(int unit, Path file) {
    // QEMU's options end at a comma, unless there are two.
    return "if=pflash,format=raw,unit=" + unit + ",file=" + file.toString().replace(",", ",,");
  }

  /// Sends something to the guest through the port.
  void send(String text) throws IOException {
    qemu.getOutputStream().write(text.getBytes(StandardCharsets.US_ASCII));
    qemu.getOutputStream().flush();
  }

  /// Switches the machine off when a time has passed, if it is on and `isOvertime` then.
  void endAfter(Duration time, BooleanSupplier isOvertime) {
    CompletableFuture.delayedExecutor(time.toMillis(), TimeUnit.MILLISECONDS)
        .execute(() -> {
          if (qemu.isAlive() && isOvertime.getAsBoolean()) {
            overtime = time;
            close();
          }
        });
  }

  /// Whether it is off.
  boolean isOff() {
    return !qemu.isAlive();
  }

  /// What the guest sends through its port; ends when the machine does.
  ///
  /// The port's other direction has to stay open, or QEMU takes the port for disconnected and the
  /// guest's writes wait.
  InputStream reports() {
    return qemu.getInputStream();
  }

  /// Waits until the machine is off.
  ///
  /// @throws AssertionError if it did not switch itself off after the script
  void awaitEnd() {
    qemu.onExit().join();
    if (!read("console.log").contains("init: the script ended")) {
      throw new AssertionError(ending());
    }
  }

  /// How the machine has ended, or been ended, with the last lines of its console.
  String ending() {
    qemu.onExit().join();
    String console = read("console.log");
    String how;
    Duration late = overtime;
    if (late != null) {
      how = "was still running after " + late.toSeconds() + " s and was switched off";
    } else if (console.contains("Kernel panic")) {
      how = "ended because its kernel panicked";
    } else if (console.isBlank()) {
      how = "never started: QEMU's exit code is " + qemu.exitValue();
    } else {
      how = "switched off, QEMU's exit code is " + qemu.exitValue();
    }
    return "The machine "
        + how
        + ".\n"
        + read("qemu.log")
        + "The end of its console, "
        + folder.resolve("console.log")
        + ":\n"
        + tail(console);
  }

  private String read(String file) {
    try {
      // A console may show any byte.
      return new String(Files.readAllBytes(folder.resolve(file)), StandardCharsets.ISO_8859_1);
    } catch (NoSuchFileException e) {
      return "";
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static String tail(String text) {
    List<String> lines = text.lines().toList();
    return String.join("\n", lines.subList(Math.max(0, lines.size() - TAIL_LINES), lines.size()));
  }

  /// Switches the machine off, if it is still on.
  @Override
  public void close() {
    qemu.descendants().forEach(ProcessHandle::destroyForcibly);
    qemu.destroyForcibly();
  }
}
