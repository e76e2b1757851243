package io.vpasid.it.realkernel;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;

/// What a [GuestMachine] is made of: files in the cache that `real-kernel/prepare` fills. The
/// system properties `vpasid.linux` and `vpasid.ovmf` ask for other releases of Linux and OVMF.
///
/// @param tree a Debian system with QEMU and its BIOS
/// @param kernel a bzImage
/// @param initramfs its first file system
/// @param drivers a folder of modules of that kernel, which are the tests' own
/// @param firmware a folder with OVMF
record MachineParts(Path tree, Path kernel, Path initramfs, Path drivers, Path firmware) {

  /// The parts, which are made first where they are missing: that takes minutes, and root.
  ///
  /// @throws IllegalStateException if they cannot be made; the reason is on standard error
  static MachineParts prepare() {
    Path script = Path.of(System.getProperty("basedir", ""), "real-kernel", "prepare");
    List<String> command = new ArrayList<>(List.of(script.toAbsolutePath().toString()));
    for (String part : List.of("linux", "ovmf")) {
      String release = System.getProperty("vpasid." + part, "");
      if (!release.isEmpty()) {
        command.addAll(List.of("--" + part, release));
      }
    }
    Properties parts = new Properties();
    try {
      Process process =
          new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
      parts.load(process.inputReader());
      if (process.waitFor() != 0) {
        throw new IllegalStateException(
            "There is no machine to run the tests in: " + script + " failed and said why");
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
    return new MachineParts(
        Path.of(parts.getProperty("tree")),
        Path.of(parts.getProperty("kernel")),
        Path.of(parts.getProperty("initramfs")),
        Path.of(parts.getProperty("drivers")),
        Path.of(parts.getProperty("firmware")));
  }

  /// Stages of translation; QEMU's IOMMU has one or the other.
  enum Stage {
    FIRST("fsts=on,svm=on,"),
    SECOND("");

    private final String options;

    Stage(String options) {
      this.options = options;
    }

    /// What QEMU's IOMMU is told.
    String options() {
      return options;
    }
  }

  /// The stage that the kernel makes page tables of VFIO's for: in Linux 6.12 only the second.
  Stage stage() {
    return System.getProperty("vpasid.linux", "").equals("6.12") ? Stage.SECOND : Stage.FIRST;
  }

  /// How QEMU is started: by the C library that it needs, which may be newer than the host's.
  List<String> qemu() {
    return List.of(
        tree.resolve("lib64/ld-linux-x86-64.so.2").toString(),
        "--library-path",
        tree.resolve("usr/lib/x86_64-linux-gnu").toString(),
        tree.resolve("usr/bin/qemu-system-x86_64").toString(),
        "-L",
        tree.resolve("usr/share/qemu").toString(),
        "-L",
        tree.resolve("usr/share/seabios").toString());
  }

  /// What QEMU says of its version.
  String qemuVersion() throws IOException {
    List<String> command = new ArrayList<>(qemu());
    command.add("--version");
    try (BufferedReader said = new ProcessBuilder(command).start().inputReader()) {
      return String.valueOf(said.readLine());
    }
  }

  /// UEFI firmware, which is only read.
  Path uefiCode() {
    return firmware.resolve("OVMF_CODE_4M.fd");
  }

  /// A new machine's UEFI variables in `folder`, which the firmware writes.
  Path newUefiVariables(Path folder) throws IOException {
    return Files.copy(
        firmware.resolve("OVMF_VARS_4M.fd"),
        folder.resolve("uefi-variables.fd"),
        StandardCopyOption.REPLACE_EXISTING);
  }
}
