package io.vpasid.guest.vfiouser;

import io.netty.buffer.ByteBuf;
import io.vpasid.guest.socket.Framing;

/// Where a message ends: its header says so, and a bound says how far to believe it.
///
/// @param maxMessageLength most bytes of a message, header included
record VfioUserFraming(int maxMessageLength) implements Framing {

  /// The framing under which region data of `maxDataTransfer` bytes fits, and nothing longer.
  static VfioUserFraming forDataTransfer(int maxDataTransfer) {
    return new VfioUserFraming(Header.LENGTH + Payload.RegionData.LENGTH + maxDataTransfer);
  }

  /// Most bytes of a client's VERSION, with which it begins.
  static final int MAX_FIRST_LENGTH = 16 * 1024;

  @Override
  public int headerLength() {
    return Header.LENGTH;
  }

  @Override
  public int messageLength(ByteBuf bytes, int at) {
    long size = bytes.getUnsignedIntLE(at + Header.SIZE_OFFSET);
    return size < Header.LENGTH || size > maxMessageLength ? -1 : (int) size;
  }

  @Override
  public int firstMessageLength(ByteBuf bytes, int at) {
    int length = messageLength(bytes, at);
    return length > MAX_FIRST_LENGTH ? -1 : length;
  }
}
