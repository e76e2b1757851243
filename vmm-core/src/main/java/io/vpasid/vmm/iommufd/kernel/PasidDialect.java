package io.vpasid.vmm.iommufd.kernel;

import io.vpasid.vmm.iommufd.HwptId;
import io.vpasid.vmm.iommufd.PageTableId;
import io.vpasid.vmm.iommufd.Pasid;
import io.vpasid.vmm.linux.Errno;
import io.vpasid.vmm.linux.calls.CallFrame;
import io.vpasid.vmm.linux.calls.OwnedFd;
import io.vpasid.vmm.linux.calls.VfioUapi;
import io.vpasid.vmm.linux.calls.VfioUapi.AttachPt;
import io.vpasid.vmm.linux.calls.VfioUapi.DetachPt;
import io.vpasid.vmm.linux.calls.VfioUapi.PasidAttachPt;
import io.vpasid.vmm.linux.calls.VfioUapi.PasidDetachPt;

/// Form in which a kernel takes requests for PASIDs.
///
/// The two have structures of the same size with the page table and the PASID in opposite order, so
/// the wrong one would attach something else. Which it is, the kernel says itself ([#ask]).
enum PasidDialect {
  /// Linux 6.15 and newer: the requests for the function itself, with a flag.
  MAINLINE,

  /// Kernels before 6.15 with the patches of September 2024: requests of their own. The id of the
  /// page table is not written back, so that of an IOAS stays unknown; and one version of these
  /// patches answers with success to an attach that failed.
  SEPTEMBER_2024 {
    @Override
    int attach(OwnedFd device, Pasid pasid, PageTableId pageTable) {
      CallFrame frame =
          PasidAttachPt.REQUEST
              .frame()
              .set(PasidAttachPt.PASID, pasid.value())
              .set(PasidAttachPt.PT_ID, pageTable.value());
      int result = device.ioctl(PasidAttachPt.REQUEST, frame);
      return result < 0 ? result : pageTable.value();
    }

    @Override
    int detach(OwnedFd device, Pasid pasid) {
      CallFrame frame = PasidDetachPt.REQUEST.frame().set(PasidDetachPt.PASID, pasid.value());
      return device.ioctl(PasidDetachPt.REQUEST, frame);
    }

    @Override
    String attachRequest() {
      return PasidAttachPt.REQUEST.name();
    }

    @Override
    String detachRequest() {
      return PasidDetachPt.REQUEST.name();
    }
  },

  /// Kernels before 6.15 without patches: they attach no PASIDs, and say so in the words of
  /// mainline.
  NONE;

  private static final Pasid ANY = new Pasid(1);

  /// Asks the kernel by detaching a PASID that is not attached, which changes nothing: mainline
  /// knows the flag and answers with success or, for a driver without PASIDs, EOPNOTSUPP; older
  /// kernels do not know it, EINVAL, and those without the patches know no such request either,
  /// ENOTTY.
  ///
  /// @param device a device that is bound and has nothing attached
  static PasidDialect ask(OwnedFd device) {
    if (MAINLINE.detach(device, ANY) != -Errno.EINVAL.number()) {
      return MAINLINE;
    }
    int answer = SEPTEMBER_2024.detach(device, ANY);
    return answer == 0 || answer == -Errno.EOPNOTSUPP.number() ? SEPTEMBER_2024 : NONE;
  }

  /// Attaches a PASID or moves it.
  ///
  /// @return the number of what it is attached to, or a negated errno
  int attach(OwnedFd device, Pasid pasid, PageTableId pageTable) {
    CallFrame frame =
        AttachPt.REQUEST
            .frame()
            .set(AttachPt.FLAGS, VfioUapi.FLAG_PASID)
            .set(AttachPt.PT_ID, pageTable.value())
            .set(AttachPt.PASID, pasid.value());
    int result = device.ioctl(AttachPt.REQUEST, frame);
    return result < 0 ? result : frame.getInt(AttachPt.PT_ID);
  }

  /// Detaches a PASID.
  ///
  /// @return 0 or a negated errno
  int detach(OwnedFd device, Pasid pasid) {
    CallFrame frame =
        DetachPt.REQUEST
            .frame()
            .set(DetachPt.FLAGS, VfioUapi.FLAG_PASID)
            .set(DetachPt.PASID, pasid.value());
    return device.ioctl(DetachPt.REQUEST, frame);
  }

  /// The request's name, for messages.
  String attachRequest() {
    return AttachPt.REQUEST.name();
  }

  /// The request's name, for messages.
  String detachRequest() {
    return DetachPt.REQUEST.name();
  }

  /// The page table behind the number that the kernel named, when it was asked for `asked`.
  static PageTableId chosen(PageTableId asked, int number) {
    return number == asked.value() ? asked : new HwptId(number);
  }
}
