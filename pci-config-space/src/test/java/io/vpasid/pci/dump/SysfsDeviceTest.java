package io.vpasid.pci.dump;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.vpasid.pci.ConfigSpace;
import io.vpasid.pci.PciAddress;
import io.vpasid.pci.PciId;
import io.vpasid.testing.InstalledTool;
import io.vpasid.testing.Need;
import io.vpasid.testing.Needs;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Against a tree that looks like sysfs, with a physical function and one of its virtual functions,
/// and against the machine's own.
class SysfsDeviceTest {
  private static final PciAddress PHYSICAL = new PciAddress(0, 1, 0, 0);
  private static final PciAddress VIRTUAL = new PciAddress(0x10000, 1, 0x10, 0);
  private static final ConfigSpace CONFIG = new RandomSpaces(1).config(4096);

  @TempDir private Path sysfs;

  @BeforeEach
  void makeTree() throws Exception {
    Path physical = device(PHYSICAL);
    Files.write(physical.resolve("config"), CONFIG.toByteArray());
    Path virtual = device(VIRTUAL);
    byte[] bytes = CONFIG.toByteArray();
    Arrays.fill(bytes, 0, 4, (byte) 0xff);
    Files.write(virtual.resolve("config"), bytes);
    Files.writeString(virtual.resolve("vendor"), "0x8086\n");
    Files.writeString(virtual.resolve("device"), "0x1520\n");
    Files.writeString(virtual.resolve("subsystem_vendor"), "0x8086\n");
    Files.writeString(virtual.resolve("subsystem_device"), "0x0001\n");
    Files.writeString(virtual.resolve("class"), "0x020000\n");
    Files.writeString(virtual.resolve("revision"), "0x01\n");
    Files.createSymbolicLink(virtual.resolve("physfn"), Path.of("../0000:01:00.0"));
    Files.createSymbolicLink(virtual.resolve("driver"), Path.of("../../drivers/vfio-pci"));
    Files.createSymbolicLink(virtual.resolve("iommu_group"), Path.of("../../iommu_groups/17"));
  }

  private Path device(PciAddress address) throws Exception {
    return Files.createDirectories(sysfs.resolve("bus/pci/devices").resolve(address.toString()));
  }

  @Test
  void functionsAreListedInTheirOrder() throws Exception {
    Files.createFile(sysfs.resolve("bus/pci/devices/README"));

    assertThat(SysfsDevice.list(sysfs)).containsExactly(PHYSICAL, VIRTUAL);
  }

  @Test
  void functionIsRead() {
    HostFunction function = SysfsDevice.of(sysfs, PHYSICAL).function();

    assertThat(function.address()).isEqualTo(PHYSICAL);
    assertThat(function.config()).isEqualTo(CONFIG);
    assertThat(function.location()).endsWith("0000:01:00.0/config");
    assertThat(function.id()).isEqualTo(CONFIG.id());
  }

  @Test
  void virtualFunctionHasTheIdsThatTheKernelKnows() {
    SysfsDevice device = SysfsDevice.of(sysfs, VIRTUAL);

    assertThat(device.id()).contains(new PciId(0x8086, 0x1520));
    assertThat(device.subsystem()).contains(new PciId(0x8086, 1));
    assertThat(device.function().description()).isEqualTo("0200: 8086:1520 (rev 01)");
    assertThat(device.function().id()).isEqualTo(new PciId(0x8086, 0x1520));
    assertThat(device.function().config().id()).isEqualTo(new PciId(0xffff, 0xffff));
  }

  @Test
  void linksAreFollowed() {
    SysfsDevice device = SysfsDevice.of(sysfs, VIRTUAL);

    assertThat(device.physicalFunction()).contains(PHYSICAL);
    assertThat(device.driver()).contains("vfio-pci");
    assertThat(device.iommuGroup()).hasValue(17);
  }

  @Test
  void missingLinksAreEmpty() {
    SysfsDevice device = SysfsDevice.of(sysfs, PHYSICAL);

    assertThat(device.physicalFunction()).isEmpty();
    assertThat(device.driver()).isEmpty();
    assertThat(device.iommuGroup()).isEmpty();
    assertThat(device.id()).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "x", "0x", "-1", "0x10000", "99999999999999999999"})
  void damagedAttributesAreEmpty(String text) throws Exception {
    Files.writeString(device(VIRTUAL).resolve("vendor"), text);

    assertThat(SysfsDevice.of(sysfs, VIRTUAL).id()).isEmpty();
  }

  @Test
  void unknownAddressIsNamed() {
    assertThatExceptionOfType(DumpException.class)
        .isThrownBy(() -> SysfsDevice.of(sysfs, new PciAddress(0, 2, 0, 0)))
        .withMessageEndingWith("0000:02:00.0: there is no such PCI function here: see `lspci -D`");
  }

  @ParameterizedTest
  @ValueSource(ints = {64, 128})
  void missingPrivilegesAreTheEnvironmentsFault(int size) throws Exception {
    Files.write(device(PHYSICAL).resolve("config"), new byte[size]);

    assertThatExceptionOfType(DumpAccessException.class)
        .isThrownBy(() -> SysfsDevice.of(sysfs, PHYSICAL).function())
        .withMessageEndingWith(
            "0000:01:00.0/config: only "
                + size
                + " bytes can be read, because Linux shows the rest to processes with"
                + " CAP_SYS_ADMIN only: run this as root (in a container, with that capability)");
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 300, 5000})
  void otherSizesAreNamed(int size) throws Exception {
    Files.write(device(PHYSICAL).resolve("config"), new byte[size]);

    assertThatExceptionOfType(DumpException.class)
        .isThrownBy(() -> SysfsDevice.of(sysfs, PHYSICAL).function())
        .withMessageContaining("/0000:01:00.0/config: gave ");
  }

  @Test
  void functionThatWentAwayIsNamed() throws Exception {
    SysfsDevice device = SysfsDevice.of(sysfs, PHYSICAL);
    Files.delete(device.directory().resolve("config"));

    assertThatExceptionOfType(DumpException.class)
        .isThrownBy(device::function)
        .withMessageEndingWith("config: there is no such file");
  }

  @Test
  void systemWithoutPciIsTheEnvironmentsFault() {
    assertThatExceptionOfType(DumpAccessException.class)
        .isThrownBy(() -> SysfsDevice.list(sysfs.resolve("none")))
        .withMessageContaining("there is no PCI bus here");
  }

  /// Only root may read whole configuration spaces.
  @Needs({Need.PCI_BUS, Need.ROOT, Need.LSPCI})
  @Test
  void functionsOfThisMachineAreTheSameForLspci() throws Exception {
    List<HostFunction> printed =
        LspciText.parse("lspci", InstalledTool.run("lspci", "-D", "-n", "-xxxx"));

    List<HostFunction> functions = SysfsDevice.list().stream().map(SysfsDevice::read).toList();

    assertThat(Bare.functions(functions)).isEqualTo(Bare.functions(printed));
    assertThat(functions)
        .allSatisfy(function ->
            assertThat(SysfsDevice.of(function.address()).id()).contains(function.id()));
  }
}
