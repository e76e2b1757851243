package io.vpasid.guest.config;

import static org.assertj.core.api.Assertions.assertThat;

import io.vpasid.guest.cli.Inputs;
import io.vpasid.guest.cli.Run;
import io.vpasid.pci.ConfigSpace;
import io.vpasid.pci.dump.Dumps;
import io.vpasid.pci.dump.HostFunction;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Addresses of a machine, in a tree that looks like sysfs: the made-up physical function at
/// 17:00.0 with PASIDs of 20 bits, and its virtual function at 17:00.1.
class LiveFunctionTest {
  private static final int PASID = 0x1a0;

  @TempDir private Path folder;
  private Path sysfs = Path.of("");
  private byte[] physical = new byte[0];

  @BeforeEach
  void makeTree() throws IOException {
    sysfs = folder.resolve("sys");
    List<HostFunction> functions = Dumps.read(Inputs.demo(folder));
    physical = functions.getFirst().config().toByteArray();
    Files.write(device("0000:17:00.0").resolve("config"), physical);
    Path virtual = device("0000:17:00.1");
    Files.write(virtual.resolve("config"), functions.get(1).config().toByteArray());
    Files.writeString(virtual.resolve("vendor"), "0xf00d\n");
    Files.writeString(virtual.resolve("device"), "0x0002\n");
    Files.createSymbolicLink(virtual.resolve("physfn"), Path.of("../0000:17:00.0"));
  }

  private Path device(String address) throws IOException {
    return Files.createDirectories(sysfs.resolve("bus/pci/devices").resolve(address));
  }

  private void write(String address, byte[] config) throws IOException {
    Files.write(device(address).resolve("config"), config);
  }

  private Run plan(String address, String... more) {
    List<String> arguments = new ArrayList<>(List.of("plan", address, "--sysfs", sysfs.toString()));
    arguments.addAll(List.of(more));
    return Run.of(arguments.toArray(String[]::new));
  }

  @Test
  void thePhysicalCapabilityBoundsWhatIsAssumed() {
    Run run = plan("17:00.0");

    assertThat(run.code()).isZero();
    assertThat(run.out()).contains("at 0x1a0, Max PASID Width: 20, Exec-, Priv+");
    assertThat(run.err())
        .contains("no --hw-info, so width=20,priv is assumed: the PASID capability of 0000:17:00.0")
        .contains("PASIDs being enabled there; the IOMMU may allow less");
  }

  @Test
  void nothingIsPermittedWhereTheHostHasNotEnabledPasids() throws IOException {
    physical[PASID + 5] = 16;
    physical[PASID + 6] = 0b100;
    write("0000:17:00.0", physical);

    assertThat(plan("17:00.0").err())
        .contains("so width=16 is assumed")
        .contains("PASIDs being not enabled there");
    assertThat(plan("17:00.0").out()).contains("Max PASID Width: 16, Exec-, Priv-");
  }

  @Test
  void aVirtualFunctionHasThePasidsOfItsPhysicalFunction() throws IOException {
    physical[PASID + 5] = 12;
    write("0000:17:00.0", physical);

    Run run = plan("17:00.1");

    assertThat(run.code()).isZero();
    assertThat(run.out()).contains("f00d:0002").contains("at 0xd80, Max PASID Width: 12");
    assertThat(run.err()).contains("the PASID capability of its physical function 0000:17:00.0");
  }

  @Test
  void aVirtualFunctionIsOneByItsLinkWhateverItsIdsRead() throws IOException {
    write("0000:17:00.1", physical);
    String quirks =
        Files.writeString(
                folder.resolve("vf.json"),
                """
                { "format": 1, "quirks": [ { "id": "vf", "name": "n", "source": "s",
                  "match": { "vendor": "0xf00d", "function": "virtual" }, "place": "0x300" } ] }
                """)
            .toString();

    assertThat(plan("17:00.1", "--quirks", quirks).out()).contains("at 0x300");
    assertThat(plan("17:00.0", "--quirks", quirks).out()).contains("at 0x1a0");
  }

  @Test
  void aVirtualFunctionWhosePhysicalFunctionIsNotHereIsPlannedAllTheSame() throws IOException {
    Files.delete(device("0000:17:00.0").resolve("config"));
    Files.delete(device("0000:17:00.0"));

    Run run = plan("17:00.1");

    assertThat(run.code()).isZero();
    assertThat(run.err())
        .contains("so width=20 is assumed: its physical function 0000:17:00.0 cannot be read");
  }

  @Test
  void aDeviceWithoutPasidsGetsNone() throws IOException {
    physical[PASID] = 0x1f;
    write("0000:17:00.0", physical);

    Run run = plan("17:00.0");

    assertThat(run.code()).isEqualTo(1);
    assertThat(run.out()).contains("The host has no PASIDs");
    assertThat(run.err()).contains("so none is assumed: 0000:17:00.0 has no PASID capability");
    assertThat(plan("17:00.0", "--hw-info", "width=20").code()).as("what if").isZero();
  }

  @Test
  void withoutPrivilegesTheMessageSaysWhatToDo() throws IOException {
    write("0000:17:00.0", Arrays.copyOf(physical, 64));

    Run run = plan("17:00.0");

    assertThat(run.code()).isEqualTo(3);
    assertThat(run.out()).isEmpty();
    assertThat(run.err().lines()).hasSize(1);
    assertThat(run.err())
        .contains("0000:17:00.0/config: only 64 bytes can be read")
        .contains("run this as root");
  }

  @Test
  void anAddressThatIsNotThereIsNamed() {
    Run run = plan("0000:99:00.0");

    assertThat(run.code()).isEqualTo(2);
    assertThat(run.err()).contains("0000:99:00.0: there is no such PCI function here");
  }

  @Test
  void withoutAPciBusTheEnvironmentLacksSomething() {
    Run run = Run.of("plan", "17:00.0", "--sysfs", folder.toString());

    assertThat(run.code()).isEqualTo(3);
    assertThat(run.err()).contains("there is no PCI bus here");
  }

  @Test
  void qemuGetsTheAddress() {
    assertThat(plan("17:00.1", "--format", "qemu").out())
        .contains("-device vfio-pci,host=0000:17:00.1,x-vpasid-cap-offset=0xd80");
  }

  @Test
  void inspectListsTheMachine() {
    assertThat(Run.of("inspect", "--sysfs", sysfs.toString()).out())
        .contains("0000:17:00.0", "0000:17:00.1", "2 functions");
  }

  @Test
  void theTreeHasExtendedSpace() {
    assertThat(physical).hasSize(ConfigSpace.EXTENDED_SIZE);
  }
}
