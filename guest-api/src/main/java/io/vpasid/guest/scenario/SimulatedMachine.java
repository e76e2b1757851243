package io.vpasid.guest.scenario;

import io.vpasid.guest.host.BarPages;
import io.vpasid.guest.host.EmulatedBacking;
import io.vpasid.pci.PciAddress;
import io.vpasid.vmm.iommufd.Pasid;
import io.vpasid.vmm.iommufd.simulated.Request;
import io.vpasid.vmm.iommufd.simulated.SimulatedHost;
import io.vpasid.vmm.linux.Errno;
import java.util.SortedMap;
import java.util.TreeMap;

/// A machine in this process: a function that is passed through from a simulated host.
public final class SimulatedMachine extends FunctionMachine {
  private final SimulatedHost host;
  private final PciAddress address;
  private boolean planned;

  private SimulatedMachine(EmulatedBacking backing) {
    super(backing.iommufd(), backing.function());
    host = backing.host();
    address = backing.captured().address();
  }

  /// @param index which guest of the scenario it is for, from 0; each has a function of its own
  static SimulatedMachine open(Setup setup, int index) {
    PciAddress captured = setup.function().address();
    PciAddress address =
        new PciAddress(
            captured.domain() + index, captured.bus(), captured.device(), captured.function());
    return new SimulatedMachine(
        EmulatedBacking.alone(
            SimulatedHost.builder().iommu(setup.iommu()).kernel(setup.kernel()).build(),
            setup.function().movedTo(address),
            setup.hardware(),
            setup.options(),
            BarPages.ofOneFunction()));
  }

  @Override
  public SortedMap<Integer, String> attachedOnHost() {
    SortedMap<Integer, String> attached = new TreeMap<>();
    for (Pasid pasid : host.attachedPasids(address)) {
      attached.put(
          pasid.value(), host.attachment(address, pasid).map(this::nameOf).orElse("nothing"));
    }
    return attached;
  }

  @Override
  public void fail(Request request, Errno errno, boolean every) {
    if (every) {
      host.failures().failEvery(request, errno);
    } else {
      host.failures().failNext(request, errno);
    }
  }

  @Override
  public boolean failNth(int number, Errno errno) {
    boolean failed = planned && host.failures().callsPlanned() == 0;
    host.failures().clear();
    planned = number > 0;
    if (planned) {
      host.failures().failCall(number, errno);
    }
    return failed;
  }
}
