package io.vpasid.vmm.iommufd.simulated;

import io.vpasid.vmm.iommufd.IovaAccess;

/// A mapping of an I/O address space.
///
/// @param iova the first I/O address, 64 bits unsigned
/// @param length in bytes
/// @param address of the memory in this process, or the offset in a file
/// @param access what DMA may do
public record SimulatedMapping(long iova, long length, long address, IovaAccess access) {}
