package io.vpasid.guest.cli;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;

/// A host on which everything is as it must be, as files below a folder: Linux 7.3 on Intel VT-d,
/// function 0000:6a:01.0 bound to vfio-pci. Tests take away what they want to miss.
final class MadeUpHost {
  static final String ADDRESS = "0000:6a:01.0";
  static final int PASID = 0x160;

  private static final String DEVICES = "sys/bus/pci/devices/";
  private static final String DRIVERS = "sys/bus/pci/drivers/";
  private static final String GROUP = "sys/kernel/iommu_groups/7/devices/";
  private static final String IOMMU = "sys/devices/virtual/iommu/dmar0/";

  /// Scalable mode, PASIDs of 20 bits.
  static final long CAPABLE = 1L << 43 | 1L << 40 | 19L << 35;

  final Path root;

  MadeUpHost(Path root) throws IOException {
    this.root = root;
    write("proc/sys/kernel/osrelease", "7.3.4-1-amd64\n");
    write("proc/cmdline", "quiet intel_iommu=on,sm_on\n");
    write("dev/iommu", "");
    write("dev/vfio/devices/vfio0", "");
    write(IOMMU + "intel-iommu/ecap", Long.toHexString(CAPABLE) + "\n");
    link("sys/class/iommu/dmar0", IOMMU);
    Files.createDirectories(at(DRIVERS + "vfio-pci"));
    function(ADDRESS, "vfio-pci");
    link(DEVICES + ADDRESS + "/iommu", IOMMU);
    write(DEVICES + ADDRESS + "/vfio-dev/vfio0/dev", "510:0\n");
    capability(ADDRESS, 20, true);
  }

  Path at(String path) {
    return root.resolve(path);
  }

  MadeUpHost write(String path, String text) throws IOException {
    Files.createDirectories(at(path).getParent());
    Files.writeString(at(path), text);
    return this;
  }

  MadeUpHost remove(String path) throws IOException {
    Files.delete(at(path));
    return this;
  }

  /// A link, as sysfs has them.
  private void link(String from, String to) throws IOException {
    Files.createDirectories(at(from).getParent());
    Files.deleteIfExists(at(from));
    Files.createSymbolicLink(at(from), at(to));
  }

  /// A further function of the group.
  MadeUpHost function(String address, String driver) throws IOException {
    Files.createDirectories(at(DEVICES + address));
    link(GROUP + address, DEVICES + address);
    link(DEVICES + address + "/iommu_group", "sys/kernel/iommu_groups/7");
    return bind(address, driver);
  }

  MadeUpHost bind(String address, String driver) throws IOException {
    Files.createDirectories(at(DRIVERS + driver));
    link(DEVICES + address + "/driver", DRIVERS + driver);
    return this;
  }

  /// The function becomes a virtual one of another.
  MadeUpHost physicalFunction(String address) throws IOException {
    link(DEVICES + ADDRESS + "/physfn", DEVICES + address);
    return this;
  }

  /// Gives a function a configuration space with a PASID capability.
  MadeUpHost capability(String address, int width, boolean enabled) throws IOException {
    byte[] bytes = endpoint();
    ByteBuffer config = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    config.putInt(0x100, 0x1601001e); // [100] L1 PM Substates leads to 0x160
    config.putInt(PASID, 0x0001001b);
    config.putInt(PASID + 4, width << 8 | (enabled ? 1 << 16 : 0));
    Files.write(at(DEVICES + address + "/config"), bytes);
    return this;
  }

  MadeUpHost withoutCapability(String address) throws IOException {
    Files.write(at(DEVICES + address + "/config"), endpoint());
    return this;
  }

  /// What a user without privileges reads.
  MadeUpHost headerOnly(String address) throws IOException {
    Files.write(at(DEVICES + address + "/config"), new byte[64]);
    return this;
  }

  private static byte[] endpoint() {
    byte[] bytes = new byte[4096];
    ByteBuffer config = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    config.putInt(0, 0x0001f00d);
    config.putInt(4, 0x00100000); // a capability list
    config.put(0x34, (byte) 0x40);
    config.putInt(0x40, 0x00920010); // PCI Express, a root complex integrated endpoint
    return bytes;
  }

  Run doctor(String... arguments) {
    String[] all = new String[arguments.length + 3];
    all[0] = "doctor";
    all[1] = "--root";
    all[2] = root.toString();
    System.arraycopy(arguments, 0, all, 3, arguments.length);
    return Run.of(all);
  }
}
