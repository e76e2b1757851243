package io.vpasid.vmm.iommufd;

/// What VFIO_DEVICE_GET_INFO says.
///
/// @param resettable VFIO_DEVICE_FLAGS_RESET: the function can be reset
/// @param regions number of regions; 9 and the device-specific ones for vfio-pci
/// @param irqs number of interrupt indexes; 5 for vfio-pci
public record DeviceInfo(boolean resettable, int regions, int irqs) {}
