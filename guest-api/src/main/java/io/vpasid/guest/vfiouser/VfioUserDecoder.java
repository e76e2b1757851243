package io.vpasid.guest.vfiouser;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.MessageToMessageDecoder;
import io.vpasid.guest.socket.Descriptors;
import io.vpasid.guest.socket.Packet;
import io.vpasid.vmm.linux.Errno;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.AbstractList;
import java.util.List;
import java.util.Objects;
import java.util.OptionalLong;

/// Makes records of bytes. Whatever the bytes are, a packet becomes exactly one message, and its
/// descriptors are the message's.
///
/// Structures that have an `argsz` field may be followed by bytes that a later revision adds; the
/// other payloads have exactly their length. Data is copied, so that messages need no releasing.
final class VfioUserDecoder extends MessageToMessageDecoder<Packet> {

  VfioUserDecoder() {
    super(Packet.class);
  }

  @Override
  protected void decode(ChannelHandlerContext context, Packet packet, List<Object> out) {
    Message message = decode(packet.bytes());
    Descriptors descriptors = Descriptors.of(packet.descriptors().take());
    out.add(new Message(message.header(), message.payload(), descriptors));
  }

  /// The message that these bytes are, at least a header's worth.
  static Message decode(ByteBuf bytes) {
    int length = bytes.readableBytes();
    int id = bytes.readUnsignedShortLE();
    int command = bytes.readUnsignedShortLE();
    long size = bytes.readUnsignedIntLE();
    Header header = new Header(id, command, bytes.readIntLE(), bytes.readUnsignedIntLE());
    if (size != length) {
      return Message.of(
          header,
          new Payload.Broken(
              size < Header.LENGTH
                  ? "The message size is " + size + ", less than a header."
                  : "The message size is " + size + ", more than is accepted."));
    }
    Payload payload =
        switch (header.type()) {
          case Header.TYPE_COMMAND -> request(Command.of(command), bytes);
          case Header.TYPE_REPLY ->
              header.isError() ? Payload.Empty.INSTANCE : reply(Command.of(command), bytes);
          default -> new Payload.Malformed("The message type is " + header.type() + ".");
        };
    return Message.of(header, payload);
  }

  private static Payload request(Command command, ByteBuf body) {
    return switch (command) {
      case VERSION -> version(body);
      case DMA_MAP -> dmaMap(body);
      case DMA_UNMAP -> dmaUnmap(body);
      case DEVICE_GET_INFO -> deviceInfo(body);
      case DEVICE_GET_REGION_INFO -> regionInfo(body);
      case DEVICE_GET_IRQ_INFO -> irqInfo(body);
      case DEVICE_SET_IRQS -> irqSet(body);
      case REGION_READ -> regionAccess(body);
      case REGION_WRITE -> regionData(body);
      case DEVICE_RESET -> empty(body);
      case REGION_WRITE_MULTI -> regionWrites(body);
      case DEVICE_GET_REGION_IO_FDS -> regionIoFds(body);
      case DEVICE_FEATURE -> deviceFeature(body);
      case DMA_READ -> dmaAccess(body);
      case DMA_WRITE -> dmaData(body);
      case UNKNOWN, MIG_DATA_READ, MIG_DATA_WRITE -> Payload.Unknown.INSTANCE;
    };
  }

  private static Payload reply(Command command, ByteBuf body) {
    return switch (command) {
      case VERSION -> version(body);
      case DMA_UNMAP -> dmaUnmap(body);
      case DEVICE_GET_INFO -> deviceInfo(body);
      case DEVICE_GET_REGION_INFO -> regionInfo(body);
      case DEVICE_GET_IRQ_INFO -> irqInfo(body);
      case REGION_READ -> regionData(body);
      case REGION_WRITE -> regionAccess(body);
      case DMA_MAP, DEVICE_SET_IRQS, DEVICE_RESET -> empty(body);
      case REGION_WRITE_MULTI -> regionsWritten(body);
      case DEVICE_GET_REGION_IO_FDS -> regionIoFds(body);
      case DEVICE_FEATURE -> deviceFeature(body);
      case DMA_READ -> dmaData(body);
      case DMA_WRITE -> dmaWritten(body);
      case UNKNOWN, MIG_DATA_READ, MIG_DATA_WRITE -> Payload.Unknown.INSTANCE;
    };
  }

