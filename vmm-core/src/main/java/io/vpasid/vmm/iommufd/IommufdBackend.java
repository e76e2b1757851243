package io.vpasid.vmm.iommufd;

import io.vpasid.pci.PciAddress;
import java.lang.foreign.MemorySegment;

/// One iommufd context: an open `/dev/iommu` with the objects made in it.
///
/// Safe to use from several threads. Objects are named by [ObjectId]s, which are numbers of this
/// context. A refused request throws [IommufdException] with the errno; the errnos at the methods
/// are those of Linux 7.3, in the order in which the kernel checks. After [#close] every method
/// here fails with EBADF.
public interface IommufdBackend extends AutoCloseable {

  /// Opens the VFIO device of a function and binds it to this context (VFIO_DEVICE_BIND_IOMMUFD).
  ///
  /// All DMA of the function is blocked until it is attached. Binding resets the function if it
  /// can.
  ///
  /// @throws IommufdException ENODEV there is no such VFIO device, or it has no IOMMU group; EBUSY
  ///   its group file is open; EACCES a VF token is needed; EINVAL it is open already; EPERM
  ///   another context or the kernel owns its group, or MSIs are not isolated; EBUSY, EAGAIN a
  ///   reset is going on
  BoundDevice bind(PciAddress address);

  /// The IOMMU's report on a device (IOMMU_GET_HW_INFO), in the format that the kernel prefers.
  ///
  /// @throws IommufdException ENOENT no such device; EOPNOTSUPP it has no IOMMU
  HwInfo hwInfo(DeviceId device);

  /// The IOMMU's report on a device, in one format (IOMMU_GET_HW_INFO with
  /// IOMMU_HW_INFO_FLAG_INPUT_TYPE).
  ///
  /// @param dataType the format, one of [HwInfoData]'s type numbers
  /// @throws IommufdException ENOENT no such device; EOPNOTSUPP it has no IOMMU, or not this format
  HwInfo hwInfo(DeviceId device, int dataType);

  /// Makes an empty I/O address space (IOMMU_IOAS_ALLOC).
  ///
  /// @throws IommufdException ENOMEM
  IoasId ioasAlloc();

  /// Maps memory where the kernel finds room (IOMMU_IOAS_MAP), never at IOVA 0.
  ///
  /// The memory is pinned when a page table is attached or made, and must stay until it is
  /// unmapped.
  ///
  /// @param memory the memory, off the Java heap
  /// @return the IOVA
  /// @throws IllegalArgumentException if the memory is on the Java heap
  /// @throws IommufdException EINVAL no access, length 0, or not aligned; ENOENT no such IOAS;
  ///   EOVERFLOW the memory wraps; ENOSPC no room; EFAULT, ENOMEM the memory cannot be pinned
  long map(IoasId ioas, MemorySegment memory, IovaAccess access);

  /// Maps memory at a given IOVA (IOMMU_IOAS_MAP with IOMMU_IOAS_MAP_FIXED_IOVA).
  ///
  /// @param iova the IOVA, 64 bits unsigned
  /// @param memory as in [#map]
  /// @throws IllegalArgumentException if the memory is on the Java heap
  /// @throws IommufdException as in [#map]; EOVERFLOW also if the IOVA is all ones or wraps; EINVAL
  ///   it is misaligned or reserved; EEXIST it overlaps a mapping
  void mapAt(IoasId ioas, long iova, MemorySegment memory, IovaAccess access);

  /// Maps a part of a file where the kernel finds room (IOMMU_IOAS_MAP_FILE).
  ///
  /// @param fd descriptor of a memfd or dma-buf in this process
  /// @param start first byte of the file
  /// @param length number of bytes
  /// @return the IOVA
  /// @throws IommufdException as in [#map]; EBADF no such descriptor; EINVAL, when pages are
  ///   pinned, the file is of another kind
  long mapFile(IoasId ioas, int fd, long start, long length, IovaAccess access);

  /// Maps a part of a file at a given IOVA (IOMMU_IOAS_MAP_FILE with IOMMU_IOAS_MAP_FIXED_IOVA).
  ///
  /// @throws IommufdException as in [#mapFile] and [#mapAt]
  void mapFileAt(IoasId ioas, long iova, int fd, long start, long length, IovaAccess access);

