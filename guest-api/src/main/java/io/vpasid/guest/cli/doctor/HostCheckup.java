package io.vpasid.guest.cli.doctor;

import io.vpasid.vmm.iommufd.HwInfoData;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Looks at what a host needs for any function: the kernel, iommufd, VFIO, an IOMMU with PASIDs,
/// permissions. It only reads files, and no device is touched.
final class HostCheckup {
  private static final Pattern RELEASE = Pattern.compile("(\\d+)\\.(\\d+).*");

  /// From this release on VFIO's requests take PASIDs.
  private static final int[] WITH_PASIDS = {6, 15};

  /// The kernel's own rule: the last one counts.
  private static final Pattern SCALABLE_MODE =
      Pattern.compile("\\bintel_iommu=(?:[^\\s,]*,)*sm_(on|off)\\b");

  /// Switches translation and scalable mode on, from the next boot on.
  private static final String SWITCH_ON =
      "sudo sed -i 's/^GRUB_CMDLINE_LINUX=\"/&intel_iommu=on,sm_on /' /etc/default/grub"
          + " && sudo update-grub && sudo reboot";

  private static final Pattern LOCKED_MEMORY =
      Pattern.compile("Max locked memory +(\\S+) +\\S+ +bytes");

  /// PASIDs of a guest need its memory pinned, so less than this is too little for most.
  private static final long LITTLE_MEMORY = 1L << 30;

  private final HostFiles host;

  HostCheckup(HostFiles host) {
    this.host = host;
  }

  List<Finding> findings() {
    List<Finding> findings = new ArrayList<>();
    findings.add(kernel());
    findings.add(iommufd());
    findings.add(vfio());
    findings.addAll(iommus());
    lockedMemory().ifPresent(findings::add);
    return findings;
  }

  private Finding kernel() {
    String release = host.release();
    Matcher m = RELEASE.matcher(release);
    if (!m.matches()) {
      return Finding.unknown("kernel", "no release in /proc/sys/kernel/osrelease");
    }
    int major = Integer.parseInt(m.group(1));
    int minor = Integer.parseInt(m.group(2));
    boolean isNewEnough =
        major > WITH_PASIDS[0] || (major == WITH_PASIDS[0] && minor >= WITH_PASIDS[1]);
    return isNewEnough
        ? Finding.ok("kernel", "Linux " + release)
        : Finding.missing(
            "kernel",
            "Linux %s, and VFIO takes PASIDs from 6.15 on (or with the patches of September 2024)"
                .formatted(release),
            "install and boot Linux 6.15 or newer");
  }

  private Finding iommufd() {
    Path device = host.paths().iommu();
    if (!Files.exists(device)) {
      return host.buildOption("CONFIG_IOMMUFD").orElse("m").equals("n")
          ? Finding.missing(
              "iommufd",
              "this kernel was built without CONFIG_IOMMUFD",
              "boot a kernel with CONFIG_IOMMUFD and CONFIG_VFIO_DEVICE_CDEV")
          : Finding.missing("iommufd", "there is no /dev/iommu", "sudo modprobe iommufd");
    }
    return canOpen("iommufd", device, "/dev/iommu");
  }

  /// Looks whether a device file can be opened for reading and writing.
  static Finding canOpen(String check, Path file, String name) {
    return Files.isReadable(file) && Files.isWritable(file)
        ? Finding.ok(check, name + " can be opened")
        : Finding.missing(
            check, name + " may not be opened by " + user(), "sudo chown " + user() + " " + name);
  }

  private static String user() {
    return System.getProperty("user.name", "you");
  }

  private Finding vfio() {
    if (host.buildOption("CONFIG_VFIO_DEVICE_CDEV").orElse("").equals("n")) {
      return Finding.missing(
          "vfio",
          "this kernel was built without CONFIG_VFIO_DEVICE_CDEV",
          "boot a kernel with CONFIG_VFIO_DEVICE_CDEV");
    }
    return Files.isDirectory(host.paths().sysfs().resolve("bus/pci/drivers/vfio-pci"))
        ? Finding.ok("vfio", "vfio-pci is loaded")
        : Finding.missing("vfio", "vfio-pci is not loaded", "sudo modprobe vfio-pci");
  }