  private static Payload version(ByteBuf body) {
    return body.readableBytes() < Payload.Version.LENGTH
        ? tooShort(body, Payload.Version.LENGTH)
        : new Payload.Version(body.readUnsignedShortLE(), body.readUnsignedShortLE(), rest(body));
  }

  private static Payload dmaMap(ByteBuf body) {
    return body.readableBytes() < Payload.DmaMap.LENGTH
        ? tooShort(body, Payload.DmaMap.LENGTH)
        : new Payload.DmaMap(
            body.readUnsignedIntLE(),
            body.readIntLE(),
            body.readLongLE(),
            body.readLongLE(),
            body.readLongLE());
  }

  private static Payload dmaUnmap(ByteBuf body) {
    return body.readableBytes() < Payload.DmaUnmap.LENGTH
        ? tooShort(body, Payload.DmaUnmap.LENGTH)
        : new Payload.DmaUnmap(
            body.readUnsignedIntLE(), body.readIntLE(), body.readLongLE(), body.readLongLE());
  }

  private static Payload deviceInfo(ByteBuf body) {
    return body.readableBytes() < Payload.DeviceInfo.LENGTH
        ? tooShort(body, Payload.DeviceInfo.LENGTH)
        : new Payload.DeviceInfo(
            body.readUnsignedIntLE(),
            body.readIntLE(),
            body.readUnsignedIntLE(),
            body.readUnsignedIntLE());
  }

  private static Payload regionInfo(ByteBuf body) {
    return body.readableBytes() < Payload.RegionInfo.LENGTH
        ? tooShort(body, Payload.RegionInfo.LENGTH)
        : new Payload.RegionInfo(
            body.readUnsignedIntLE(),
            body.readIntLE(),
            body.readUnsignedIntLE(),
            body.readUnsignedIntLE(),
            body.readLongLE(),
            body.readLongLE());
  }

  private static Payload irqInfo(ByteBuf body) {
    return body.readableBytes() < Payload.IrqInfo.LENGTH
        ? tooShort(body, Payload.IrqInfo.LENGTH)
        : new Payload.IrqInfo(
            body.readUnsignedIntLE(),
            body.readIntLE(),
            body.readUnsignedIntLE(),
            body.readUnsignedIntLE());
  }

  private static Payload irqSet(ByteBuf body) {
    return body.readableBytes() < Payload.IrqSet.LENGTH
        ? tooShort(body, Payload.IrqSet.LENGTH)
        : new Payload.IrqSet(
            body.readUnsignedIntLE(),
            body.readIntLE(),
            body.readUnsignedIntLE(),
            body.readUnsignedIntLE(),
            body.readUnsignedIntLE(),
            rest(body));
  }

  private static Payload regionAccess(ByteBuf body) {
    return body.readableBytes() != Payload.RegionAccess.LENGTH
        ? wrongLength(body, Payload.RegionAccess.LENGTH)
        : new Payload.RegionAccess(
            body.readLongLE(), body.readUnsignedIntLE(), body.readUnsignedIntLE());
  }

  private static Payload regionData(ByteBuf body) {
    if (body.readableBytes() < Payload.RegionData.LENGTH) {
      return tooShort(body, Payload.RegionData.LENGTH);
    }
    long offset = body.readLongLE();
    long region = body.readUnsignedIntLE();
    long count = body.readUnsignedIntLE();
    return count == body.readableBytes()
        ? new Payload.RegionData(offset, region, rest(body))
        : new Payload.Malformed(
            "The count is " + count + ", but " + body.readableBytes() + " bytes of data came.");
  }

  private static Payload regionWrites(ByteBuf body) {
    int length = body.readableBytes();
    if (length < Payload.RegionWrites.LENGTH) {
      return tooShort(body, Payload.RegionWrites.LENGTH);
    }
    long count = body.readLongLE();
    int room = length - Payload.RegionWrites.LENGTH;
    if (room % Payload.RegionWrites.WRITE_LENGTH != 0
        || count != room / Payload.RegionWrites.WRITE_LENGTH) {
      return new Payload.Malformed(
          Long.toUnsignedString(count) + " writes are announced in " + room + " bytes.");
    }
    ByteBuffer writes = rest(body);
    for (int i = 0; i < count; i++) {
      long bytes =
          Integer.toUnsignedLong(writes.getInt(i * Payload.RegionWrites.WRITE_LENGTH + 12));
      if (bytes > Payload.RegionWrites.MAX_DATA) {
        return new Payload.Malformed("Write " + i + " has " + bytes + " bytes, more than 8.");
      }
    }
    return new Payload.RegionWrites(new WritesInMessage(writes, (int) count));
  }

