package io.vpasid.guest.socket;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.ByteToMessageDecoder;
import java.util.List;

/// Cuts the bytes of a channel that carries no descriptors into packets.
///
/// Holds one incomplete message at most, so no more than the longest that the [Framing] allows and
/// one read's worth. A header that breaks the protocol becomes the last packet; what follows it is
/// dropped unseen.
public final class PacketDecoder extends ByteToMessageDecoder {
  private final Framing framing;
  private boolean broken;
  private boolean begun;

  /// A decoder for one channel.
  public PacketDecoder(Framing framing) {
    this.framing = framing;
  }

  @Override
  protected void decode(ChannelHandlerContext context, ByteBuf in, List<Object> out) {
    if (broken) {
      in.skipBytes(in.readableBytes());
      return;
    }
    int headerLength = framing.headerLength();
    if (in.readableBytes() < headerLength) {
      return;
    }
    int at = in.readerIndex();
    int length = begun ? framing.messageLength(in, at) : framing.firstMessageLength(in, at);
    if (length < headerLength) {
      broken = true;
      length = headerLength;
    }
    if (in.readableBytes() >= length) {
      begun = true;
      out.add(new Packet(in.readRetainedSlice(length), Descriptors.none()));
    }
  }
}
