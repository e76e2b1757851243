package io.vpasid.vmm.frontend.nested;

import io.vpasid.vmm.PassthroughFunction;
import io.vpasid.vmm.frontend.vtd.Requester;
import io.vpasid.vmm.frontend.vtd.Translation;
import io.vpasid.vmm.iommufd.HwptId;
import io.vpasid.vmm.iommufd.IommufdException;
import io.vpasid.vmm.iommufd.Pasid;
import io.vpasid.vmm.pasid.AttachOutcome;
import io.vpasid.vmm.pasid.DetachOutcome;
import io.vpasid.vmm.pasid.PasidLimits;
import io.vpasid.vmm.pasid.Refused;
import org.jspecify.annotations.Nullable;

/// One requester: the translation that the guest wants, and the page table that it is attached to.
final class RequesterState {
  final GuestFunction function;
  final Requester requester;
  private final Pasid pasid;

  /// The guest's entry.
  Translation wanted = Translation.Absent.ABSENT;

  /// The guest's context entry lets it ask for pages.
  boolean pageRequests;

  /// The page table that it is attached to, null if it is blocked.
  @Nullable Target attached;

  /// The entry was changed since the last wait point.
  boolean changed;

  RequesterState(GuestFunction function, Requester requester) {
    this.function = function;
    this.requester = requester;
    pasid = new Pasid(requester.pasid());
  }

  /// Its PASID, 0 for the function itself.
  int pasid() {
    return pasid.value();
  }

  /// Attaches it to a page table, instead of what it was attached to.
  ///
  /// @throws UnattachableException if a limit of the function or the kernel refuses
  /// @throws IommufdException if the kernel refuses the function itself
  void attach(HwptId pageTable) throws UnattachableException {
    PassthroughFunction hosts = function.function();
    switch (requester) {
      case Requester.Itself _ -> hosts.attach(pageTable);
      case Requester.WithPasid _ -> {
        // An IOMMU's entries do not depend on what the function has enabled: after a function-level
        // reset Linux writes them before it enables PASIDs again.
        AttachOutcome outcome =
            hosts.attachments().attach(pasid, pageTable, PasidLimits.WhenDisabled.ALLOW);
        if (outcome instanceof Refused refused) {
          throw new UnattachableException(refused.reason().errno(), refused.reason().text());
        }
      }
    }
  }

  /// Detaches it from whatever it is attached to.
  ///
  /// @throws IommufdException if it cannot be detached; it is attached still
  void detach() {
    PassthroughFunction hosts = function.function();
    switch (requester) {
      case Requester.Itself _ -> hosts.detach();
      case Requester.WithPasid _ -> {
        DetachOutcome outcome = hosts.detachPasid(pasid);
        if (outcome instanceof Refused refused) {
          throw new IommufdException(
              refused.reason().errno(), "VFIO_DEVICE_DETACH_IOMMUFD_PT", refused.text());
        }
      }
    }
  }
}