  /// The writes of a message, each made a record when somebody asks for it: there may be tens of
  /// thousands.
  private static final class WritesInMessage extends AbstractList<Payload.RegionData> {
    private final ByteBuffer bytes;
    private final int count;

    WritesInMessage(ByteBuffer bytes, int count) {
      this.bytes = bytes;
      this.count = count;
    }

    @Override
    public Payload.RegionData get(int index) {
      int at = Objects.checkIndex(index, count) * Payload.RegionWrites.WRITE_LENGTH;
      return new Payload.RegionData(
          bytes.getLong(at),
          Integer.toUnsignedLong(bytes.getInt(at + 8)),
          bytes.slice(at + 16, bytes.getInt(at + 12)).order(ByteOrder.LITTLE_ENDIAN));
    }

    @Override
    public int size() {
      return count;
    }
  }

  private static Payload regionsWritten(ByteBuf body) {
    return body.readableBytes() != Payload.RegionsWritten.LENGTH
        ? wrongLength(body, Payload.RegionsWritten.LENGTH)
        : new Payload.RegionsWritten(body.readLongLE());
  }

  private static Payload regionIoFds(ByteBuf body) {
    return body.readableBytes() < Payload.RegionIoFds.LENGTH
        ? tooShort(body, Payload.RegionIoFds.LENGTH)
        : new Payload.RegionIoFds(
            body.readUnsignedIntLE(),
            body.readIntLE(),
            body.readUnsignedIntLE(),
            body.readUnsignedIntLE());
  }

  private static Payload deviceFeature(ByteBuf body) {
    return body.readableBytes() < Payload.DeviceFeature.LENGTH
        ? tooShort(body, Payload.DeviceFeature.LENGTH)
        : new Payload.DeviceFeature(body.readUnsignedIntLE(), body.readIntLE(), rest(body));
  }

  private static Payload dmaAccess(ByteBuf body) {
    return body.readableBytes() != Payload.DmaAccess.LENGTH
        ? wrongLength(body, Payload.DmaAccess.LENGTH)
        : new Payload.DmaAccess(body.readLongLE(), body.readLongLE());
  }

  private static Payload dmaData(ByteBuf body) {
    return body.readableBytes() < Payload.DmaData.LENGTH
        ? tooShort(body, Payload.DmaData.LENGTH)
        : new Payload.DmaData(body.readLongLE(), rest(body));
  }

  private static Payload dmaWritten(ByteBuf body) {
    return switch (body.readableBytes()) {
      case 0 -> new Payload.DmaWritten(0, OptionalLong.empty());
      case Payload.DmaWritten.SHORT_LENGTH ->
          new Payload.DmaWritten(body.readLongLE(), OptionalLong.of(body.readUnsignedIntLE()));
      case Payload.DmaWritten.LENGTH ->
          new Payload.DmaWritten(body.readLongLE(), OptionalLong.of(body.readLongLE()));
      default -> wrongLength(body, Payload.DmaWritten.LENGTH);
    };
  }

  private static Payload empty(ByteBuf body) {
    return body.isReadable() ? wrongLength(body, 0) : Payload.Empty.INSTANCE;
  }

  private static Payload tooShort(ByteBuf body, int length) {
    return new Payload.Malformed(
        "The payload has " + body.readableBytes() + " bytes, less than the " + length + " needed.");
  }

  private static Payload wrongLength(ByteBuf body, int length) {
    return new Payload.Malformed(
        "The payload has " + body.readableBytes() + " bytes instead of " + length + ".");
  }

  private static ByteBuffer rest(ByteBuf body) {
    return copy(body, body.readableBytes());
  }

  private static ByteBuffer copy(ByteBuf body, int length) {
    byte[] copy = new byte[length];
    body.readBytes(copy);
    return ByteBuffer.wrap(copy).asReadOnlyBuffer().order(ByteOrder.LITTLE_ENDIAN);
  }

  /// What an error reply says, with EINVAL for a number that is none.
  static Errno errno(Header failure) {
    long number = failure.error();
    return number > 0 && number <= MAX_ERRNO ? new Errno((int) number) : Errno.EINVAL;
  }

  /// Linux keeps its numbers below this.
  private static final int MAX_ERRNO = 4095;
}
