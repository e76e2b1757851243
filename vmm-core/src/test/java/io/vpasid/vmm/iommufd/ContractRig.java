package io.vpasid.vmm.iommufd;

import io.vpasid.pci.PciAddress;
import java.util.List;
import java.util.Optional;

/// A machine on which [IommufdContract] runs: the simulator, or a kernel with its devices.
///
/// What a machine does not have is empty, and the tests that need it are skipped with the reason.
public abstract class ContractRig implements AutoCloseable {

  /// A machine that has nothing but [#device].
  protected ContractRig() {}

  /// What this machine is, for the reasons of skipped tests.
  public abstract String name();

  /// Opens a new context.
  public abstract IommufdBackend open();

  /// A function with PASIDs in a group of its own, bound by nobody.
  public abstract PciAddress device();

  /// Bits of its PASIDs, at least 12.
  public abstract int width();

  /// What can be nested on a nest parent of [#device]; empty if nothing can.
  public Optional<HwptData> nestedData() {
    return Optional.empty();
  }

  /// Whether page tables of [#device] can track dirty pages.
  public boolean tracksDirtyPages() {
    return false;
  }

  /// IOVAs that [#device] reserves; empty if none.
  public List<IovaRanges.Range> reserved() {
    return List.of();
  }

  /// Smallest IO page of [#device] in bytes.
  public abstract long pageSize();

  /// A function whose PASID limit is 1, which leaves it none.
  public Optional<PciAddress> deviceWithLimitOne() {
    return Optional.empty();
  }

  /// A function without any PASIDs (`max_pasids` 0).
  public Optional<PciAddress> deviceWithoutPasids() {
    return Optional.empty();
  }

  /// A function whose driver takes no requests for PASIDs.
  public Optional<PciAddress> deviceOfOtherDriver() {
    return Optional.empty();
  }

  /// A function that cannot track dirty pages.
  public Optional<PciAddress> deviceWithoutDirtyTracking() {
    return Optional.empty();
  }

  /// A virtual function whose physical function has page requests.
  public Optional<PciAddress> virtualFunctionWithPageRequests() {
    return Optional.empty();
  }

  /// Two functions of one group, with PASIDs.
  public Optional<Pair> pair() {
    return Optional.empty();
  }

  /// The PASID whose replacement the IOMMU driver fails with ENOMEM.
  public Optional<Pasid> pasidThatCannotBeReplaced() {
    return Optional.empty();
  }

  /// Type of the virtual IOMMUs that [#device]'s IOMMU has.
  public Optional<Integer> viommuType() {
    return Optional.empty();
  }

  /// A type of GET_HW_INFO that [#device]'s IOMMU does not have.
  public abstract int foreignHwInfoType();

  /// Opens the VFIO group file of a function.
  public Optional<AutoCloseable> openGroup(PciAddress function) {
    return Optional.empty();
  }

  /// Begins a reset of a function, which ends when the result is closed.
  public Optional<AutoCloseable> beginReset(PciAddress function) {
    return Optional.empty();
  }

  /// Lets a function send a page request that is a group of its own; false if none can.
  public boolean request(BoundDevice device, Pasid pasid, int group, long address) {
    return false;
  }

  /// What a PASID of a function (0: the function itself) is attached to, as the machine knows it;
  /// empty where nobody can look.
  public Optional<Attached> look(BoundDevice device, Pasid pasid) {
    return Optional.empty();
  }

  /// An open file that is no memfd.
  public Optional<Integer> ordinaryFile() {
    return Optional.empty();
  }

  /// An open memfd of at least 64 KiB.
  public Optional<Integer> memfd() {
    return Optional.empty();
  }

  @Override
  public void close() {}

  /// Two functions of one group.
  ///
  /// @param first one
  /// @param second the other
  public record Pair(PciAddress first, PciAddress second) {}

  /// What somebody saw.
  ///
  /// @param to what it is attached to; empty if to nothing
  public record Attached(Optional<HwptId> to) {}
}
