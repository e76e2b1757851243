package io.vpasid.guest.socket;

import io.netty.buffer.ByteBuf;

/// Messages of 4 bytes of length, which counts itself, and the rest.
record LengthFraming(int max) implements Framing {
  @Override
  public int headerLength() {
    return 4;
  }

  @Override
  public int messageLength(ByteBuf bytes, int at) {
    long length = bytes.getUnsignedIntLE(at);
    return length > max ? -1 : (int) length;
  }
}
