package io.vpasid.guest.function;

import static org.assertj.core.api.Assertions.assertThat;

import io.vpasid.guest.vfiouser.Irq;
import io.vpasid.guest.vfiouser.Outcome;
import io.vpasid.guest.vfiouser.PciIndex;
import io.vpasid.guest.vfiouser.Region;
import io.vpasid.guest.vfiouser.VfioUserPeer;
import io.vpasid.pci.ConfigSpace;
import io.vpasid.pci.capability.CapabilityChain;
import io.vpasid.pci.capability.CapabilityId;
import io.vpasid.pci.emulation.Bar;
import io.vpasid.pci.emulation.DeviceConfig;
import io.vpasid.vmm.iommufd.Errno;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

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
  void aGuestCannotTakeMoreMemoryThanThereIs() {
    EmulatedHardware large =
        EmulatedHardware.of(
            Descriptions.of(
                """
                { "format": 1, "vendor": "0xf00d", "device": "0x0001", "class": "0x088000",
                  "bars": [ { "index": 0, "size": "16G", "type": "memory64" } ] }
                """),
            false);
    int pages = BarMemory.LIMIT / 4096;
    for (long page = 0; page < pages; page++) {
      assertThat(large.write(BAR0, page * 0x10_0000, little(1))).isEqualTo(Outcome.done());
    }

    assertThat(large.write(BAR0, 4096, little(1)))
        .isInstanceOfSatisfying(
            Outcome.Refused.class, refused -> assertThat(refused.errno()).isEqualTo(Errno.ENOSPC));
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

  @Test
  void barsOfACaptureAreAsLargeAsTheirMsixTablesNeed() {
    ConfigSpace captured = Descriptions.withMsix().captured().config();
    byte[] assigned = captured.toByteArray();
    assigned[0x13] = (byte) 0xfe;
    assigned[0x1b] = 0x10;

    assertThat(CapturedHardware.bars(ConfigSpace.of(assigned)))
        .containsExactly(Bar.memory64(0, 64 << 10), Bar.memory32(2, 4096));
  }
}
