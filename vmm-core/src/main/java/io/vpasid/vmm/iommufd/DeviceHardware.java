package io.vpasid.vmm.iommufd;

import java.nio.ByteBuffer;
import java.util.List;

/// What a bound function has besides its configuration space and its page tables: regions and
/// interrupts, as VFIO offers them.
///
/// Safe to use from several threads. After the device was closed every method fails with EBADF.
public interface DeviceHardware {

  /// The widest register access at `offset` that is aligned and not longer than `remaining` bytes:
  /// 4, 2 or 1. An access of any length is made of these.
  static int accessWidth(long offset, int remaining) {
    if ((offset & 3) == 0 && remaining >= 4) {
      return 4;
    }
    return (offset & 1) == 0 && remaining >= 2 ? 2 : 1;
  }

  /// The regions, by VFIO's index; BARs are 0 to 5.
  ///
  /// @throws IommufdException if VFIO does not tell
  List<DeviceRegion> regions();

  /// The interrupt types, by VFIO's index: INTx, MSI, MSI-X, error, request.
  ///
  /// @throws IommufdException if VFIO does not tell
  List<DeviceIrq> irqs();

  /// Reads a part of a region, with accesses of 4, 2 and 1 bytes that are aligned.
  ///
  /// @param region its index
  /// @param offset of the first byte; all bytes lie within the region
  /// @param destination is filled to its limit; little endian
  /// @throws IommufdException if the function does not answer
  void read(int region, long offset, ByteBuffer destination);

  /// Writes a part of a region, as [#read] reads it.
  ///
  /// @throws IommufdException if the function does not answer
  void write(int region, long offset, ByteBuffer source);

  /// Has interrupts signalled through eventfds, which the kernel keeps open by itself
  /// (VFIO_DEVICE_SET_IRQS).
  ///
  /// @param irq index of their type
  /// @param start number of the first interrupt
  /// @param eventfds a descriptor for each, or -1 for none; at most [#MAX_EVENTFDS]
  /// @throws IommufdException if the kernel refuses
  void signalThrough(int irq, int start, int... eventfds);

  /// Most eventfds of one call.
  int MAX_EVENTFDS = 32;

  /// Masks or unmasks interrupts (VFIO_DEVICE_SET_IRQS).
  ///
  /// @throws IommufdException if the kernel refuses
  void mask(int irq, int start, int count, boolean masked);

  /// Switches all interrupts of a type off (VFIO_DEVICE_SET_IRQS).
  ///
  /// @throws IommufdException if the kernel refuses
  void disable(int irq);
}
