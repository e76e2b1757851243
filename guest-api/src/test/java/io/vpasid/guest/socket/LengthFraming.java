package io.vpasid.guest.socket;

import io.netty.buffer.ByteBuf;

/// Messages of 4 bytes of length, which counts itself, and the rest.
record LengthFraming(int max) implements Framing {
  @Override
  public int headerLength() {
    return 4;
  }

  @Override
  public int messageLength(ByteBuf header) {
    long length = header.readUnsignedIntLE();
    return length > max ? -1 : (int) length;
  }
}
