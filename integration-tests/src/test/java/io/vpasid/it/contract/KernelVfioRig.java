package io.vpasid.it.contract;

import io.vpasid.it.realkernel.HeldReset;
import io.vpasid.it.realkernel.IommuTables;
import io.vpasid.pci.PciAddress;
import io.vpasid.vmm.iommufd.BoundDevice;
import io.vpasid.vmm.iommufd.IovaRanges;
import io.vpasid.vmm.iommufd.Pasid;
import io.vpasid.vmm.linux.calls.OwnedFd;
import io.vpasid.vmm.linux.calls.SystemCalls;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/// The running kernel with functions that VFIO has, behind an emulated VT-d in scalable mode that
/// neither nests nor tracks dirty pages.
class KernelVfioRig extends KernelRig {
  private static final PciAddress DEVICE = new PciAddress(0, 0, 4, 0);
  private static final PciAddress WITHOUT_PASIDS = new PciAddress(0, 0, 5, 0);
  private static final Pair PAIR = new Pair(new PciAddress(0, 0, 6, 0), new PciAddress(0, 0, 6, 1));
  private static final PciAddress OTHER_DRIVER = new PciAddress(0, 0, 7, 0);

  /// Message signalled interrupts, on every PC.
  private static final IovaRanges.Range INTERRUPTS = new IovaRanges.Range(0xfee00000L, 0xfeefffffL);

  private static final Map<String, String> CANNOT =
      Map.of(
          "pageTableWithFaultsIsRefusedForAVirtualFunction",
          "QEMU hides the SR-IOV of functions that it is served, and its own with SR-IOV have no"
              + " page requests");

  KernelVfioRig() {
    this("VFIO on Linux");
  }

  KernelVfioRig(String name) {
    super(name, CANNOT);
  }

  @Override
  final PciAddress device() {
    return DEVICE;
  }

  @Override
  final List<IovaRanges.Range> reserved() {
    return List.of(INTERRUPTS);
  }

  @Override
  final long pageSize() {
    return 4096;
  }

  @Override
  final Optional<PciAddress> deviceWithoutPasids() {
    return Optional.of(WITHOUT_PASIDS);
  }

  @Override
  final Optional<PciAddress> deviceOfOtherDriver() {
    return Optional.of(OTHER_DRIVER);
  }

  @Override
  final Optional<Pair> pair() {
    return Optional.of(PAIR);
  }

  @Override
  final Optional<LongResets> longResets() {
    return Optional.of(new LongResets(HeldReset.FUNCTION, HeldReset::begin));
  }

  @Override
  final Optional<AutoCloseable> openGroup(PciAddress function) {
    try {
      Path group =
          Files.readSymbolicLink(
              Path.of("/sys/bus/pci/devices", function.toString(), "iommu_group"));
      return Optional.of(
          OwnedFd.open(
              SystemCalls.ofThisProcess(),
              Path.of("/dev/vfio").resolve(Objects.requireNonNull(group.getFileName()))));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// The kernel's VT-d driver has a folder for each PASID in its tables, but none of the function's
  /// own that tells whether it is attached.
  @Override
  Optional<Boolean> isAttached(BoundDevice device, Pasid pasid) {
    return pasid.value() == 0
        ? Optional.empty()
        : Optional.of(new IommuTables(device.address()).pageTable(pasid.value()).isPresent());
  }
}
