package io.vpasid.guest.host;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.mockito.Mockito.mock;

import io.vpasid.guest.config.BarSizes;
import io.vpasid.guest.config.Descriptions;
import io.vpasid.guest.config.FunctionDescription;
import io.vpasid.guest.vfiouser.Outcome;
import io.vpasid.guest.vfiouser.VfioUserPeer;
import io.vpasid.pci.ConfigSpace;
import io.vpasid.pci.PciAddress;
import io.vpasid.pci.capability.CapabilityChain;
import io.vpasid.pci.capability.CapabilityId;
import io.vpasid.pci.dump.HostFunction;
import io.vpasid.pci.emulation.Bar;
import io.vpasid.pci.emulation.DeviceConfig;
import io.vpasid.vmm.frontend.MappedGuestMemory;
import io.vpasid.vmm.frontend.vtd.DmaEngine;
import io.vpasid.vmm.frontend.vtd.SourceId;
import io.vpasid.vmm.frontend.vtd.VtdBackend;
import io.vpasid.vmm.frontend.vtd.VtdCapabilities;
import io.vpasid.vmm.frontend.vtd.VtdUnit;
import io.vpasid.vmm.linux.Errno;
import io.vpasid.vmm.vfio.Irq;
import io.vpasid.vmm.vfio.PciIndex;
import io.vpasid.vmm.vfio.Region;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class EmulatedHardwareTest {
  private static final int BAR0 = 0;

  private final EmulatedHardware hardware = EmulatedHardware.of(Descriptions.withMsix(), false);

  private static ByteBuffer little(int value) {
    return ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putInt(0, value);
  }

  private byte[] read(int bar, long offset, int count) {
    ByteBuffer bytes = ByteBuffer.allocate(count);
    assertThat(hardware.read(bar, offset, bytes)).isEqualTo(Outcome.done());
    assertThat(bytes.hasRemaining()).isFalse();
    return bytes.array();
  }

  @Test
  void regionsAndInterruptsAreThoseOfTheDescription() {
    assertThat(hardware.regions()).hasSize(PciIndex.REGIONS);
    assertThat(hardware.regions().getFirst())
        .isEqualTo(new Region(64 << 10, Region.READ | Region.WRITE));
    assertThat(hardware.irqs().get(PciIndex.INTX_IRQ)).isEqualTo(Irq.NONE);
    assertThat(hardware.irqs().get(PciIndex.MSIX_IRQ)).isEqualTo(new Irq(8, Irq.EVENTFD));
  }

  @Test
  void barsAreZeroUntilTheyAreWritten() {
    assertThat(read(BAR0, 0xff00, 256)).containsOnly(0);

    assertThat(hardware.write(BAR0, 0x1ffe, ByteBuffer.wrap(new byte[] {1, 2, 3, 4})))
        .isEqualTo(Outcome.done());

    assertThat(read(BAR0, 0x1ffd, 6)).containsExactly(0, 1, 2, 3, 4, 0);
    assertThat(read(1, 0x1ffe, 1)).as("another BAR").containsExactly(0);
  }

  @Test
  void aDoorbellRaisesTheVectorThatIsWritten() {
    List<String> raised = new ArrayList<>();
    hardware.connected(listeningTo(raised));

    hardware.write(BAR0, 0x10, little(3));
    hardware.write(BAR0, 0x0c, ByteBuffer.allocate(12).order(ByteOrder.LITTLE_ENDIAN).putInt(4, 5));
    hardware.write(BAR0, 0x10, ByteBuffer.wrap(new byte[] {7}));
    hardware.write(BAR0, 0x14, little(2));

    assertThat(raised).containsExactly("2/3", "2/5");
    hardware.disconnected();
    assertThat(hardware.raise(1)).isFalse();
  }

  private static VfioUserPeer listeningTo(List<String> raised) {
    return new VfioUserPeer() {
      @Override
      public boolean trigger(int irq, int vector) {
        return raised.add(irq + "/" + vector);
      }

      @Override
      public CompletableFuture<Outcome> readDma(long address, ByteBuffer destination) {
        return CompletableFuture.completedFuture(Outcome.done());
      }

      @Override
      public CompletableFuture<Outcome> writeMessage(long address, int data) {
        throw new UnsupportedOperationException();
      }

      @Override
      public CompletableFuture<Outcome> writeDma(long address, ByteBuffer source) {
        return CompletableFuture.completedFuture(Outcome.done());
      }

      @Override
      public int userId() {
        return 0;
      }

      @Override
      public int processId() {
        return 1;
      }
    };
  }

  @Test
  void aDmaEngineReachesMemoryThroughTheIommuThatCoversTheFunction() {
    EmulatedHardware function =
        EmulatedHardware.of(
            Descriptions.of(
                """
                { "format": 1, "vendor": "0xf00d", "device": "0x0d4a", "class": "0x088000",
                  "bars": [ { "index": 2, "size": "8K" } ], "dmaEngine": { "bar": 2 } }
                """),
            false);
    assertThat(register(function, 0x00)).as("covered by none").isZero();

    MemorySegment memory = Arena.ofAuto().allocate(0x2000, 4096);
    VtdUnit unit = unitOver(memory);
    function.doDmaThrough(unit.dma(SourceId.of(new PciAddress(0, 0, 4, 0))));
    memory.set(ValueLayout.JAVA_LONG, 0x1008, 0x1122);
    setRegister(function, 0x10, 0x1008);
    setRegister(function, 0x28, 1);

    assertThat(register(function, 0x00) & 0xffff_ffffL).isEqualTo(DmaEngine.ID);
    assertThat(register(function, 0x28) >>> 32).as("done").isEqualTo(2);
    assertThat(register(function, 0x20)).isEqualTo(0x1122);

    setRegister(function, 0x1010, 5);
    assertThat(register(function, 0x1010)).as("memory behind the registers").isEqualTo(5);
    function.reset();
    assertThat(register(function, 0x10)).isZero();
    assertThat(register(function, 0x1010)).isZero();
    unit.close();
  }

  private static VtdUnit unitOver(MemorySegment memory) {
    return new VtdUnit(
        VtdCapabilities.emulated(),
        MappedGuestMemory.of(new MappedGuestMemory.Range(0, memory)),
        mock(VtdBackend.class),
        (address, data) -> {},
        Runnable::run);
  }

  @Test
  void theEndOfADmaCommandIsTheFirstMsiXVectorIfTheDriverWantsIt() {
    List<String> raised = new ArrayList<>();
    EmulatedHardware function =
        EmulatedHardware.of(
            Descriptions.of(
                """
                { "format": 1, "vendor": "0xf00d", "device": "0x0d4a", "class": "0x088000",
                  "bars": [ { "index": 0, "size": "8K" }, { "index": 2, "size": "8K" } ],
                  "msix": { "vectors": 2, "bar": 0, "table": "0x0", "pba": "0x1000" },
                  "dmaEngine": { "bar": 2 } }
                """),
            false);
    VtdUnit unit = unitOver(Arena.ofAuto().allocate(0x2000, 4096));
    function.doDmaThrough(unit.dma(SourceId.of(new PciAddress(0, 0, 4, 0))));
    function.connected(listeningTo(raised));

    setRegister(function, 0x10, 0x1008);
    setRegister(function, 0x28, 1);
    assertThat(raised).as("not wanted").isEmpty();

    int wanted = 4;
    setRegister(function, 0x00, (long) wanted << 32);
    setRegister(function, 0x28, 1);
    assertThat(raised).containsExactly(PciIndex.MSIX_IRQ + "/0");
    unit.close();
  }

  private static long register(EmulatedHardware function, long offset) {
    ByteBuffer value = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN);
    assertThat(function.read(2, offset, value)).isEqualTo(Outcome.done());
    return value.getLong(0);
  }

  private static void setRegister(EmulatedHardware function, long offset, long to) {
    ByteBuffer value = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(0, to);
    assertThat(function.write(2, offset, value)).isEqualTo(Outcome.done());
  }

  @Test
  void aGuestCannotTakeMoreMemoryThanThereIs() {
    EmulatedHardware large =
        EmulatedHardware.of(
            Descriptions.of(
                """
                { "format": 1, "vendor": "0xf00d", "device": "0x0001", "class": "0x088000",
                  "bars": [ { "index": 0, "size": "16G", "type": "memory64" } ] }
                """),
            false);
    int pages = BarPages.FUNCTION / 4096;
    for (long page = 0; page < pages; page++) {
      assertThat(large.write(BAR0, page * 0x10_0000, little(1))).isEqualTo(Outcome.done());
    }

    assertThat(large.write(BAR0, 4096, little(1)))
        .isInstanceOfSatisfying(
            Outcome.Failed.class, refused -> assertThat(refused.errno()).isEqualTo(Errno.ENOSPC));
    assertThat(large.write(BAR0, 8, little(1))).as("a page it has").isEqualTo(Outcome.done());
  }

  @Test
  void barsCanBeSizedAndAssigned() {
    DeviceConfig config = hardware.config();
    config.write(0x10, 4, -1);
    config.write(0x14, 4, -1);

    assertThat(config.read(0x10, 4)).isEqualTo(0xffff0004);
    assertThat(config.read(0x14, 4)).isEqualTo(-1);
  }

  @Test
  void aFunctionLevelResetEmptiesRegistersAndBars() {
    DeviceConfig config = hardware.config();
    int express = 0;
    for (int at = config.read(0x34, 1); at != 0; at = config.read(at + 1, 1)) {
      express = config.read(at, 1) == 0x10 ? at : express;
    }
    config.write(0x04, 2, 6);
    hardware.write(BAR0, 0, little(1));

    config.write(express + 8, 2, 1 << 15);

    assertThat(config.read(0x04, 2)).isZero();
    assertThat(read(BAR0, 0, 4)).containsOnly(0);
  }

  @Test
  void aResetFromOutsideDoesTheSame() {
    hardware.config().write(0x04, 2, 6);
    hardware.write(BAR0, 0, little(1));

    assertThat(hardware.reset()).isEqualTo(Outcome.done());

    assertThat(hardware.config().read(0x04, 2)).isZero();
    assertThat(read(BAR0, 0, 4)).containsOnly(0);
  }

  @Test
  void thePhysicalPasidCapabilityIsHiddenAsVfioHidesIt() {
    byte[] bytes = new byte[ConfigSpace.EXTENDED_SIZE];
    for (int i = 0; i < bytes.length; i++) {
      bytes[i] = (byte) hardware.config().read(i, 1);
    }

    assertThat(CapabilityChain.walk(ConfigSpace.of(bytes)).find(CapabilityId.PASID)).isEmpty();
  }

  /// A 64-bit BAR 0 at 0xfe000004 with MSI-X tables that need 64 KiB, BAR 2 at 0x10000000.
  private static HostFunction withAddresses() {
    HostFunction captured = Descriptions.withMsix().captured();
    byte[] assigned = captured.config().toByteArray();
    assigned[0x13] = (byte) 0xfe;
    assigned[0x1b] = 0x10;
    return new HostFunction(captured.address(), "assigned", ConfigSpace.of(assigned));
  }

  private static List<Bar> bars(String... sizes) {
    BarSizes known = BarSizes.UNKNOWN;
    for (String size : sizes) {
      known = known.with(size);
    }
    return FunctionDescription.of(withAddresses(), known).bars();
  }

  @Test
  void barsOfACaptureAreAsLargeAsTheirMsixTablesNeed() {
    assertThat(bars()).containsExactly(Bar.memory64(0, 64 << 10), Bar.memory32(2, 4096));
  }

  @Test
  void sizesThatSomebodyKnowsAreTaken() {
    assertThat(bars("2=16M", "0=128K"))
        .containsExactly(Bar.memory64(0, 128 << 10), Bar.memory32(2, 16 << 20));
    assertThat(bars("2=16")).contains(Bar.memory32(2, 16));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          2=3K      | The size of BAR 2 (MEMORY_32) has to be a power of two from 16 to 2147483648 bytes, not 3072
          2=8       | a power of two from 16
          2=0       | a power of two from 16
          2=4G      | a power of two from 16 to 2147483648 bytes, not 4294967296
          2=512M    | BAR 2 was captured at 0x10000000, which is no multiple of its size, 536870912: it has at most 268435456 bytes
          0=32K     | BAR 0 holds MSI-X tables that need 65536 bytes, so it cannot have 32768
          1=4K      | BAR 1 is the upper half of BAR 0; say the size of that one
          5=4K      | the function has no BAR 5 in the capture; it has 0, 2
          6=4K      | a BAR's size is written as "0=64K"
          0=64KB    | a BAR's size is written as
          64K       | a BAR's size is written as
          """)
  void sizesThatCannotBeAreRefused(String size, String message) {
    assertThatThrownBy(() -> bars(size))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(message);
  }

  @Test
  void barHasOneSize() {
    assertThatThrownBy(() -> bars("2=4K", "2=8K")).hasMessage("BAR 2 has two sizes; leave one out");
  }
}
