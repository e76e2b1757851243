package io.vpasid.vmm.vfio;

/// Properties of a device as a whole (VFIO_DEVICE_GET_INFO).
///
/// @param isPci whether it is a PCI device, the only kind there is
/// @param isResettable whether it may be reset
/// @param regions number of its regions, the empty ones included
/// @param irqs number of its interrupt types, the empty ones included
public record DeviceInfo(boolean isPci, boolean isResettable, int regions, int irqs) {}
