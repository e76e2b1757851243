package io.vpasid.it.benchmark;

import io.vpasid.pci.PciAddress;
import io.vpasid.vmm.iommufd.BoundDevice;
import io.vpasid.vmm.iommufd.HwptFlag;
import io.vpasid.vmm.iommufd.HwptId;
import io.vpasid.vmm.iommufd.HwptRequest;
import io.vpasid.vmm.iommufd.IommufdBackend;
import io.vpasid.vmm.iommufd.PageTableId;
import io.vpasid.vmm.iommufd.Pasid;
import io.vpasid.vmm.iommufd.simulated.SimulatedDevice;
import io.vpasid.vmm.iommufd.simulated.SimulatedHost;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/// Attaching and detaching a PASID on the simulated iommufd, one PASID after the other of a
/// function that has 2^20: at least 1,000,000 pairs per second on one core.
@State(Scope.Benchmark)
@BenchmarkMode(Mode.Throughput)
public class SimulatedAttachBenchmark {
  private static final PciAddress ADDRESS = new PciAddress(0, 0x6a, 1, 0);
  private static final int WIDTH = 20;

  private final IommufdBackend iommufd =
      SimulatedHost.builder().device(SimulatedDevice.at(ADDRESS).pasidWidth(WIDTH)).build().open();
  private final BoundDevice device = iommufd.bind(ADDRESS);
  private final HwptId hwpt =
      iommufd.hwptAlloc(HwptRequest.paging(device.id(), iommufd.ioasAlloc()).with(HwptFlag.PASID));
  private int pasid;

  /// Attaches the function itself.
  @Setup
  public void attach() {
    device.attach(hwpt);
  }

  /// Gives it back.
  @TearDown
  public void close() {
    device.close();
    iommufd.close();
  }

  /// One pair.
  @Benchmark
  public PageTableId attachAndDetach() {
    pasid = pasid % ((1 << WIDTH) - 1) + 1;
    Pasid next = new Pasid(pasid);
    PageTableId attached = device.attachPasid(next, hwpt);
    device.detachPasid(next);
    return attached;
  }
}
