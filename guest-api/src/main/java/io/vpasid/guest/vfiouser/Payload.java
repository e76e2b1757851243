package io.vpasid.guest.vfiouser;

import java.nio.ByteBuffer;
import java.util.List;
import java.util.OptionalLong;

/// What follows the header: one record for each layout, used by the requests and replies that have
/// it.
///
/// Offsets are from the end of the header. Fields are unsigned and little endian; 32-bit ones are
/// held as `long`, 64-bit ones are to be compared as unsigned. `argsz` in a request is the most
/// that the sender takes as the reply's payload, in a reply what the whole payload needs.
sealed interface Payload {

  /// Nothing: DEVICE_RESET in both directions; the replies to DMA_MAP and DEVICE_SET_IRQS; every
  /// error reply.
  record Empty() implements Payload {
    static final Empty INSTANCE = new Empty();
  }

  /// VERSION, request and reply.
  ///
  /// ```text
  ///  0       2       4
  ///  +-------+-------+-----------------------------+
  ///  | major | minor | JSON in UTF-8, then a NUL   |
  ///  +-------+-------+-----------------------------+
  /// ```
  ///
  /// @param data from offset 4 on, as it came; may be empty
  record Version(int major, int minor, ByteBuffer data) implements Payload {
    static final int LENGTH = 4;
  }

  /// DMA_MAP, request.
  ///
  /// ```text
  ///  0       4       8        16        24     32
  ///  +-------+-------+--------+---------+------+
  ///  | argsz | flags | offset | address | size |
  ///  +-------+-------+--------+---------+------+
  ///           0 readable, 1 writable
  /// ```
  record DmaMap(long argsz, int flags, long offset, long address, long size) implements Payload {
    static final int LENGTH = 32;
    static final int READABLE = 1;
    static final int WRITABLE = 1 << 1;
  }

  /// DMA_UNMAP, request and reply.
  ///
  /// ```text
  ///  0       4       8         16     24
  ///  +-------+-------+---------+------+
  ///  | argsz | flags | address | size |
  ///  +-------+-------+---------+------+
  ///           0 get the dirty bitmap, 1 unmap all
  /// ```
  record DmaUnmap(long argsz, int flags, long address, long size) implements Payload {
    static final int LENGTH = 24;
    static final int GET_DIRTY_BITMAP = 1;
    static final int ALL = 1 << 1;
  }

  /// DEVICE_GET_INFO, request and reply.
  ///
  /// ```text
  ///  0       4       8             12         16
  ///  +-------+-------+-------------+----------+
  ///  | argsz | flags | num_regions | num_irqs |
  ///  +-------+-------+-------------+----------+
  ///           0 RESET, 1 PCI
  /// ```
  record DeviceInfo(long argsz, int flags, long regions, long irqs) implements Payload {
    static final int LENGTH = 16;
    static final int RESET = 1;
    static final int PCI = 1 << 1;
  }

  /// DEVICE_GET_REGION_INFO, request and reply. Capabilities may follow in a reply; none are sent,
  /// and those that come are passed over.
  ///
  /// ```text
  ///  0       4       8       12           16     24       32
  ///  +-------+-------+-------+------------+------+--------+
  ///  | argsz | flags | index | cap_offset | size | offset |
  ///  +-------+-------+-------+------------+------+--------+
  ///           0 READ, 1 WRITE, 2 MMAP, 3 CAPS      for mmap
  /// ```
  record RegionInfo(long argsz, int flags, long index, long capOffset, long size, long offset)
      implements Payload {
    static final int LENGTH = 32;
  }

  /// DEVICE_GET_IRQ_INFO, request and reply.
  ///
  /// ```text
  ///  0       4       8       12      16
  ///  +-------+-------+-------+-------+
  ///  | argsz | flags | index | count |
  ///  +-------+-------+-------+-------+
  ///           0 EVENTFD, 1 MASKABLE, 2 AUTOMASKED, 3 NORESIZE
  /// ```
  record IrqInfo(long argsz, int flags, long index, long count) implements Payload {
    static final int LENGTH = 16;
  }

  /// DEVICE_SET_IRQS, request. `argsz` is its own size here.
  ///
  /// ```text
  ///  0       4       8       12      16      20
  ///  +-------+-------+-------+-------+-------+-------------------+
  ///  | argsz | flags | index | start | count | count booleans    |
  ///  +-------+-------+-------+-------+-------+-------------------+
  ///           2:0 data: NONE, BOOL, EVENTFD      with BOOL only
  ///           5:3 action: MASK, UNMASK, TRIGGER
  /// ```
  ///
  /// @param data from offset 20 on, as it came
  record IrqSet(long argsz, int flags, long index, long start, long count, ByteBuffer data)
      implements Payload {
    static final int LENGTH = 20;
    static final int DATA_NONE = 1;
    static final int DATA_BOOL = 1 << 1;
    static final int DATA_EVENTFD = 1 << 2;
    static final int DATA_MASK = DATA_NONE | DATA_BOOL | DATA_EVENTFD;
    static final int ACTION_MASK = 1 << 3;
    static final int ACTION_UNMASK = 1 << 4;
    static final int ACTION_TRIGGER = 1 << 5;
    static final int ACTIONS = ACTION_MASK | ACTION_UNMASK | ACTION_TRIGGER;
  }

