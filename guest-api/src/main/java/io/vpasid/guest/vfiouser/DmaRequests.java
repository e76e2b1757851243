package io.vpasid.guest.vfiouser;

import io.vpasid.guest.socket.Descriptors;
import io.vpasid.vmm.linux.Errno;

/// DMA_MAP and DMA_UNMAP: the windows of its memory that a client offers and takes back.
///
/// @param dma the windows that it has
record DmaRequests(DmaRegions dma) {

  Result map(Payload.DmaMap request, Descriptors descriptors) {
    if (request.argsz() < Payload.DmaMap.LENGTH) {
      return Result.badArgsz(request.argsz(), Payload.DmaMap.LENGTH);
    }
    if ((request.flags() & ~(Payload.DmaMap.READABLE | Payload.DmaMap.WRITABLE)) != 0
        || descriptors.count() > 1) {
      return Result.invalid(
          "The flags are %x, and %s descriptors came."
              .formatted(request.flags(), descriptors.count()));
    }
    return Result.of(dma.map(request, descriptors), Result.NOTHING);
  }

  Answer unmap(Header header, Payload.DmaUnmap request) {
    if (request.argsz() < Payload.DmaUnmap.LENGTH) {
      return Answer.to(header, Result.badArgsz(request.argsz(), Payload.DmaUnmap.LENGTH));
    }
    return switch (request.flags()) {
      case 0 ->
          dma.mayUnmap(request.address(), request.size()) instanceof Outcome.Failed refused
              ? Answer.to(header, new Result.Failure(refused.errno(), refused.reason()))
              : unmapRange(header, request);
      case Payload.DmaUnmap.ALL ->
          request.address() != 0 || request.size() != 0
              ? Answer.to(
                  header, Result.invalid("A range was given with the request to unmap all."))
              : unmapAll(header, request);
      case Payload.DmaUnmap.GET_DIRTY_BITMAP ->
          Answer.to(header, new Result.Failure(Errno.EOPNOTSUPP, "Dirty pages are not tracked."));
      default ->
          Answer.to(
              header,
              Result.invalid("The flags are " + Integer.toHexString(request.flags()) + "."));
    };
  }

  private Answer unmapRange(Header header, Payload.DmaUnmap request) {
    long last = request.address() + request.size() - 1;
    return dma.unmap(request.address(), last, Turn.begin())
        ? Answer.to(header, new Result.Success(request))
        : new Answer.Unfinished(() -> unmapRange(header, request));
  }

  private Answer unmapAll(Header header, Payload.DmaUnmap request) {
    return dma.clear(Turn.begin())
        ? Answer.to(header, new Result.Success(request))
        : new Answer.Unfinished(() -> unmapAll(header, request));
  }
}
