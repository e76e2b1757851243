package io.vpasid.it.isolation;

import java.io.EOFException;
import java.io.IOException;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.function.Consumer;

/// A vfio-user client of an attacker, or of a neighbour that is to be left in peace. It says what
/// it is told to, in the specification's words or not.
final class Client implements AutoCloseable {
  static final int VERSION = 1;
  static final int DMA_MAP = 2;
  static final int DMA_UNMAP = 3;
  static final int SET_IRQS = 8;
  static final int REGION_READ = 9;
  static final int REGION_WRITE = 10;
  static final int WRITE_MULTI = 15;

  static final int CONFIG = 7;
  static final int MSIX = 2;

  private static final int HEADER = 16;
  private static final int NO_REPLY = 0x10;
  private static final int ERROR = 0x20;

  private final int socket;

  private Client(int socket) {
    this.socket = socket;
  }

  /// Connects, and says nothing.
  ///
  /// @param seconds after which an answer is not waited for any more
  static Client connect(Path path, int seconds) {
    return new Client(Calls.connect(path, seconds));
  }

  /// Connects, and agrees on version 0.0.
  static Client agreed(Path path) throws IOException {
    Client client = connect(path, 5);
    client.sayVersion();
    if (client.answer() != 0) {
      throw new IOException("Version 0.0 is refused.");
    }
    return client;
  }

  /// Says version 0.0, and does not wait for the answer.
  void sayVersion() throws IOException {
    byte[] json = "{\"capabilities\":{\"max_msg_fds\":16}}\0".getBytes(StandardCharsets.UTF_8);
    say(VERSION, payload(4 + json.length, p -> p.putInt(0).put(json)), 0);
  }

  static byte[] payload(int length, Consumer<ByteBuffer> filling) {
    ByteBuffer payload = ByteBuffer.allocate(length).order(ByteOrder.LITTLE_ENDIAN);
    filling.accept(payload);
    return payload.array();
  }

  /// Asks, and waits for the answer.
  ///
  /// @return the errno, 0 if it was done
  /// @throws SocketTimeoutException if nothing comes
  int ask(int command, byte[] payload, int... descriptors) throws IOException {
    say(command, payload, 0, descriptors);
    return answer();
  }

  void succeed(int command, byte[] payload, int... descriptors) throws IOException {
    int errno = ask(command, payload, descriptors);
    if (errno != 0) {
      throw new IOException("Command " + command + " was answered with errno " + errno);
    }
  }

  /// Says something that is not to be answered.
  void tell(int command, byte[] payload, int... descriptors) throws IOException {
    say(command, payload, NO_REPLY, descriptors);
  }

  private void say(int command, byte[] payload, int flags, int... descriptors) throws IOException {
    byte[] message =
        payload(
            HEADER + payload.length,
            m ->
                m.putShort((short) 1)
                    .putShort((short) command)
                    .putInt(HEADER + payload.length)
                    .putInt(flags)
                    .putInt(0)
                    .put(payload));
    bytes(message, descriptors);
  }

  /// Sends bytes as they are.
  void bytes(byte[] message, int... descriptors) throws IOException {
    int[] with = descriptors;
    for (int sent = 0; sent < message.length; ) {
      long length = Calls.send(socket, message, sent, with);
      if (length == -Calls.EAGAIN) {
        throw new SocketTimeoutException("The daemon does not read.");
      }
      if (length < 0) {
        throw new IOException("sendmsg failed with errno " + -length);
      }
      sent += (int) length;
      with = new int[0];
    }
  }

  /// Waits for an answer.
  ///
  /// @return the errno, 0 if it was done
  int answer() throws IOException {
    ByteBuffer header = ByteBuffer.wrap(receive(HEADER)).order(ByteOrder.LITTLE_ENDIAN);
    receive(header.getInt(4) - HEADER);
    return (header.getInt(8) & ERROR) == 0 ? 0 : header.getInt(12);
  }

  private byte[] receive(int length) throws IOException {
    byte[] bytes = new byte[length];
    for (int at = 0; at < length; ) {
      int count = Calls.receive(socket, bytes, at);
      if (count == -Calls.EAGAIN) {
        throw new SocketTimeoutException("The daemon does not answer.");
      }
      if (count <= 0) {
        throw new EOFException("The daemon has hung up: " + count);
      }
      at += count;
    }
    return bytes;
  }

  // What several attacks say

  /// Reads 4 bytes of the configuration space.
  void readConfig() throws IOException {
    succeed(REGION_READ, payload(16, p -> p.putLong(0).putInt(CONFIG).putInt(4)));
  }

  /// 4 bytes of the configuration space.
  int readConfig(int offset) throws IOException {
    say(REGION_READ, payload(16, p -> p.putLong(offset).putInt(CONFIG).putInt(4)), 0);
    ByteBuffer header = ByteBuffer.wrap(receive(HEADER)).order(ByteOrder.LITTLE_ENDIAN);
    ByteBuffer body =
        ByteBuffer.wrap(receive(header.getInt(4) - HEADER)).order(ByteOrder.LITTLE_ENDIAN);
    return body.getInt(16);
  }

  void write(int region, long offset, byte[] data) throws IOException {
    succeed(REGION_WRITE, written(region, offset, data));
  }

  static byte[] written(int region, long offset, byte[] data) {
    return payload(
        16 + data.length, p -> p.putLong(offset).putInt(region).putInt(data.length).put(data));
  }

  /// Shares a part of a file as memory.
  ///
  /// @return the errno, 0 if it is mapped
  int map(long address, long size, long offset, int file) throws IOException {
    return ask(
        DMA_MAP,
        payload(32, p -> p.putInt(32).putInt(3).putLong(offset).putLong(address).putLong(size)),
        file);
  }

  /// Sets the eventfd of an MSI-X vector.
  int setEventfd(int vector, int eventfd) throws IOException {
    return ask(
        SET_IRQS,
        payload(20, p -> p.putInt(20).putInt(0x24).putInt(MSIX).putInt(vector).putInt(1)),
        eventfd);
  }

  /// Has the daemon signal an MSI-X vector.
  int trigger(int vector) throws IOException {
    return ask(
        SET_IRQS,
        payload(20, p -> p.putInt(20).putInt(0x21).putInt(MSIX).putInt(vector).putInt(1)));
  }

  @Override
  public void close() {
    Calls.close(socket);
  }
}
