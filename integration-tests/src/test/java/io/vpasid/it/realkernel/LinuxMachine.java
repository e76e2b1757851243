package io.vpasid.it.realkernel;

import io.vpasid.guest.scenario.FunctionMachine;
import io.vpasid.guest.scenario.ImpossibleException;
import io.vpasid.guest.scenario.Setup;
import io.vpasid.pci.PciAddress;
import io.vpasid.pci.dump.SysfsDevice;
import io.vpasid.vmm.PassthroughFunction;
import io.vpasid.vmm.iommufd.BackendOptions;
import io.vpasid.vmm.iommufd.IommufdBackend;
import io.vpasid.vmm.iommufd.Pasid;
import io.vpasid.vmm.iommufd.kernel.KernelProvider;
import io.vpasid.vmm.iommufd.simulated.Request;
import io.vpasid.vmm.linux.Errno;
import java.util.HashMap;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/// What a scenario's guest has where the host is the Linux that this runs in: the function of the
/// scenario, which has to be one of this machine's, behind a real iommufd.
///
/// What the host has attached, the tables of its IOMMU say.
final class LinuxMachine extends FunctionMachine {
  private final IommuTables tables;

  /// Names of address spaces, by the address of their page table, which is learnt when a PASID is
  /// attached to one for the first time.
  private final Map<String, String> namesInTables = new HashMap<>();

  private LinuxMachine(IommufdBackend iommufd, PassthroughFunction function) {
    super(iommufd, function);
    tables = new IommuTables(function.address());
    function.device().attach(space("the function itself"));
  }

  /// @param guest which guest of the scenario it is for; only the first has a function
  /// @throws ImpossibleException if this machine is not such a host, or has no such function
  static LinuxMachine open(Setup setup, int guest) {
    if (guest > 0) {
      throw new ImpossibleException(
          "there is one such function, and guest " + guest + " wants one");
    }
    if (!ScenarioFunctions.isHostOf(setup)) {
      throw new ImpossibleException(
          "the host has an Intel IOMMU and Linux 7.3, not "
              + setup.iommu().vendor()
              + " and Linux "
              + setup.kernel());
    }
    IommufdBackend iommufd = new KernelProvider().open(BackendOptions.DEFAULTS);
    try {
      return new LinuxMachine(iommufd, function(iommufd, setup));
    } catch (RuntimeException e) {
      iommufd.close();
      throw e;
    }
  }

  /// Opens the function of this machine that plays the scenario's: it has the same id, and the host
  /// reports the same of it.
  private static PassthroughFunction function(IommufdBackend iommufd, Setup setup) {
    for (PciAddress address : SysfsDevice.list()) {
      SysfsDevice device = SysfsDevice.of(address);
      if (device.driver().filter("vfio-pci"::equals).isPresent()
          && device.function().id().equals(setup.function().captured().id())) {
        PassthroughFunction opened = PassthroughFunction.open(iommufd, address, setup.options());
        if (opened.hardware().equals(setup.hardware())) {
          return opened;
        }
        opened.close();
      }
    }
    throw new ImpossibleException(
        "the machine has no "
            + setup.function().captured().id()
            + " of which IOMMU_GET_HW_INFO reports "
            + setup.hardware());
  }

  @Override
  public Answer attach(Pasid pasid, String space) {
    Answer answer = super.attach(pasid, space);
    if (answer.isDone() && !namesInTables.containsValue(space)) {
      tables.pageTable(pasid.value()).ifPresent(table -> namesInTables.putIfAbsent(table, space));
    }
    return answer;
  }

  @Override
  public SortedMap<Integer, String> attachedOnHost() {
    SortedMap<Integer, String> attached = new TreeMap<>();
    for (int pasid : tables.pasids()) {
      String table = tables.pageTable(pasid).orElse("none");
      attached.put(pasid, namesInTables.getOrDefault(table, "page table at " + table));
    }
    return attached;
  }

  @Override
  public void fail(Request request, Errno errno, boolean every) {
    throw new ImpossibleException("the kernel is a real one, and does not fail on demand");
  }

  @Override
  public boolean failNth(int number, Errno errno) {
    throw new ImpossibleException("the kernel is a real one, and does not fail on demand");
  }
}
