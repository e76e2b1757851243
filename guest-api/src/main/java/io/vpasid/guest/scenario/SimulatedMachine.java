package io.vpasid.guest.scenario;

import io.vpasid.guest.emulator.IommuPort;
import io.vpasid.guest.host.BarPages;
import io.vpasid.guest.host.EmulatedBacking;
import io.vpasid.pci.PciAddress;
import io.vpasid.vmm.iommufd.Pasid;
import io.vpasid.vmm.iommufd.simulated.Request;
import io.vpasid.vmm.iommufd.simulated.SimulatedHost;
import io.vpasid.vmm.linux.Errno;
import io.vpasid.vmm.linux.calls.SystemCalls;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.SortedMap;
import java.util.TreeMap;

/// A machine in this process: a function that is passed through from a simulated host.
final class SimulatedMachine extends FunctionMachine {
  private final EmulatedBacking backing;
  private final SimulatedHost host;
  private final PciAddress address;
  private final Optional<SimulatedIommu> iommu;
  private boolean planned;

  private SimulatedMachine(EmulatedBacking backing, Optional<SimulatedIommu> iommu) {
    super(backing.iommufd(), backing.function());
    this.backing = backing;
    host = backing.host();
    address = backing.captured().address();
    this.iommu = iommu;
  }

  /// @param index which guest of the scenario it is for, from 0; each has a function of its own
  static SimulatedMachine open(Setup setup, int index) {
    PciAddress captured = setup.function().address();
    PciAddress address =
        new PciAddress(
            captured.domain() + index, captured.bus(), captured.device(), captured.function());
    Optional<String> obstacle = SystemCalls.obstacle();
    if (setup.virtualIommu().isPresent() && obstacle.isPresent()) {
      throw new ImpossibleException("a guest with an IOMMU has no memory: " + obstacle.get());
    }
    EmulatedBacking backing =
        EmulatedBacking.alone(
            SimulatedHost.builder().iommu(setup.iommu()).kernel(setup.kernel()).build(),
            setup.function().movedTo(address),
            setup.hardware(),
            setup.options(),
            BarPages.ofOneFunction());
    try {
      return new SimulatedMachine(
          backing, setup.virtualIommu().map(mode -> SimulatedIommu.open(backing, mode)));
    } catch (IllegalArgumentException e) {
      backing.close();
      throw new MachineException(String.valueOf(e.getMessage()), e);
    }
  }

  @Override
  public Optional<IommuPort> iommu() {
    return iommu.map(port -> port);
  }

  @Override
  public OptionalInt objectsOnHost() {
    return OptionalInt.of(backing.objectsInKernel());
  }

  @Override
  public OptionalLong mappedOnHost(Pasid pasid) {
    return iommu.map(its -> its.mapped(pasid)).orElse(OptionalLong.empty());
  }

  @Override
  public void unplug() {
    iommu.ifPresent(SimulatedIommu::release);
    super.unplug();
  }

  @Override
  public void close() {
    iommu.ifPresent(SimulatedIommu::close);
    super.close();
  }

  @Override
  public SortedMap<Integer, String> attachedOnHost() {
    if (iommu.isPresent()) {
      return iommu.get().attached();
    }
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
