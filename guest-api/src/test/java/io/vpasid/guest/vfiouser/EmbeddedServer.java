package io.vpasid.guest.vfiouser;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.handler.flow.FlowControlHandler;
import io.vpasid.guest.socket.PacketDecoder;
import io.vpasid.guest.socket.PeerCredentials;
import io.vpasid.vmm.linux.calls.MemoryBudget;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.TimeUnit;

/// A server without a socket: bytes in, bytes out, as one client has them.
final class EmbeddedServer implements AutoCloseable {
  private static final Capabilities CAPABILITIES = new Capabilities(0, 1 << 20, 4, 4096, true);

  private final MemoryDevice device = new MemoryDevice();
  private final EmbeddedChannel channel;

  private EmbeddedServer() {
    channel =
        new EmbeddedChannel(
            new PacketDecoder(VfioUserFraming.forDataTransfer(1 << 20)),
            new FlowControlHandler(),
            new VfioUserDecoder(),
            new VfioUserEncoder(),
            new SessionHandler(
                new DeviceSession(
                    ServedDevice.of(device),
                    CAPABILITIES,
                    false,
                    new PeerCredentials(0, Set.of(), 1),
                    MemoryBudget.ofProcess()),
                Duration.ofSeconds(5)));
  }

  /// A server that a client has just connected to.
  static EmbeddedServer fresh() {
    return new EmbeddedServer();
  }

  /// A server that has agreed on version 0.0.
  static EmbeddedServer agreed() {
    EmbeddedServer server = new EmbeddedServer();
    server.exchange(Wire.request(0, Wire.VERSION, Wire.versionWithoutData(0, 0)));
    return server;
  }

  MemoryDevice device() {
    return device;
  }

  EmbeddedChannel channel() {
    return channel;
  }

  /// What the server sends when it gets these bytes; empty if nothing.
  byte[] exchange(byte[] bytes) {
    channel.writeInbound(Unpooled.wrappedBuffer(bytes));
    // What is answered in turns: nothing is read meanwhile.
    while (channel.isOpen() && !channel.config().isAutoRead()) {
      channel.advanceTimeBy(1, TimeUnit.MILLISECONDS);
      channel.runScheduledPendingTasks();
    }
    return sent();
  }

  /// Everything that the server has sent and nobody has looked at.
  byte[] sent() {
    ByteBuf all = Unpooled.buffer();
    for (ByteBuf part; (part = channel.readOutbound()) != null; part.release()) {
      all.writeBytes(part);
    }
    byte[] bytes = new byte[all.readableBytes()];
    all.readBytes(bytes);
    return bytes;
  }

  boolean isOpen() {
    return channel.isOpen();
  }

  @Override
  public void close() {
    channel.finishAndReleaseAll();
  }
}
