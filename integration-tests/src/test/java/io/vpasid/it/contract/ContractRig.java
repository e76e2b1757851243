package io.vpasid.it.contract;

import io.vpasid.pci.PciAddress;
import io.vpasid.vmm.iommufd.BoundDevice;
import io.vpasid.vmm.iommufd.HwptData;
import io.vpasid.vmm.iommufd.HwptId;
import io.vpasid.vmm.iommufd.IommufdBackend;
import io.vpasid.vmm.iommufd.IovaRanges;
import io.vpasid.vmm.iommufd.Pasid;
import io.vpasid.vmm.iommufd.simulated.KernelVersion;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;

/// A machine on which [IommufdContract] runs: the simulator, or a kernel with its devices.
///
/// What a machine does not have is empty, and the tests that need it are skipped with the reason.
abstract class ContractRig implements AutoCloseable {

  /// What this machine is, for the reasons of skipped tests.
  abstract String name();

  /// The release of Linux that it is, or simulates.
  abstract KernelVersion release();

  /// Why this machine cannot show what a test asks, by the name of the test; empty for most.
  Optional<String> cannot(String test) {
    return Optional.empty();
  }

  /// Opens a new context.
  abstract IommufdBackend open();

  /// A function with PASIDs in a group of its own, bound by nobody.
  abstract PciAddress device();

  /// Bits of its PASIDs, at least 12.
  abstract int width();

  /// What can be nested on a nest parent of [#device]; empty if nothing can.
  Optional<HwptData> nestedData() {
    return Optional.empty();
  }

  /// Whether page tables of [#device] can track dirty pages.
  boolean tracksDirtyPages() {
    return false;
  }

  /// IOVAs that [#device] reserves; empty if none.
  List<IovaRanges.Range> reserved() {
    return List.of();
  }

  /// Smallest IO page of [#device] in bytes.
  abstract long pageSize();

  /// A function whose PASID limit is 1, which leaves it none.
  Optional<PciAddress> deviceWithLimitOne() {
    return Optional.empty();
  }

  /// A function without any PASIDs (`max_pasids` 0).
  Optional<PciAddress> deviceWithoutPasids() {
    return Optional.empty();
  }

  /// A function whose driver takes no requests for PASIDs.
  Optional<PciAddress> deviceOfOtherDriver() {
    return Optional.empty();
  }

  /// A function that cannot track dirty pages.
  Optional<PciAddress> deviceWithoutDirtyTracking() {
    return Optional.empty();
  }

  /// A virtual function whose physical function has page requests.
  Optional<PciAddress> virtualFunctionWithPageRequests() {
    return Optional.empty();
  }

  /// Two functions of one group, with PASIDs.
  Optional<Pair> pair() {
    return Optional.empty();
  }

  /// The PASID whose replacement the IOMMU driver fails with ENOMEM.
  Optional<Pasid> pasidThatCannotBeReplaced() {
    return Optional.empty();
  }

  /// Type of the virtual IOMMUs that [#device]'s IOMMU has.
  Optional<Integer> viommuType() {
    return Optional.empty();
  }

  /// A type of GET_HW_INFO that [#device]'s IOMMU does not have.
  abstract int foreignHwInfoType();

  /// Opens the VFIO group file of a function.
  Optional<AutoCloseable> openGroup(PciAddress function) {
    return Optional.empty();
  }

  /// Resets that last as long as a test wants.
  Optional<LongResets> longResets() {
    return Optional.empty();
  }

  /// How [#device] is made to send page requests.
  Optional<PageRequests> pageRequests() {
    return Optional.empty();
  }

  /// What a PASID of a function (0: the function itself) is attached to, as the machine knows it;
  /// empty where nobody can look.
  Optional<Attached> look(BoundDevice device, Pasid pasid) {
    return Optional.empty();
  }

  /// Whether a PASID of a function (0: the function itself) is attached to anything, as the machine
  /// knows it; empty where nobody can look.
  Optional<Boolean> isAttached(BoundDevice device, Pasid pasid) {
    return look(device, pasid).map(seen -> seen.to().isPresent());
  }

  /// An open file that is no memfd.
  Optional<Integer> ordinaryFile() {
    return Optional.empty();
  }

  /// An open memfd of at least 64 KiB.
  Optional<Integer> memfd() {
    return Optional.empty();
  }

  /// Makes a request while an allocation of the kernel fails.
  ///
  /// @param number 1 for the first allocation of the request
  Optional<Failing> failAllocation(int number, Runnable request) {
    return Optional.empty();
  }

  /// Lets the answer to the next attach be impossible to write to the caller's memory; false if
  /// nobody can.
  boolean failNextAnswer() {
    return false;
  }

  @Override
  public void close() {}

  /// What became of a request while an allocation was to fail.
  enum Failing {
    /// The request was refused for want of memory.
    REFUSED,
    /// The kernel could do without that allocation.
    DONE_ALL_THE_SAME,
    /// The request was done with fewer allocations.
    NOT_REACHED
  }

  /// Resets that last as long as a test wants.
  ///
  /// @param device a function with PASIDs
  /// @param begin begins a reset of it, which ends when the result is closed
  record LongResets(PciAddress device, Callable<AutoCloseable> begin) {}

  /// Page requests of functions.
  interface PageRequests {
    /// Lets a function send one that is a group of its own.
    void send(BoundDevice device, Pasid pasid, int group, long address);
  }

  /// Two functions of one group.
  ///
  /// @param first one
  /// @param second the other
  record Pair(PciAddress first, PciAddress second) {}

  /// What somebody saw.
  ///
  /// @param to what it is attached to; empty if to nothing
  record Attached(Optional<HwptId> to) {}
}
