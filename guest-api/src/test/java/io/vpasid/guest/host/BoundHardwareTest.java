package io.vpasid.guest.host;

import static org.assertj.core.api.Assertions.assertThat;

import io.vpasid.guest.vfiouser.Outcome;
import io.vpasid.vmm.iommufd.IommufdBackend;
import io.vpasid.vmm.iommufd.IommufdException;
import io.vpasid.vmm.iommufd.simulated.SimulatedHost;
import io.vpasid.vmm.linux.Errno;
import io.vpasid.vmm.vfio.DeviceHardware;
import io.vpasid.vmm.vfio.Irq;
import io.vpasid.vmm.vfio.PciIndex;
import io.vpasid.vmm.vfio.Region;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/// What VFIO offers, as a vfio-user client gets it.
class BoundHardwareTest {

  /// Writes down what is asked of it.
  private static final int RW = Region.READ | Region.WRITE;

  private static final class Recording implements DeviceHardware {
    final List<String> calls = new ArrayList<>();
    boolean fails;

    private void call(String call) {
      calls.add(call);
      if (fails) {
        throw new IommufdException(Errno.ENODEV, "ioctl", "device 0000:00:04.0");
      }
    }

    @Override
    public List<Region> regions() {
      List<Region> regions = new ArrayList<>();
      regions.add(new Region(4096, RW));
      for (int i = 1; i < 6; i++) {
        regions.add(Region.NONE);
      }
      regions.add(new Region(2048, Region.READ));
      regions.add(new Region(4096, RW));
      regions.add(new Region(0xc0000, RW));
      return regions;
    }

    @Override
    public List<Irq> irqs() {
      return List.of(new Irq(1, 7), Irq.NONE, new Irq(8, 1), Irq.NONE, Irq.NONE);
    }

    @Override
    public void read(int region, long offset, ByteBuffer destination) {
      call("read " + region + " " + offset + " " + destination.remaining());
      destination.put(new byte[destination.remaining()]);
    }

    @Override
    public void write(int region, long offset, ByteBuffer source) {
      call("write " + region + " " + offset + " " + source.remaining());
    }

    @Override
    public void signalThrough(int irq, int start, int... eventfds) {
      call("signal " + irq + " " + start + " " + Arrays.toString(eventfds));
    }

    @Override
    public void mask(int irq, int start, int count, boolean masked) {
      call((masked ? "mask " : "unmask ") + irq + " " + start + " " + count);
    }

    @Override
    public void disable(int irq) {
      call("disable " + irq);
    }
  }

  private final Recording recording = new Recording();
  private final IommufdBackend iommufd = SimulatedHost.builder().build().open();
  private final BoundHardware hardware = new BoundHardware(recording, iommufd, iommufd.ioasAlloc());

  @AfterEach
  void close() {
    iommufd.close();
  }

  @Test
  void regionsAndInterruptsAreWhatVfioSays() {
    assertThat(hardware.regions().get(0)).isEqualTo(new Region(4096, Region.READ | Region.WRITE));
    assertThat(hardware.regions().get(1)).isEqualTo(Region.NONE);
    assertThat(hardware.regions().get(PciIndex.ROM_REGION))
        .isEqualTo(new Region(2048, Region.READ));
    assertThat(hardware.regions().get(PciIndex.VGA_REGION)).isEqualTo(Region.NONE);
    assertThat(hardware.irqs().get(PciIndex.INTX_IRQ))
        .isEqualTo(new Irq(1, Irq.EVENTFD | Irq.MASKABLE | Irq.AUTOMASKED));
    assertThat(hardware.irqs().get(PciIndex.MSIX_IRQ)).isEqualTo(new Irq(8, Irq.EVENTFD));
  }

  @Test
  void everythingIsPassedOn() {
    assertThat(hardware.read(0, 8, ByteBuffer.allocate(4))).isEqualTo(Outcome.done());
    assertThat(hardware.write(0, 9, ByteBuffer.allocate(1))).isEqualTo(Outcome.done());
    assertThat(hardware.interruptsAssigned(2, 3, 7, -1)).isEqualTo(Outcome.done());
    assertThat(hardware.interruptsMasked(0, 0, true)).isEqualTo(Outcome.done());
    assertThat(hardware.interruptsDisabled(2)).isEqualTo(Outcome.done());

    assertThat(recording.calls)
        .containsExactly(
            "read 0 8 4", "write 0 9 1", "signal 2 3 [7, -1]", "mask 0 0 1", "disable 2");
  }

  @Test
  void moreInterruptsThanFitIntoARequestAreAssignedFromTheLastOn() {
    assertThat(hardware.interruptsAssigned(2, 3, new int[DeviceHardware.MAX_EVENTFDS + 1]))
        .isEqualTo(Outcome.done());

    assertThat(recording.calls)
        .containsExactly("signal 2 35 [0]", "signal 2 3 " + Arrays.toString(new int[32]));
  }

  @Test
  void whatTheKernelRefusesTheClientIsTold() {
    recording.fails = true;

    for (Outcome outcome :
        List.of(
            hardware.read(0, 8, ByteBuffer.allocate(4)),
            hardware.write(0, 8, ByteBuffer.allocate(4)),
            hardware.interruptsAssigned(2, 0, 7),
            hardware.interruptsDisabled(2))) {
      assertThat(outcome)
          .isInstanceOfSatisfying(
              Outcome.Failed.class, refused -> assertThat(refused.errno()).isEqualTo(Errno.ENODEV));
    }
  }
}
