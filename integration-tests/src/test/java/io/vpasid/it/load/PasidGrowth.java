package io.vpasid.it.load;

import io.vpasid.pci.PciAddress;
import io.vpasid.vmm.iommufd.BoundDevice;
import io.vpasid.vmm.iommufd.HwptFlag;
import io.vpasid.vmm.iommufd.HwptId;
import io.vpasid.vmm.iommufd.HwptRequest;
import io.vpasid.vmm.iommufd.IommufdBackend;
import io.vpasid.vmm.iommufd.Pasid;
import io.vpasid.vmm.iommufd.simulated.SimulatedDevice;
import io.vpasid.vmm.iommufd.simulated.SimulatedHost;
import io.vpasid.vmm.pasid.AttachOutcome;
import io.vpasid.vmm.pasid.DetachOutcome;
import io.vpasid.vmm.pasid.PasidAttachments;
import io.vpasid.vmm.pasid.PasidLimits;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.util.ArrayList;
import java.util.List;

/// How the time to attach and detach a PASID of a function, and the heap for it, grow with the
/// number of those that are attached: on the simulated host, whose own bookkeeping is part of both.
///
/// @param time nanoseconds of an attach and a detach, by the number attached at once
/// @param heap bytes of an attached PASID where all 2^20 - 1 are
record PasidGrowth(Growth time, Spread heap) {
  private static final PciAddress ADDRESS = new PciAddress(0, 0x6a, 1, 0);
  private static final int WIDTH = 20;
  private static final int MOST = (1 << WIDTH) - 1;
  private static final int[] COUNTS = {1, 1 << 5, 1 << 10, 1 << 15, MOST};

  /// Measures each as often as `rounds` says, once more to warm up.
  static PasidGrowth measure(int rounds) {
    List<Growth.Point> points = new ArrayList<>();
    List<Double> heap = new ArrayList<>();
    for (int count : COUNTS) {
      List<Double> nanoseconds = new ArrayList<>();
      for (int round = 0; round <= rounds; round++) {
        try (Function function = new Function()) {
          double each = function.attachAndDetach(count, MOST / count);
          if (round > 0) {
            nanoseconds.add(each);
          }
        }
      }
      points.add(new Growth.Point(count, Spread.of(nanoseconds).median()));
    }
    for (int round = 0; round < rounds; round++) {
      try (Function function = new Function()) {
        long before = used();
        function.attach(MOST);
        heap.add((used() - before) / (double) MOST);
      }
    }
    return new PasidGrowth(
        new Growth(
            "pasids.svg",
            "nanoseconds of processor time to attach and detach a PASID, all attached at once",
            "PASIDs",
            points),
        Spread.of(heap));
  }

  private static long used() {
    System.gc();
    Runtime runtime = Runtime.getRuntime();
    return runtime.totalMemory() - runtime.freeMemory();
  }

  /// A function of a host of its own, nothing of it attached but itself.
  private static final class Function implements AutoCloseable {
    private final IommufdBackend iommufd =
        SimulatedHost.builder()
            .device(SimulatedDevice.at(ADDRESS).pasidWidth(WIDTH))
            .build()
            .open();
    private final BoundDevice device = iommufd.bind(ADDRESS);
    private final HwptId pageTable =
        iommufd.hwptAlloc(
            HwptRequest.paging(device.id(), iommufd.ioasAlloc()).with(HwptFlag.PASID));
    private final PasidAttachments attachments =
        new PasidAttachments(device, PasidLimits.ofWidth(WIDTH).withQuota(MOST), () -> true);

    Function() {
      device.attach(pageTable);
    }

    /// @return nanoseconds of the processor for one pair
    double attachAndDetach(int count, int times) {
      ThreadMXBean threads = ManagementFactory.getThreadMXBean();
      long start = threads.getCurrentThreadCpuTime();
      for (int i = 0; i < times; i++) {
        attach(count);
        detach(count);
      }
      return (threads.getCurrentThreadCpuTime() - start) / ((double) count * times);
    }

    void attach(int count) {
      for (int pasid = 1; pasid <= count; pasid++) {
        if (!(attachments.attach(new Pasid(pasid), pageTable) instanceof AttachOutcome.Attached)) {
          throw new IllegalStateException("PASID " + pasid + " is not attached");
        }
      }
    }

    private void detach(int count) {
      for (int pasid = 1; pasid <= count; pasid++) {
        if (!(attachments.detach(new Pasid(pasid)) instanceof DetachOutcome.Detached)) {
          throw new IllegalStateException("PASID " + pasid + " is not detached");
        }
      }
    }

    @Override
    public void close() {
      attachments.close();
      device.close();
      iommufd.close();
    }
  }
}
