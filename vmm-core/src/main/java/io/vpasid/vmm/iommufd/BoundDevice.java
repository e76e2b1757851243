package io.vpasid.vmm.iommufd;

import io.vpasid.pci.PciAddress;
import io.vpasid.pci.emulation.DeviceConfig;
import io.vpasid.vmm.vfio.DeviceHardware;
import io.vpasid.vmm.vfio.DeviceInfo;
import java.util.Optional;

/// A function that is bound to an iommufd context: an open `/dev/vfio/devices/vfioN`.
///
/// Safe to use from several threads. A refused request throws [IommufdException] and has changed
/// nothing, unless it says so. After [#close] every method that makes a request fails with EBADF.
///
/// There are traps which a caller must know, because the kernel has them: a function for which
/// [#hwInfo] reports no PASIDs may accept every PASID and program nothing; PASID 0 is the
/// function's own attachment; and both the function's own page table and a PASID's must have been
/// made with [HwptFlag#PASID].
public interface BoundDevice extends AutoCloseable {

  /// Where the function sits on the host.
  PciAddress address();

  /// The device's id in the context.
  DeviceId id();

  /// The IOMMU's report on the device (IOMMU_GET_HW_INFO). It is the context that is asked, so its
  /// file must be open still. The width is 0 where the kernel tells one but has no requests to
  /// attach a PASID, as some of the 6.12 series.
  ///
  /// @throws IommufdException EOPNOTSUPP it has no IOMMU
  HwInfo hwInfo();

  /// VFIO's description of the device (VFIO_DEVICE_GET_INFO).
  DeviceInfo info();

  /// The configuration space as VFIO shows it (region 7).
  DeviceConfig config();

  /// Its regions and interrupts; empty for a function that has none to offer, such as a simulated
  /// one.
  default Optional<DeviceHardware> hardware() {
    return Optional.empty();
  }

  /// Attaches the function itself, or moves it to another page table
  /// (VFIO_DEVICE_ATTACH_IOMMUFD_PT).
  ///
  /// @return what it is attached to: the page table that the kernel chose or made, for an IOAS
  /// @throws IommufdException EINVAL; ENOENT no such page table; EADDRINUSE its mappings collide
  ///   with regions reserved by the device; EINVAL a PASID is attached and the page table was made
  ///   without [HwptFlag#PASID]; EBUSY a reset is going on, or PASID 0 is attached; EFAULT, ENOMEM
  ///   memory mapped earlier cannot be pinned
  PageTableId attach(PageTableId pageTable);

  /// Detaches the function itself and blocks its DMA without PASID (VFIO_DEVICE_DETACH_IOMMUFD_PT).
  /// Succeeds when it is not attached. PASIDs stay attached.
  void detach();

  /// Attaches a PASID, or moves it to another page table (VFIO_DEVICE_ATTACH_IOMMUFD_PT with
  /// VFIO_DEVICE_ATTACH_PASID).
  ///
  /// @param pasid any number, as it goes to the kernel
  /// @return what the PASID is attached to, as the kernel wrote it back
  /// @throws IommufdException EOPNOTSUPP the driver has no PASIDs; ENOSPC a PASID of 2^31 or more;
  ///   ENOENT no such page table; EINVAL it is an IOAS; EINVAL the group has the PASID on another
  ///   page table, or the page table or the function's own was made without [HwptFlag#PASID];
  ///   EOPNOTSUPP the IOMMU attaches no PASIDs to it; EBUSY a reset is going on; EINVAL the PASID
  ///   is beyond the limit; or the IOMMU driver's error
  PageTableId attachPasid(Pasid pasid, PageTableId pageTable);

  /// Detaches a PASID (VFIO_DEVICE_DETACH_IOMMUFD_PT with VFIO_DEVICE_DETACH_PASID). Succeeds when
  /// it is not attached or no PASID at all.
  ///
  /// @throws IommufdException EOPNOTSUPP the driver has no PASIDs
  void detachPasid(Pasid pasid);

  /// Resets the function (VFIO_DEVICE_RESET). What is attached stays attached.
  ///
  /// @throws IommufdException EINVAL, ENOTTY it cannot be reset; EAGAIN try again
  void reset();

  /// Unbinds and closes: the function stops DMA and is reset if it can be, its PASIDs are detached
  /// in ascending order, then the function itself, and the device object is gone. Cannot fail;
  /// closing again does nothing.
  @Override
  void close();
}
