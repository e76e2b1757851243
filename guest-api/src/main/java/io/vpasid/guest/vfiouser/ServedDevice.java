package io.vpasid.guest.vfiouser;

import io.vpasid.vmm.vfio.Irq;
import io.vpasid.vmm.vfio.Region;
import java.util.List;

/// A device as it described itself once.
///
/// @param regions by index, at most [#MAX_REGIONS]
/// @param irqs by index, at most [#MAX_IRQS]
record ServedDevice(
    VfioUserDevice device, List<Region> regions, List<Irq> irqs, boolean isResettable) {
  /// More than QEMU takes from a server.
  static final int MAX_REGIONS = 100;

  /// More than QEMU takes from a server.
  static final int MAX_IRQS = 50;

  /// Asks the device what it is.
  ///
  /// @throws IllegalArgumentException if it has too many regions or interrupt types
  static ServedDevice of(VfioUserDevice device) {
    List<Region> regions = List.copyOf(device.regions());
    List<Irq> irqs = List.copyOf(device.irqs());
    if (regions.size() > MAX_REGIONS || irqs.size() > MAX_IRQS) {
      throw new IllegalArgumentException(
          "A device has at most %s regions and %s interrupt types, not %s and %s"
              .formatted(MAX_REGIONS, MAX_IRQS, regions.size(), irqs.size()));
    }
    return new ServedDevice(device, regions, irqs, device.isResettable());
  }
}
