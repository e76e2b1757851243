package io.vpasid.guest.cli.vtd;

import static org.assertj.core.api.Assertions.assertThat;

import io.vpasid.guest.config.IommuConfig;
import io.vpasid.pci.PciAddress;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.json.JsonMapper;

/// A QEMU's command line, and what is read from its monitor.
class QemuMachineTest {
  private static final PciAddress FOUR = new PciAddress(0, 0, 4, 0);

  private static QemuMachine machine(Map<String, PciAddress> covers, String... more) {
    IommuConfig iommu = new IommuConfig("iommu", Path.of("/run/i.sock"), covers, Optional.empty());
    Map<String, Path> sockets = new LinkedHashMap<>();
    covers.keySet().forEach(name -> sockets.put(name, Path.of("/run/" + name + ".sock")));
    return new QemuMachine(
        "qemu",
        512,
        QemuMachine.freePlace(iommu),
        iommu,
        sockets,
        Path.of("/run/a,b.dmar"),
        List.of(more));
  }

  @Test
  void guestMemoryIsSharedAndTheTableGiven() {
    assertThat(String.join(" ", machine(Map.of("dsa", FOUR), "-nographic").command()))
        .contains("-object memory-backend-memfd,id=ram,share=on,size=512M -numa node,memdev=ram")
        .contains("\"path\":\"/run/i.sock\"},\"addr\":\"03.0\"")
        .contains("\"path\":\"/run/dsa.sock\"},\"addr\":\"04.0\"")
        .contains("-acpitable file=/run/a,,b.dmar")
        .endsWith("-nographic");
  }

  @Test
  void functionsOfOneDeviceSayThatThereAreSeveral() {
    Map<String, PciAddress> covers = new LinkedHashMap<>();
    covers.put("pf", new PciAddress(0, 0, 3, 0));
    covers.put("vf", new PciAddress(0, 0, 3, 1));

    List<String> command = machine(covers).command();

    assertThat(command).filteredOn(word -> word.contains("multifunction")).hasSize(2);
    assertThat(command).anyMatch(word -> word.contains("i.sock\"},\"addr\":\"04.0\""));
  }

  @Test
  void firmwareIsBootedWithTheSameDevicesButNoKernelAndDisksAreNotWritten() {
    QemuMachine machine =
        machine(Map.of("dsa", FOUR), "-kernel", "bzImage", "-append", "quiet", "-device", "e1000e");

    assertThat(machine.firmwareCommand(Path.of("/tmp/q")))
        .doesNotContain("-kernel", "bzImage", "-append", "quiet")
        .contains("e1000e", "-snapshot", "-S", "unix:/tmp/q,server=on,wait=off");
  }

  @Test
  void aShellTakesTheLineAsItIs() {
    assertThat(QemuMachine.forShell(List.of("qemu", "-append", "it's a b", "-m", "1M")))
        .isEqualTo("qemu \\\n  -append 'it'\\''s a b' \\\n  -m 1M");
  }

  @Test
  void theFirstBarIsFoundOnceItIsPlaced() {
    String pci =
        """
        [ { "bus": 0, "devices": [
          { "slot": 3, "function": 1, "regions": [ { "bar": 0, "address": 64 } ] },
          { "slot": 3, "function": 0, "regions": [ { "bar": 0, "address": %s } ] } ] } ]
        """;
    JsonMapper json = JsonMapper.builder().build();
    PciAddress unit = new PciAddress(0, 0, 3, 0);

    assertThat(FirmwareBoot.firstBar(json.readTree(pci.formatted("4273987584")), unit))
        .isEqualTo(OptionalLong.of(0xfebfe000L));
    assertThat(FirmwareBoot.firstBar(json.readTree(pci.formatted("-1")), unit)).isEmpty();
    assertThat(FirmwareBoot.firstBar(json.readTree(pci.formatted("0")), FOUR)).isEmpty();
    assertThat(FirmwareBoot.firstBar(json.readTree("[]"), unit)).isEmpty();
  }
}
