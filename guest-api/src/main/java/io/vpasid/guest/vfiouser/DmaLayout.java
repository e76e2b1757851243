package io.vpasid.guest.vfiouser;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Optional;

/// How count and data stand in DMA_READ replies and DMA_WRITE requests, behind the address.
enum DmaLayout {
  /// As the specification has it.
  ///
  /// ```text
  ///  8       16
  ///  +-------+---------------+
  ///  | count | count bytes   |
  ///  +-------+---------------+
  /// ```
  SPECIFICATION {
    @Override
    void putCount(ByteBuffer target, int count) {
      target.putLong(count);
    }

    @Override
    long count(ByteBuffer rest) {
      return rest.getLong(rest.position());
    }

    @Override
    int dataOffset() {
      return 8;
    }
  },

  /// As QEMU has it before 11.1.3: a C structure whose data begins where its padding does
  /// (`hw/vfio-user/protocol.h`, `VFIOUserDMARW`). Later ones have the specification's.
  ///
  /// ```text
  ///  8       12
  ///  +-------+---------------+---------+
  ///  | count | count bytes   | 4 bytes |
  ///  +-------+---------------+---------+
  /// ```
  QEMU {
    @Override
    void putCount(ByteBuffer target, int count) {
      target.putInt(count);
    }

    @Override
    long count(ByteBuffer rest) {
      return Integer.toUnsignedLong(rest.getInt(rest.position()));
    }

    @Override
    int dataOffset() {
      return 4;
    }
  };

  /// Bytes of count, data and padding that are not data: the same in both layouts.
  private static final int OVERHEAD = 8;

  /// What follows the address in a DMA_WRITE that tells the layouts apart and writes nothing: a
  /// count of 2^32 without any data. Where counts have 32 bits it is a write of no bytes, which
  /// succeeds; where they have 64, it claims more than the message holds, and is refused.
  static ByteBuffer probe() {
    return ByteBuffer.allocate(OVERHEAD)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putLong(1L << Integer.SIZE)
        .rewind();
  }

  abstract void putCount(ByteBuffer target, int count);

  /// The count, an unsigned 64-bit number.
  abstract long count(ByteBuffer rest);

  abstract int dataOffset();

  /// What follows the address.
  ///
  /// @param data from position to limit, which stay as they are
  ByteBuffer encode(ByteBuffer data) {
    ByteBuffer rest =
        ByteBuffer.allocate(OVERHEAD + data.remaining()).order(ByteOrder.LITTLE_ENDIAN);
    putCount(rest, data.remaining());
    rest.put(data.duplicate());
    return rest.rewind();
  }

  /// The data of what follows the address; empty if count and length disagree.
  Optional<ByteBuffer> decode(ByteBuffer rest) {
    int length = rest.remaining() - OVERHEAD;
    if (length < 0 || count(rest) != length) {
      return Optional.empty();
    }
    return Optional.of(
        rest.slice(rest.position() + dataOffset(), length).order(ByteOrder.LITTLE_ENDIAN));
  }
}
