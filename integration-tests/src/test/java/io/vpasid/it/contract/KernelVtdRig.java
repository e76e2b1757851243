package io.vpasid.it.contract;

import static org.assertj.core.api.Assertions.assertThat;

import io.vpasid.it.realkernel.HostAttachments;
import io.vpasid.it.realkernel.IommuTables;
import io.vpasid.pci.PciAddress;
import io.vpasid.vmm.iommufd.BoundDevice;
import io.vpasid.vmm.iommufd.Pasid;
import java.util.List;
import java.util.Optional;

/// The running kernel with functions that VFIO has, behind a VT-d unit of ours: what its driver has
/// in its tables, the simulated host behind the unit has attached, no more and no less.
final class KernelVtdRig extends KernelVfioRig {
  private final List<PciAddress> functions;

  KernelVtdRig() {
    super("VFIO behind our VT-d");
    functions =
        List.of(
            device(),
            pair().orElseThrow().first(),
            pair().orElseThrow().second(),
            deviceOfOtherDriver().orElseThrow(),
            longResets().orElseThrow().device());
  }

  @Override
  Optional<Boolean> isAttached(BoundDevice device, Pasid pasid) {
    PciAddress address = device.address();
    sameOnTheHost(address);
    Optional<Boolean> inTables = super.isAttached(device, pasid);
    inTables.ifPresent(is ->
        assertThat(HostAttachments.isAttached(address, pasid))
            .as("PASID %s of %s is attached on the host", pasid, address)
            .isEqualTo(is));
    return inTables;
  }

  /// After a row, nothing is left.
  @Override
  public void close() {
    super.close();
    for (PciAddress function : functions) {
      sameOnTheHost(function);
      assertThat(HostAttachments.count(function)).as("PASIDs of %s on the host", function).isZero();
    }
  }

  private static void sameOnTheHost(PciAddress function) {
    List<Integer> inTables = new IommuTables(function).pasids();
    assertThat(inTables)
        .as("PASIDs of %s that are in the tables, and not on the host", function)
        .allMatch(pasid -> HostAttachments.isAttached(function, new Pasid(pasid)));
    assertThat(HostAttachments.count(function))
        .as("PASIDs of %s on the host", function)
        .isEqualTo((int) inTables.stream().filter(pasid -> pasid != 0).count());
  }
}