  /// Removes the mappings in a range (IOMMU_IOAS_UNMAP); mappings are removed whole.
  ///
  /// IOVA 0 with length all ones removes everything and also succeeds when there is nothing.
  ///
  /// @return number of bytes that were mapped
  /// @throws IommufdException ENOENT no such IOAS, nothing mapped, or the range cuts a mapping;
  ///   EOVERFLOW the range wraps or is all ones; EINVAL length 0
  long unmap(IoasId ioas, long iova, long length);

  /// Removes every mapping.
  ///
  /// @return number of bytes that were mapped
  /// @throws IommufdException ENOENT no such IOAS
  default long unmapAll(IoasId ioas) {
    return unmap(ioas, 0, -1);
  }

  /// The IOVAs that may be mapped, and their alignment (IOMMU_IOAS_IOVA_RANGES).
  ///
  /// @throws IommufdException ENOENT no such IOAS
  IovaRanges iovaRanges(IoasId ioas);

  /// Makes a hardware page table (IOMMU_HWPT_ALLOC).
  ///
  /// @throws IommufdException EINVAL typed data of length 0; ENOENT no such device; EINVAL no such
  ///   parent or no kind to be one; EOPNOTSUPP flags or data that the IOMMU or this kind of page
  ///   table does not have; EADDRINUSE, EFAULT, ENOMEM the parent's mappings do not go into it;
  ///   ENOENT no such fault queue
  HwptId hwptAlloc(HwptRequest request);

  /// Invalidates what the hardware has cached of a nested page table (IOMMU_HWPT_INVALIDATE).
  ///
  /// @param target a nested page table or a virtual IOMMU
  /// @return number of entries handled: all
  /// @throws IommufdException EINVAL too many entries or too long ones; ENOENT no such object;
  ///   EINVAL no kind to be invalidated; EOPNOTSUPP the IOMMU has no such request, or a reserved
  ///   bit is set; EINVAL a bad entry. [IommufdException#completed] says how many were handled
  ///   before it
  int invalidate(HwptParentId target, Invalidation invalidation);

  /// Switches dirty tracking of a paging page table on or off (IOMMU_HWPT_SET_DIRTY_TRACKING).
  ///
  /// @throws IommufdException ENOENT no such paging page table; EOPNOTSUPP it was not made for it
  void dirtyTracking(HwptId hwpt, boolean enabled);

  /// Makes a virtual IOMMU (IOMMU_VIOMMU_ALLOC).
  ///
  /// @param type 1 Arm SMMUv3, 2 Tegra241 CMDQV
  /// @throws IommufdException EOPNOTSUPP type 0; ENOENT no such device; EOPNOTSUPP its IOMMU has no
  ///   such type; ENOENT no such paging page table; EINVAL it is no nest parent
  ViommuId viommuAlloc(DeviceId device, HwptId nestParent, int type);

  /// Makes a device known to a virtual IOMMU (IOMMU_VDEVICE_ALLOC).
  ///
  /// @param virtualId the device's id in the virtual machine's IOMMU
  /// @throws IommufdException ENOENT no such virtual IOMMU or device; EINVAL it is behind another
  ///   IOMMU; EEXIST the device is known already, or the id is taken
  VdeviceId vdeviceAlloc(ViommuId viommu, DeviceId device, long virtualId);

  /// Makes a queue of page faults (IOMMU_FAULT_QUEUE_ALLOC).
  ///
  /// @throws IommufdException ENOMEM, EMFILE
  FaultQueue faultQueueAlloc();

  /// Destroys an object (IOMMU_DESTROY).
  ///
  /// @throws IommufdException ENOENT no such object; EBUSY it is in use: a bound device always is,
  ///   so is a page table with something attached or made on it, and a fault queue that is open
  void destroy(ObjectId id);

  /// Closes the context. Its objects live on until the last device bound to it and the last fault
  /// queue are closed too. Closing again does nothing.
  @Override
  void close();
}
