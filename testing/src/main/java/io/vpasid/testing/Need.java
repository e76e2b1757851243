package io.vpasid.testing;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;

/// Something that a machine may lack, and that only the tests that ask for it depend on.
public enum Need {
  /// The program of pciutils that reads configuration spaces.
  LSPCI("lspci (package pciutils)"),

  /// The names of vendors and devices that `lspci` prints.
  PCI_IDS("the system's pci.ids (package pci.ids)"),

  XXD("xxd (package xxd)"),
  HEXDUMP("hexdump (package bsdextrautils)"),
  OD("od (package coreutils)"),
  GCC("gcc (package gcc)"),
  STRACE("strace (package strace), and the permission to trace"),
  XMLLINT("xmllint (package libxml2-utils)"),
  SYSTEMD_ANALYZE("systemd-analyze (package systemd)"),

  /// A browser, and the program through which others drive it.
  CHROMIUM("chromium and chromedriver (packages chromium, chromium-driver)"),

  /// A checker of accessibility, which runs in a browser.
  AXE_CORE("axe-core (.ci/axe-core)"),

  /// To be somebody else, and to say something to a socket then.
  ANOTHER_USER("root, setpriv and perl (packages util-linux, perl)"),

  /// Captured configuration spaces, which are published with other licences than ours.
  CAPTURES("captured functions in ../shared/corpus"),

  /// What hardware documents say of hidden registers, collected apart from the quirk table.
  REGISTER_FACTS("collected facts in ../shared/facts"),

  /// The schema of libvirt's domains.
  LIBVIRT_SCHEMA("libvirt's schemas (package libvirt-common)"),

  ROOT("root"),

  /// Root may read everything, whatever the permissions say.
  ORDINARY_USER("an ordinary user"),

  /// This machine's own functions.
  PCI_BUS("functions on a PCI bus of this machine"),

  /// Linux with iommufd and a function behind an IOMMU, in an emulated machine.
  REAL_KERNEL("a real kernel (-Preal-kernel)"),

  /// The same with a Linux that attaches no PASIDs.
  LINUX_WITHOUT_PASIDS("a real kernel before 6.15 (-Preal-kernel -Dvpasid.linux=6.12)"),

  /// A guest in a guest in that machine; takes minutes.
  FULL_STACK("the full stack (-Pfull-stack)");

  /// Where libvirt's schemas are; another folder is named by a system property.
  public static final Path LIBVIRT_SCHEMAS =
      Path.of(System.getProperty("vpasid.libvirtSchemas", "/usr/share/libvirt/schemas"));

  /// Where `.ci/axe-core` leaves the checker.
  public static final Path AXE_CORE_SCRIPT =
      Path.of(
              Optional.ofNullable(System.getenv("XDG_CACHE_HOME"))
                  .orElseGet(() -> System.getProperty("user.home") + "/.cache"))
          .resolve("vpasid/axe-core-4.14.1/axe.min.js");

  private final String what;

  Need(String what) {
    this.what = what;
  }

  /// True if this machine has it.
  public boolean isMet() {
    return switch (this) {
      case LSPCI, XXD, HEXDUMP, OD, GCC, XMLLINT, SYSTEMD_ANALYZE ->
          InstalledTool.isInstalled(name().toLowerCase(Locale.ROOT).replace('_', '-'));
      case STRACE ->
          InstalledTool.isInstalled("strace")
              && InstalledTool.succeeds("strace", "-D", "-o", "/dev/null", "true");
      case CHROMIUM ->
          InstalledTool.isInstalled("chromium") && InstalledTool.isInstalled("chromedriver");
      case AXE_CORE -> Files.exists(AXE_CORE_SCRIPT);
      case PCI_IDS -> Files.exists(Path.of("/usr/share/misc/pci.ids"));
      case ANOTHER_USER ->
          isRoot() && InstalledTool.isInstalled("setpriv") && InstalledTool.isInstalled("perl");
      case CAPTURES -> Files.isDirectory(Captures.FOLDER);
      case REGISTER_FACTS -> Files.exists(Captures.REGISTER_FACTS);
      case LIBVIRT_SCHEMA -> Files.exists(LIBVIRT_SCHEMAS.resolve("domain.rng"));
      case ROOT -> isRoot();
      case ORDINARY_USER -> !isRoot();
      case PCI_BUS -> hasPciFunctions();
      case REAL_KERNEL -> Boolean.getBoolean("vpasid.realKernel");
      case LINUX_WITHOUT_PASIDS ->
          REAL_KERNEL.isMet() && System.getProperty("vpasid.linux", "").equals("6.12");
      case FULL_STACK -> Boolean.getBoolean("vpasid.fullStack");
    };
  }

  /// Skips the test that asks if this machine does not have it; [Needs] where it can be told
  /// before.
  public void require() {
    if (!isMet()) {
      Assumptions.abort(toString());
    }
  }

  /// The reason that a skipped test has.
  @Override
  public String toString() {
    return "needs " + what;
  }

  private static boolean isRoot() {
    try {
      return Files.getAttribute(Path.of("/proc/self"), "unix:uid").equals(0);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static boolean hasPciFunctions() {
    Path bus = Path.of("/sys/bus/pci/devices");
    if (!Files.isDirectory(bus)) {
      return false;
    }
    try (Stream<Path> functions = Files.list(bus)) {
      return functions.findAny().isPresent();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