  /// REGION_READ, request; REGION_WRITE, reply.
  ///
  /// ```text
  ///  0        8        12      16
  ///  +--------+--------+-------+
  ///  | offset | region | count |
  ///  +--------+--------+-------+
  /// ```
  record RegionAccess(long offset, long region, long count) implements Payload {
    static final int LENGTH = 16;
  }

  /// REGION_READ, reply; REGION_WRITE, request.
  ///
  /// ```text
  ///  0        8        12      16
  ///  +--------+--------+-------+---------------+
  ///  | offset | region | count | count bytes   |
  ///  +--------+--------+-------+---------------+
  /// ```
  ///
  /// @param data as many bytes as `count` says
  record RegionData(long offset, long region, ByteBuffer data) implements Payload {
    static final int LENGTH = RegionAccess.LENGTH;
  }

  /// REGION_WRITE_MULTI, request: several writes of 8 bytes or less.
  ///
  /// ```text
  ///  0        8        16       20      24       32
  ///  +--------+--------+--------+-------+--------+------
  ///  | wr_cnt | offset | region | count | data   | wr_cnt times in all
  ///  +--------+--------+--------+-------+--------+------
  /// ```
  ///
  /// @param writes in the order in which they are to be done
  record RegionWrites(List<RegionData> writes) implements Payload {
    static final int LENGTH = 8;
    static final int WRITE_LENGTH = 24;
    static final int MAX_DATA = 8;
  }

  /// REGION_WRITE_MULTI, reply: how many of the writes are done, 8 bytes.
  record RegionsWritten(long count) implements Payload {
    static final int LENGTH = 8;
  }

  /// DEVICE_GET_REGION_IO_FDS, request and reply. Descriptions of parts of the region may follow in
  /// a reply; none are sent, and those that come are passed over.
  ///
  /// ```text
  ///  0       4       8       12      16
  ///  +-------+-------+-------+-------+
  ///  | argsz | flags | index | count |
  ///  +-------+-------+-------+-------+
  /// ```
  record RegionIoFds(long argsz, int flags, long index, long count) implements Payload {
    static final int LENGTH = 16;
  }

  /// DEVICE_FEATURE, request and reply.
  ///
  /// ```text
  ///  0       4       8
  ///  +-------+-------+----------+
  ///  | argsz | flags | data     |
  ///  +-------+-------+----------+
  ///           15:0 feature, 16 GET, 17 SET, 18 PROBE
  /// ```
  ///
  /// @param data from offset 8 on, as it came
  record DeviceFeature(long argsz, int flags, ByteBuffer data) implements Payload {
    static final int LENGTH = 8;
    static final int FEATURE_MASK = 0xffff;
    static final int GET = 1 << 16;
    static final int SET = 1 << 17;
    static final int PROBE = 1 << 18;
  }

  /// DMA_READ, request: from server to client.
  ///
  /// ```text
  ///  0         8       16
  ///  +---------+-------+
  ///  | address | count |
  ///  +---------+-------+
  /// ```
  record DmaAccess(long address, long count) implements Payload {
    static final int LENGTH = 16;
  }

  /// DMA_READ, reply; DMA_WRITE, request.
  ///
  /// ```text
  ///  0         8
  ///  +---------+-------------------+
  ///  | address | count and data    |
  ///  +---------+-------------------+
  /// ```
  ///
  /// @param rest from offset 8 on; [DmaLayout] tells count and data apart, which QEMU does in a way
  ///   of its own
  record DmaData(long address, ByteBuffer rest) implements Payload {
    static final int LENGTH = 8;
  }

  /// DMA_WRITE, reply. The specification has a count of 4 bytes where everything else has 8;
  /// libvfio-user expects 8, which is what is sent; QEMU sends nothing at all. All three are
  /// understood.
  ///
  /// ```text
  ///  0         8              12 or 16
  ///  +---------+--------------+
  ///  | address | count        |
  ///  +---------+--------------+
  /// ```
  ///
  /// @param count of the bytes written, if it is told
  record DmaWritten(long address, OptionalLong count) implements Payload {
    static final int SHORT_LENGTH = 12;
    static final int LENGTH = 16;
  }

  /// A command that this codec has no layout for; its payload is not kept.
  record Unknown() implements Payload {
    static final Unknown INSTANCE = new Unknown();
  }

  /// Bytes that do not have the command's layout: too short, too long, or at odds with themselves.
  ///
  /// @param reason a sentence with the numbers
  record Malformed(String reason) implements Payload {}

  /// A header whose message size is impossible, so that nothing after it can be told apart.
  ///
  /// @param reason a sentence with the numbers
  record Broken(String reason) implements Payload {}
}
