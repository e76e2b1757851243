package io.vpasid.guest.vfiouser;

import io.vpasid.guest.socket.InPlace;
import io.vpasid.vmm.linux.Errno;
import io.vpasid.vmm.vfio.Region;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// REGION_READ, REGION_WRITE and REGION_WRITE_MULTI: the accesses of a guest to the registers of
/// its device.
///
/// A guest's vCPU waits for each of the first two, so there are two ways: by records, as for every
/// other command, and [in place][#answer], which allocates nothing. Both ask the device in the same
/// way and answer with the same bytes.
final class RegionRequests implements InPlace {
  private static final Logger LOG = LoggerFactory.getLogger(RegionRequests.class);

  private static final int READ_LENGTH = Header.LENGTH + Payload.RegionAccess.LENGTH;
  private static final int DATA = Header.LENGTH + Payload.RegionData.LENGTH;
  private static final Outcome NOT_FILLED =
      Outcome.refused(Errno.EIO, "The device did not fill the buffer.");

  private final ServedDevice device;
  private final long maxDataTransfer;
  private final FaultGuard guard;

  /// The requests of one session.
  ///
  /// @param maxDataTransfer most bytes of an access
  RegionRequests(ServedDevice device, long maxDataTransfer, FaultGuard guard) {
    this.device = device;
    this.maxDataTransfer = maxDataTransfer;
    this.guard = guard;
  }

  // In records

  Result read(Payload.RegionAccess request) {
    if (!isWithin(request.region(), request.offset(), request.count(), Region.READ)) {
      return outside(request.region(), request.offset(), request.count());
    }
    ByteBuffer data = ByteBuffer.allocate((int) request.count()).order(ByteOrder.LITTLE_ENDIAN);
    return Result.of(
        read((int) request.region(), request.offset(), data),
        new Result.Success(
            new Payload.RegionData(request.offset(), request.region(), data.rewind())));
  }

  Result write(Payload.RegionData request) {
    long count = request.data().remaining();
    if (!isWithin(request.region(), request.offset(), count, Region.WRITE)) {
      return outside(request.region(), request.offset(), count);
    }
    return Result.of(
        write((int) request.region(), request.offset(), request.data()),
        new Result.Success(new Payload.RegionAccess(request.offset(), request.region(), count)));
  }

  /// Makes the writes in order, and stops before the first that cannot be made.
  ///
  /// @param from the first that is not made yet
  Answer writeAll(Header header, Payload.RegionWrites request, int from) {
    Turn turn = Turn.begin();
    int count = request.writes().size();
    for (int i = from; i < count; i++) {
      int at = i;
      if (i > from && i % Turn.STEPS == 0 && !turn.hasTime()) {
        return new Answer.Unfinished(() -> writeAll(header, request, at));
      }
      if (write(request.writes().get(i)) instanceof Result.Failure failure) {
        LOG.debug("Write {} of {}: {}", i, count, failure.reason());
        return Answer.to(
            header, i == 0 ? failure : new Result.Success(new Payload.RegionsWritten(i)));
      }
    }
    return Answer.to(header, new Result.Success(new Payload.RegionsWritten(count)));
  }

  // In place

  /// Answers a REGION_READ or REGION_WRITE that is well-formed and within its region.
  ///
  /// ```text
  ///  0      2         4              8       12      16       24       28      32
  ///  +------+---------+--------------+-------+-------+--------+--------+-------+------
  ///  | id   | command | message size | flags | error | offset | region | count | data
  ///  +------+---------+--------------+-------+-------+--------+--------+-------+------
  /// ```
  @Override
  public boolean answer(ByteBuffer message, ByteBuffer reply) {
    int at = message.position();
    int length = message.remaining();
    int flags = message.getInt(at + 8);
    if (length < READ_LENGTH || (flags & Header.TYPE_MASK) != Header.TYPE_COMMAND) {
      return false;
    }
    int command = message.getShort(at + 2);
    boolean reads = command == Command.REGION_READ.number();
    long offset = message.getLong(at + 16);
    long region = Integer.toUnsignedLong(message.getInt(at + 24));
    long count = Integer.toUnsignedLong(message.getInt(at + 28));
    if ((!reads && command != Command.REGION_WRITE.number())
        || length != (reads ? READ_LENGTH : DATA + count)
        || DATA + count > reply.remaining()
        || !isWithin(region, offset, count, reads ? Region.READ : Region.WRITE)) {
      return false;
    }
    int start = reply.position();
    Outcome outcome;
    int end = start + DATA;
    if (reads) {
      end += (int) count;
      outcome = read((int) region, offset, reply.limit(end).position(start + DATA));
      reply.limit(reply.capacity());
    } else {
      outcome = write((int) region, offset, message.position(at + DATA));
    }
    reply.position(start);
    if ((flags & Header.NO_REPLY) != 0) {
      return true;
    }
    reply.putShort(message.getShort(at)).putShort((short) command);
    if (outcome instanceof Outcome.Failed(Errno errno, String reason)) {
      LOG.debug(
          "{} at {} of region {}: {}. {}", Command.of(command), offset, region, errno, reason);
      reply.putInt(Header.LENGTH).putInt(Header.TYPE_REPLY | Header.ERROR).putInt(errno.number());
      return true;
    }
    reply.putInt(end - start).putInt(Header.TYPE_REPLY).putInt(0);
    reply.putLong(offset).putInt((int) region).putInt((int) count).position(end);
    return true;
  }

  // The device

  private Outcome read(int region, long offset, ByteBuffer data) {
    if (!data.hasRemaining()) {
      return Outcome.done();
    }
    try {
      Outcome outcome = device.device().read(region, offset, data);
      if (outcome instanceof Outcome.Done && data.hasRemaining()) {
        guard.logFault(
            "read", new IllegalStateException(data.remaining() + " bytes were not filled"));
        return NOT_FILLED;
      }
      return outcome;
    } catch (RuntimeException e) {
      guard.logFault("read", e);
      return FaultGuard.FAULT;
    }
  }

  private Outcome write(int region, long offset, ByteBuffer data) {
    if (!data.hasRemaining()) {
      return Outcome.done();
    }
    try {
      return device.device().write(region, offset, data);
    } catch (RuntimeException e) {
      guard.logFault("write", e);
      return FaultGuard.FAULT;
    }
  }

  /// True if a region permits an access and holds all of it. An access of no bytes is one, too.
  private boolean isWithin(long index, long offset, long count, int flag) {
    if (index >= device.regions().size() || count > maxDataTransfer) {
      return false;
    }
    Region region = device.regions().get((int) index);
    return (region.flags() & flag) != 0
        && offset >= 0
        && offset <= region.size()
        && count <= region.size() - offset;
  }

  private Result outside(long region, long offset, long count) {
    return Result.invalid(
        count
            + " bytes at "
            + Long.toUnsignedString(offset)
            + " of region "
            + region
            + " cannot be accessed.");
  }
}
