package io.vpasid.guest.vfiouser;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;

/// The protocol's bytes, put together from the specification's tables without the code under test.
final class Wire {
  static final int VERSION = 1;
  static final int DMA_MAP = 2;
  static final int DMA_UNMAP = 3;
  static final int GET_INFO = 4;
  static final int GET_REGION_INFO = 5;
  static final int GET_REGION_IO_FDS = 6;
  static final int GET_IRQ_INFO = 7;
  static final int SET_IRQS = 8;
  static final int REGION_READ = 9;
  static final int REGION_WRITE = 10;
  static final int DMA_READ = 11;
  static final int DMA_WRITE = 12;
  static final int RESET = 13;
  static final int REGION_WRITE_MULTI = 15;
  static final int DEVICE_FEATURE = 16;
  static final int MIG_DATA_READ = 17;
  static final int MIG_DATA_WRITE = 18;

  static final int COMMAND = 0x0;
  static final int REPLY = 0x1;
  static final int NO_REPLY = 0x10;
  static final int ERROR_REPLY = 0x21;

  static final int EPERM = 1;
  static final int ENOENT = 2;
  static final int EIO = 5;
  static final int E2BIG = 7;
  static final int EEXIST = 17;
  static final int EINVAL = 22;
  static final int ENOTTY = 25;
  static final int ENOSPC = 28;
  static final int EOPNOTSUPP = 95;

  /// The capabilities that QEMU 11.1 proposes, in its order.
  static final String QEMU_CAPABILITIES =
      "{\"capabilities\": {\"max_data_xfer_size\": 1048576, \"migration\": {\"pgsize\": 4096,"
          + " \"max_bitmap_size\": 268435456}, \"max_dma_maps\": 65535, \"pgsizes\": 4096,"
          + " \"write_multiple\": true, \"max_msg_fds\": 16}}";

  private Wire() {}

  /// A message whose header tells the truth about its size.
  static byte[] message(int id, int command, int flags, int error, byte[] payload) {
    return header(id, command, 16 + payload.length, flags, error, payload);
  }

  /// A message whose header says whatever it likes.
  static byte[] header(int id, int command, long size, int flags, int error, byte[] payload) {
    return little(16 + payload.length)
        .putShort((short) id)
        .putShort((short) command)
        .putInt((int) size)
        .putInt(flags)
        .putInt(error)
        .put(payload)
        .array();
  }

  static byte[] request(int id, int command, byte[] payload) {
    return message(id, command, COMMAND, 0, payload);
  }

  static byte[] reply(int id, int command, byte[] payload) {
    return message(id, command, REPLY, 0, payload);
  }

  static byte[] failure(int id, int command, int errno) {
    return message(id, command, ERROR_REPLY, errno, new byte[0]);
  }

  static byte[] version(int major, int minor, String json) {
    byte[] text = json.getBytes(StandardCharsets.UTF_8);
    return little(4 + text.length + 1)
        .putShort((short) major)
        .putShort((short) minor)
        .put(text)
        .put((byte) 0)
        .array();
  }

  static byte[] versionWithoutData(int major, int minor) {
    return little(4).putShort((short) major).putShort((short) minor).array();
  }

  static byte[] ints(int... fields) {
    byte[] bytes = new byte[4 * fields.length];
    ByteBuffer target = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    for (int field : fields) {
      target.putInt(field);
    }
    return bytes;
  }

  static byte[] longs(long... fields) {
    byte[] bytes = new byte[8 * fields.length];
    ByteBuffer target = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    for (long field : fields) {
      target.putLong(field);
    }
    return bytes;
  }

  static byte[] regionInfo(int argsz, int flags, int index, long size) {
    return little(32)
        .putInt(argsz)
        .putInt(flags)
        .putInt(index)
        .putInt(0)
        .putLong(size)
        .putLong(0)
        .array();
  }

  static byte[] dmaMap(int argsz, int flags, long offset, long address, long size) {
    return little(32)
        .putInt(argsz)
        .putInt(flags)
        .putLong(offset)
        .putLong(address)
        .putLong(size)
        .array();
  }

  static byte[] dmaUnmap(int argsz, int flags, long address, long size) {
    return little(24).putInt(argsz).putInt(flags).putLong(address).putLong(size).array();
  }

  static byte[] access(long offset, int region, int count, byte... data) {
    return little(16 + data.length).putLong(offset).putInt(region).putInt(count).put(data).array();
  }

  static byte[] concat(byte[]... parts) {
    int length = 0;
    for (byte[] part : parts) {
      length += part.length;
    }
    byte[] all = new byte[length];
    int at = 0;
    for (byte[] part : parts) {
      System.arraycopy(part, 0, all, at, part.length);
      at += part.length;
    }
    return all;
  }

  /// Reads one message from a blocking channel; empty at the end of the stream.
  static byte[] receive(SocketChannel channel) throws IOException {
    ByteBuffer header = little(16);
    if (!fill(channel, header)) {
      return new byte[0];
    }
    byte[] whole = new byte[header.getInt(4)];
    fill(channel, ByteBuffer.wrap(whole).put(header.flip()));
    return whole;
  }

  static void send(SocketChannel channel, byte[] bytes) throws IOException {
    ByteBuffer left = ByteBuffer.wrap(bytes);
    while (left.hasRemaining()) {
      channel.write(left);
    }
  }

  private static boolean fill(SocketChannel channel, ByteBuffer into) throws IOException {
    while (into.hasRemaining()) {
      if (channel.read(into) < 0) {
        return false;
      }
    }
    return true;
  }

  private static ByteBuffer little(int length) {
    return ByteBuffer.allocate(length).order(ByteOrder.LITTLE_ENDIAN);
  }
}
