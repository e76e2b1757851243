package io.vpasid.it.emulation;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import io.vpasid.pci.ConfigSpace;
import io.vpasid.pci.emulation.Bar;
import io.vpasid.pci.emulation.ConfigPatch;
import io.vpasid.pci.emulation.DeviceConfig;
import io.vpasid.pci.emulation.EmulatedRegisters;
import io.vpasid.pci.emulation.GuestConfigSpace;
import java.lang.management.ManagementFactory;
import java.util.List;
import org.junit.jupiter.api.Test;

/// A guest's configuration accesses must not make garbage: a vCPU thread waits for each.
class AllocationTest {
  private static final int WARM_UP = 20;
  private static final int ROUNDS = 100;

  private final ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();

  @Test
  void readsAndWritesOfAnEmulatedFunctionAllocateNothing() {
    ConfigSpace capture = Functions.withAtsAndPri();

    assertThat(
            allocatedBy(
                EmulatedRegisters.ofFunction(capture, List.of(Bar.memory64(0, 4096)))
                    .applyTo(GuestConfigSpace.over(DeviceConfig.readOnly(capture)))
                    .build()))
        .isZero();
  }

  @Test
  void readsAndWritesThatReachADeviceAllocateNothing() {
    GuestConfigSpace device =
        GuestConfigSpace.over(DeviceConfig.readOnly(Functions.withAtsAndPri())).build();

    assertThat(
            allocatedBy(
                GuestConfigSpace.over(device)
                    .patch(List.of(new ConfigPatch(0x100, 0xff00, 0x1200, 0xff00, 0)))
                    .rule(0x100, (before, proposed) -> proposed & 0x0f00)
                    .build()))
        .isZero();
  }

  /// Bytes that accesses of every width at every offset allocate, once they are compiled.
  private long allocatedBy(GuestConfigSpace guest) {
    accessEverything(guest, WARM_UP);
    long before = threads.getCurrentThreadAllocatedBytes();
    accessEverything(guest, ROUNDS);
    return threads.getCurrentThreadAllocatedBytes() - before;
  }

  private static void accessEverything(GuestConfigSpace guest, int rounds) {
    int sum = 0;
    for (int round = 0; round < rounds; round++) {
      for (int offset = 0; offset < guest.size(); offset++) {
        for (int width = 1; width <= 4; width <<= 1) {
          sum += guest.read(offset, width);
          guest.write(offset, width, sum);
        }
      }
    }
  }
}
