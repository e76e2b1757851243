package io.vpasid.vmm.frontend;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;

/// Guest memory that this process has mapped: ranges of guest-physical addresses, each a native
/// memory segment.
///
/// What is mapped never changes; a VMM whose guest's memory map changes makes another one. Accesses
/// find the range by binary search, and allocate nothing but what [#read] and [#write] need for a
/// view of the range.
public final class MappedGuestMemory implements GuestMemory {
  private static final VarHandle LONG =
      MethodHandles.byteBufferViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
  private static final VarHandle INT =
      MethodHandles.byteBufferViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);

  /// Bytes of one buffer: an offset into it is an `int`.
  private static final long PIECE = 1L << 30;

  /// First addresses, ascending as unsigned numbers.
  private final long[] starts;

  private final ByteBuffer[] buffers;

  private MappedGuestMemory(long[] starts, ByteBuffer[] buffers) {
    this.starts = starts;
    this.buffers = buffers;
  }

  /// A range of guest memory.
  ///
  /// @param address guest-physical address of its first byte, a multiple of 4096
  /// @param segment its bytes: native (a mapping, not an array), its size a multiple of 4096; if it
  ///   is read-only, so is this range of the guest
  public record Range(long address, MemorySegment segment) {

    /// @throws IllegalArgumentException if something is not as it should be
    public Range {
      if (!segment.isNative()) {
        throw new IllegalArgumentException(
            "Memory of a guest is native: an array cannot be changed by the guest.");
      }
      if ((address & 0xfff) != 0
          || (segment.byteSize() & 0xfff) != 0
          || (segment.address() & 0xfff) != 0
          || segment.byteSize() == 0) {
        throw new IllegalArgumentException(
            "A range of guest memory is whole pages of 4096 bytes, not "
                + segment.byteSize()
                + " bytes at 0x"
                + Long.toHexString(address)
                + ".");
      }
      if (Long.compareUnsigned(address + (segment.byteSize() - 1), address) < 0) {
        throw new IllegalArgumentException(
            "The range at 0x" + Long.toHexString(address) + " goes beyond the last address.");
      }
    }
  }

  /// Guest memory of these ranges; other addresses are not memory.
  ///
  /// @param ranges in any order
  /// @throws IllegalArgumentException if two of them overlap
  public static MappedGuestMemory of(Range... ranges) {
    return of(Arrays.asList(ranges));
  }

  /// Guest memory of these ranges; other addresses are not memory.
  ///
  /// @param ranges in any order
  /// @throws IllegalArgumentException if two of them overlap
  public static MappedGuestMemory of(List<Range> ranges) {
    List<Range> sorted = new ArrayList<>(ranges);
    sorted.sort(Comparator.comparing(Range::address, Long::compareUnsigned));
    List<Long> starts = new ArrayList<>();
    List<ByteBuffer> buffers = new ArrayList<>();
    long last = 0;
    for (int i = 0; i < sorted.size(); i++) {
      Range range = sorted.get(i);
      if (i > 0 && Long.compareUnsigned(range.address, last) <= 0) {
        throw new IllegalArgumentException(
            "Two ranges of guest memory overlap at 0x" + Long.toHexString(range.address) + ".");
      }
      last = range.address + (range.segment.byteSize() - 1);
      for (long at = 0; at < range.segment.byteSize(); at += PIECE) {
        long size = Math.min(PIECE, range.segment.byteSize() - at);
        starts.add(range.address + at);
        buffers.add(range.segment.asSlice(at, size).asByteBuffer().order(ByteOrder.LITTLE_ENDIAN));
      }
    }
    return new MappedGuestMemory(
        starts.stream().mapToLong(Long::longValue).toArray(), buffers.toArray(ByteBuffer[]::new));
  }

  @Override
  public long loadLong(long address) throws GuestMemoryException {
    int piece = piece(address, Long.BYTES);
    return (long) LONG.getAcquire(buffers[piece], (int) (address - starts[piece]));
  }

  @Override
  public int loadInt(long address) throws GuestMemoryException {
    int piece = piece(address, Integer.BYTES);
    return (int) INT.getAcquire(buffers[piece], (int) (address - starts[piece]));
  }

  @Override
  public void storeLong(long address, long value) throws GuestMemoryException {
    int piece = writable(address, piece(address, Long.BYTES));
    LONG.setRelease(buffers[piece], (int) (address - starts[piece]), value);
  }

  @Override
  public void storeInt(long address, int value) throws GuestMemoryException {
    int piece = writable(address, piece(address, Integer.BYTES));
    INT.setRelease(buffers[piece], (int) (address - starts[piece]), value);
  }

  @Override
  public boolean compareAndSetLong(long address, long expected, long value)
      throws GuestMemoryException {
    int piece = writable(address, piece(address, Long.BYTES));
    return LONG.compareAndSet(buffers[piece], (int) (address - starts[piece]), expected, value);
  }

  @Override
  public void loadLongs(long address, long[] words, int count) throws GuestMemoryException {
    int piece = piece(address, Long.BYTES);
    ByteBuffer buffer = buffers[piece];
    int offset = (int) (address - starts[piece]);
    if (buffer.capacity() - offset < count * Long.BYTES) {
      GuestMemory.super.loadLongs(address, words, count);
      return;
    }
    words[0] = (long) LONG.getAcquire(buffer, offset);
    for (int i = 1; i < count; i++) {
      words[i] = (long) LONG.get(buffer, offset + i * Long.BYTES);
    }
  }

  @Override
  public void read(long address, ByteBuffer destination) throws GuestMemoryException {
    long at = address;
    while (destination.hasRemaining()) {
      int piece = find(at);
      int offset = (int) (at - starts[piece]);
      int length = Math.min(destination.remaining(), buffers[piece].capacity() - offset);
      destination.put(buffers[piece].slice(offset, length));
      at += length;
    }
  }

  @Override
  public void write(long address, ByteBuffer source) throws GuestMemoryException {
    long at = address;
    while (source.hasRemaining()) {
      int piece = writable(at, find(at));
      int offset = (int) (at - starts[piece]);
      int length = Math.min(source.remaining(), buffers[piece].capacity() - offset);
      buffers[piece].slice(offset, length).put(source.slice(source.position(), length));
      source.position(source.position() + length);
      at += length;
    }
  }

  private int piece(long address, int width) throws GuestMemoryException {
    if ((address & width - 1) != 0) {
      throw new IllegalArgumentException(
          "0x" + Long.toHexString(address) + " is not a multiple of " + width + ".");
    }
    return find(address);
  }

  private int writable(long address, int piece) throws GuestMemoryException {
    if (buffers[piece].isReadOnly()) {
      throw new GuestMemoryException(address, "is read-only");
    }
    return piece;
  }

  /// The piece that holds an address. Pieces are whole pages, so an aligned access that begins in
  /// one ends in it.
  private int find(long address) throws GuestMemoryException {
    int low = 0;
    int high = starts.length - 1;
    while (low <= high) {
      int middle = (low + high) >>> 1;
      if (Long.compareUnsigned(starts[middle], address) > 0) {
        high = middle - 1;
      } else if (Long.compareUnsigned(address - starts[middle], buffers[middle].capacity()) >= 0) {
        low = middle + 1;
      } else {
        return middle;
      }
    }
    throw new GuestMemoryException(address, "is not memory");
  }
}
