package io.vpasid.it.load;

import java.io.EOFException;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/// A vfio-user client that does nothing but read 4 bytes of the configuration space, over and over,
/// with as little of its own as can be. It knows any server of the protocol.
final class RawClient implements AutoCloseable {
  private static final int REQUEST = 32;
  private static final int REPLY = 36;
  private static final int VERSION = 1;
  private static final int REGION_READ = 9;
  private static final int CONFIG_REGION = 7;

  private final SocketChannel channel;
  private final ByteBuffer request = direct(REQUEST);
  private final ByteBuffer requests;
  private final ByteBuffer replies;

  /// Connects, and agrees on version 0.0.
  ///
  /// @param window most requests under way
  RawClient(Path socket, int window) throws IOException {
    channel = SocketChannel.open(UnixDomainSocketAddress.of(socket));
    requests = direct(REQUEST * window);
    replies = direct(REPLY * window);
    byte[] json = "{\"capabilities\":{\"max_msg_fds\":1}}\0".getBytes(StandardCharsets.UTF_8);
    ByteBuffer version = direct(20 + json.length);
    header(version, VERSION, 20 + json.length).putShort((short) 0).putShort((short) 0).put(json);
    write(version.flip());
    ByteBuffer head = direct(16);
    fill(head);
    fill(direct(head.getInt(4) - 16));
    header(request, REGION_READ, REQUEST).putLong(0).putInt(CONFIG_REGION).putInt(4);
  }

  private static ByteBuffer direct(int length) {
    return ByteBuffer.allocateDirect(length).order(ByteOrder.LITTLE_ENDIAN);
  }

  private static ByteBuffer header(ByteBuffer target, int command, int size) {
    return target.putShort((short) 1).putShort((short) command).putInt(size).putInt(0).putInt(0);
  }

  /// Sends a request.
  void send() throws IOException {
    write(request.rewind());
  }

  /// Sends some requests in one call.
  ///
  /// @param count at most the window
  void send(int count) throws IOException {
    requests.clear();
    for (int i = 0; i < count; i++) {
      requests.put(request.rewind());
    }
    write(requests.flip());
  }

  /// Waits for one reply at least.
  ///
  /// @return how many have come
  int receive() throws IOException {
    do {
      if (channel.read(replies) < 0) {
        throw new EOFException("The server has hung up.");
      }
    } while (replies.position() < REPLY);
    int whole = replies.position() / REPLY;
    for (int i = 0; i < whole; i++) {
      if (replies.getInt(i * REPLY + 8) != 1) {
        throw new IOException("The server refuses.");
      }
    }
    replies.flip().position(whole * REPLY);
    replies.compact();
    return whole;
  }

  private void write(ByteBuffer bytes) throws IOException {
    while (bytes.hasRemaining()) {
      channel.write(bytes);
    }
  }

  private void fill(ByteBuffer into) throws IOException {
    while (into.hasRemaining()) {
      if (channel.read(into) < 0) {
        throw new EOFException("The server has hung up.");
      }
    }
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
