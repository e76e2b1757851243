package io.vpasid.guest.vfiouser;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.MessageToMessageEncoder;
import io.vpasid.guest.socket.Packet;
import java.util.List;

/// Makes bytes of records: plain bytes, or a packet if descriptors travel with them.
final class VfioUserEncoder extends MessageToMessageEncoder<Message> {
  /// Bytes for which a buffer has room at once: a header and the largest fixed payload.
  private static final int FIXED_LENGTH = Header.LENGTH + Payload.DmaMap.LENGTH;

  VfioUserEncoder() {
    super(Message.class);
  }

  @Override
  protected void encode(ChannelHandlerContext context, Message message, List<Object> out) {
    ByteBuf bytes = context.alloc().directBuffer(FIXED_LENGTH + dataLength(message.payload()));
    encode(message, bytes);
    out.add(message.descriptors().count() == 0 ? bytes : new Packet(bytes, message.descriptors()));
  }

  /// Appends the message's bytes.
  static void encode(Message message, ByteBuf out) {
    int start = out.writerIndex();
    Header header = message.header();
    out.writeShortLE(header.id());
    out.writeShortLE(header.command());
    out.writeIntLE(0);
    out.writeIntLE(header.flags());
    out.writeIntLE((int) header.error());
    encode(message.payload(), out);
    out.setIntLE(start + Header.SIZE_OFFSET, out.writerIndex() - start);
  }

  private static void encode(Payload payload, ByteBuf out) {
    switch (payload) {
      case Payload.Empty _ -> {}
      case Payload.Version version -> {
        out.writeShortLE(version.major());
        out.writeShortLE(version.minor());
        out.writeBytes(version.data().duplicate());
      }
      case Payload.DmaMap map -> {
        out.writeIntLE((int) map.argsz());
        out.writeIntLE(map.flags());
        out.writeLongLE(map.offset());
        out.writeLongLE(map.address());
        out.writeLongLE(map.size());
      }
      case Payload.DmaUnmap unmap -> {
        out.writeIntLE((int) unmap.argsz());
        out.writeIntLE(unmap.flags());
        out.writeLongLE(unmap.address());
        out.writeLongLE(unmap.size());
      }
      case Payload.DeviceInfo info -> {
        out.writeIntLE((int) info.argsz());
        out.writeIntLE(info.flags());
        out.writeIntLE((int) info.regions());
        out.writeIntLE((int) info.irqs());
      }
      case Payload.RegionInfo info -> {
        out.writeIntLE((int) info.argsz());
        out.writeIntLE(info.flags());
        out.writeIntLE((int) info.index());
        out.writeIntLE((int) info.capOffset());
        out.writeLongLE(info.size());
        out.writeLongLE(info.offset());
      }
      case Payload.IrqInfo info -> {
        out.writeIntLE((int) info.argsz());
        out.writeIntLE(info.flags());
        out.writeIntLE((int) info.index());
        out.writeIntLE((int) info.count());
      }
      case Payload.IrqSet set -> {
        out.writeIntLE((int) set.argsz());
        out.writeIntLE(set.flags());
        out.writeIntLE((int) set.index());
        out.writeIntLE((int) set.start());
        out.writeIntLE((int) set.count());
        out.writeBytes(set.data().duplicate());
      }
      case Payload.RegionAccess access -> {
        out.writeLongLE(access.offset());
        out.writeIntLE((int) access.region());
        out.writeIntLE((int) access.count());
      }
      case Payload.RegionData data -> {
        out.writeLongLE(data.offset());
        out.writeIntLE((int) data.region());
        out.writeIntLE(data.data().remaining());
        out.writeBytes(data.data().duplicate());
      }
      case Payload.RegionWrites several -> {
        out.writeLongLE(several.writes().size());
        for (Payload.RegionData write : several.writes()) {
          int count = write.data().remaining();
          encode(write, out);
          out.writeZero(Payload.RegionWrites.MAX_DATA - count);
        }
      }
      case Payload.RegionsWritten written -> out.writeLongLE(written.count());
      case Payload.RegionIoFds fds -> {
        out.writeIntLE((int) fds.argsz());
        out.writeIntLE(fds.flags());
        out.writeIntLE((int) fds.index());
        out.writeIntLE((int) fds.count());
      }
      case Payload.DeviceFeature feature -> {
        out.writeIntLE((int) feature.argsz());
        out.writeIntLE(feature.flags());
        out.writeBytes(feature.data().duplicate());
      }
      case Payload.DmaAccess access -> {
        out.writeLongLE(access.address());
        out.writeLongLE(access.count());
      }
      case Payload.DmaData data -> {
        out.writeLongLE(data.address());
        out.writeBytes(data.rest().duplicate());
      }
      case Payload.DmaWritten written -> {
        out.writeLongLE(written.address());
        out.writeLongLE(written.count().orElse(0));
      }
      case Payload.Unknown _, Payload.Malformed _, Payload.Broken _ ->
          throw new IllegalArgumentException("Not a message to be sent: " + payload);
    }
  }

  private static int dataLength(Payload payload) {
    return switch (payload) {
      case Payload.Version version -> version.data().remaining();
      case Payload.IrqSet set -> set.data().remaining();
      case Payload.RegionData region -> region.data().remaining();
      case Payload.RegionWrites several ->
          several.writes().size() * Payload.RegionWrites.WRITE_LENGTH;
      case Payload.DeviceFeature feature -> feature.data().remaining();
      case Payload.DmaData data -> data.rest().remaining();
      default -> 0;
    };
  }
}
