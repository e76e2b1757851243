package io.vpasid.guest.vfiouser;

import io.vpasid.vmm.linux.Errno;
import io.vpasid.vmm.vfio.Irq;
import io.vpasid.vmm.vfio.Region;

/// What a client may ask about a device, answered from what it said of itself: information about
/// it, its regions and its interrupts, and what it can do besides.
///
/// @param descriptorsPass whether descriptors can come with messages; without them there are no
///   eventfds
record DeviceQueries(ServedDevice device, boolean descriptorsPass) {

  Result deviceInfo(Payload.DeviceInfo request) {
    if (request.argsz() < Payload.DeviceInfo.LENGTH) {
      return Result.badArgsz(request.argsz(), Payload.DeviceInfo.LENGTH);
    }
    int reset = device.isResettable() ? Payload.DeviceInfo.RESET : 0;
    return new Result.Success(
        new Payload.DeviceInfo(
            Payload.DeviceInfo.LENGTH,
            Payload.DeviceInfo.PCI | reset,
            device.regions().size(),
            device.irqs().size()));
  }

  Result regionInfo(Payload.RegionInfo request) {
    if (request.argsz() < Payload.RegionInfo.LENGTH) {
      return Result.badArgsz(request.argsz(), Payload.RegionInfo.LENGTH);
    }
    if (request.index() >= device.regions().size()) {
      return Result.invalid("There is no region " + request.index() + ".");
    }
    Region region = device.regions().get((int) request.index());
    return new Result.Success(
        new Payload.RegionInfo(
            Payload.RegionInfo.LENGTH, region.flags(), request.index(), 0, region.size(), 0));
  }

  Result irqInfo(Payload.IrqInfo request) {
    if (request.argsz() < Payload.IrqInfo.LENGTH) {
      return Result.badArgsz(request.argsz(), Payload.IrqInfo.LENGTH);
    }
    if (request.index() >= device.irqs().size()) {
      return Result.invalid("There is no interrupt type " + request.index() + ".");
    }
    Irq irq = device.irqs().get((int) request.index());
    int flags = descriptorsPass ? irq.flags() : irq.flags() & ~Irq.EVENTFD;
    return new Result.Success(
        new Payload.IrqInfo(Payload.IrqInfo.LENGTH, flags, request.index(), irq.count()));
  }

  /// No part of any region has a descriptor that an access could be told through.
  Result regionIoFds(Payload.RegionIoFds request) {
    if (request.argsz() < Payload.RegionIoFds.LENGTH) {
      return Result.badArgsz(request.argsz(), Payload.RegionIoFds.LENGTH);
    }
    if (request.flags() != 0
        || request.count() != 0
        || request.index() >= device.regions().size()) {
      return Result.invalid(
          "The flags are %x, the count %s, the region %s."
              .formatted(request.flags(), request.count(), request.index()));
    }
    return new Result.Success(
        new Payload.RegionIoFds(Payload.RegionIoFds.LENGTH, 0, request.index(), 0));
  }

  /// All features of the protocol are about migration, which no device here can do. A well-formed
  /// request is answered as Linux answers for a feature that a device does not have.
  static Result feature(Payload.DeviceFeature request) {
    int operation = request.flags() & ~Payload.DeviceFeature.FEATURE_MASK;
    boolean probe = (operation & Payload.DeviceFeature.PROBE) != 0;
    int wanted = operation & (Payload.DeviceFeature.GET | Payload.DeviceFeature.SET);
    if ((operation & ~Payload.DeviceFeature.PROBE) != wanted
        || (!probe && Integer.bitCount(wanted) != 1)) {
      return Result.invalid("The flags are " + Integer.toHexString(request.flags()) + ".");
    }
    if (request.argsz() < Payload.DeviceFeature.LENGTH) {
      return Result.badArgsz(request.argsz(), Payload.DeviceFeature.LENGTH);
    }
    return new Result.Failure(
        Errno.ENOTTY,
        "There is no feature " + (request.flags() & Payload.DeviceFeature.FEATURE_MASK) + ".");
  }
}
