package io.vpasid.vmm.vfio;

import java.nio.ByteBuffer;
import java.util.List;

/// Parts of a bound function besides its configuration space and its page tables: regions and
/// interrupts, as VFIO offers them.
///
/// Safe to use from several threads. After the device was closed every method fails with EBADF.
public interface DeviceHardware {

  /// The regions, by [PciIndex].
  ///
  /// @throws io.vpasid.vmm.iommufd.IommufdException if VFIO does not tell
  List<Region> regions();

  /// The interrupt types, by [PciIndex].
  ///
  /// @throws io.vpasid.vmm.iommufd.IommufdException if VFIO does not tell
  List<Irq> irqs();

  /// Reads a part of a region, with [RegisterAccess]es.
  ///
  /// @param region its index
  /// @param offset of the first byte; all bytes lie within the region
  /// @param destination is filled to its limit; little endian
  /// @throws io.vpasid.vmm.iommufd.IommufdException if the function does not answer
  void read(int region, long offset, ByteBuffer destination);

  /// Writes a part of a region, as [#read] reads it.
  ///
  /// @throws io.vpasid.vmm.iommufd.IommufdException if the function does not answer
  void write(int region, long offset, ByteBuffer source);

  /// Has interrupts signalled through eventfds, which the kernel keeps open by itself
  /// (VFIO_DEVICE_SET_IRQS).
  ///
  /// @param irq index of their type
  /// @param start number of the first interrupt
  /// @param eventfds a descriptor for each, or -1 for none; at most [#MAX_EVENTFDS]
  /// @throws io.vpasid.vmm.iommufd.IommufdException if the kernel refuses
  void signalThrough(int irq, int start, int... eventfds);

  /// Most eventfds of one call.
  int MAX_EVENTFDS = 32;

  /// Masks or unmasks interrupts (VFIO_DEVICE_SET_IRQS).
  ///
  /// @throws io.vpasid.vmm.iommufd.IommufdException if the kernel refuses
  void mask(int irq, int start, int count, boolean masked);

  /// Switches all interrupts of a type off (VFIO_DEVICE_SET_IRQS).
  ///
  /// @throws io.vpasid.vmm.iommufd.IommufdException if the kernel refuses
  void disable(int irq);
}