  private List<Finding> iommus() {
    List<Path> iommus = HostFiles.entries(host.paths().sysfs().resolve("class/iommu"));
    if (iommus.isEmpty()) {
      return List.of(
          Finding.missing(
              "iommu",
              "no IOMMU is in use",
              "switch on VT-d or AMD-Vi in the firmware's setup",
              SWITCH_ON + "  # on Intel; no parameter is needed on AMD"));
    }
    // Not every function has to be behind one that can; which one it is behind, its own findings
    // say.
    List<Finding> all = iommus.stream().map(this::iommu).toList();
    List<Finding> good = all.stream().filter(f -> f.status() == Finding.Status.OK).toList();
    List<Finding> able = all.stream().filter(f -> f.status() != Finding.Status.NO).toList();
    return !good.isEmpty() ? good : able.isEmpty() ? all : able;
  }

  /// Looks at what an IOMMU can do with PASIDs.
  ///
  /// @param iommu its folder in sysfs
  Finding iommu(Path iommu) {
    String name = HostFiles.nameOf(iommu);
    OptionalLong ecap = HostFiles.hex(iommu.resolve("intel-iommu/ecap"));
    if (ecap.isPresent()) {
      return intel(name, new HwInfoData.IntelVtd(0, 0, ecap.getAsLong()));
    }
    OptionalLong features = HostFiles.hex(iommu.resolve("amd-iommu/features"));
    if (features.isPresent()) {
      return Finding.no(
          "iommu",
          name + " is AMD's, whose driver attaches no PASIDs for VFIO (as of Linux 7.3)",
          "use a host with Intel VT-d or Arm SMMUv3");
    }
    return Finding.unknown("iommu", name + " does not show in sysfs what it can do with PASIDs");
  }

  private Finding intel(String name, HwInfoData.IntelVtd registers) {
    if (!registers.scalableMode() || !registers.pasid()) {
      return Finding.no(
          "iommu",
          name + " has no " + (registers.scalableMode() ? "PASIDs" : "scalable mode"),
          "use a host whose VT-d has scalable mode (Xeon of the 4th generation and newer)");
    }
    String can = name + " has scalable mode and PASIDs of " + registers.pasidBits() + " bits";
    return switch (scalableMode()) {
      case "on" -> Finding.ok("iommu", can);
      case "off" ->
          Finding.missing("iommu", can + ", but scalable mode is switched off", SWITCH_ON);
      default ->
          Finding.unknown("iommu", can + "; whether scalable mode is on cannot be told", SWITCH_ON);
    };
  }

  /// The word of the command line, or else of the kernel's build: `on`, `off` or nothing.
  private String scalableMode() {
    String mode =
        host.buildOption("CONFIG_INTEL_IOMMU_SCALABLE_MODE_DEFAULT_ON")
            .map(built -> built.equals("y") ? "on" : "off")
            .orElse("");
    Matcher word = SCALABLE_MODE.matcher(host.text("proc/cmdline").orElse(""));
    while (word.find()) {
      mode = word.group(1);
    }
    return mode;
  }

  /// Guest memory is pinned on this account; root is not limited.
  private Optional<Finding> lockedMemory() {
    Matcher m = LOCKED_MEMORY.matcher(host.text("proc/self/limits").orElse(""));
    if (!m.find() || m.group(1).equals("unlimited") || user().equals("root")) {
      return Optional.empty();
    }
    long bytes = Long.parseLong(m.group(1));
    String text = "memory that may be locked: " + (bytes >> 20) + " MiB";
    return Optional.of(
        bytes >= LITTLE_MEMORY
            ? Finding.ok("memory", text)
            : Finding.missing(
                "memory",
                text + ", and all memory of a guest is",
                "sudo prlimit --memlock=unlimited --pid $$"));
  }
}
