package io.vpasid.guest.socket;

import io.netty.buffer.ByteBuf;
import io.netty.util.AbstractReferenceCounted;
import io.netty.util.ReferenceCounted;

/// One message of a protocol as it travels: its bytes, and the file descriptors that belong to it.
///
/// Reference counted like the bytes; the last release closes the descriptors that nobody took.
public final class Packet extends AbstractReferenceCounted {
  private final ByteBuf bytes;
  private final Descriptors descriptors;

  /// A packet that owns both from now on.
  public Packet(ByteBuf bytes, Descriptors descriptors) {
    this.bytes = bytes;
    this.descriptors = descriptors;
  }

  /// The bytes, header included. They live as long as the packet.
  public ByteBuf bytes() {
    return bytes;
  }

  /// The descriptors that came with the bytes.
  public Descriptors descriptors() {
    return descriptors;
  }

  @Override
  protected void deallocate() {
    bytes.release();
    descriptors.close();
  }

  @Override
  public ReferenceCounted touch(Object hint) {
    bytes.touch(hint);
    return this;
  }

  @Override
  public String toString() {
    return "Packet[" + bytes.readableBytes() + " bytes, " + descriptors + "]";
  }
}
