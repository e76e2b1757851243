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

  /// Ascending by first address, as unsigned numbers.
  private final Piece[] pieces;

  /// The one that was accessed last: a guest's tables and queues lie close together. Threads may
  /// see that of another one, which costs them a search.
  private Piece last;

  private MappedGuestMemory(Piece[] pieces) {
    this.pieces = pieces;
    last = pieces.length == 0 ? new Piece(0, ByteBuffer.allocate(0)) : pieces[0];
  }

  /// A range, or a part of it that one buffer can hold. Whole pages, so an aligned access that
  /// begins in it ends in it.
  private static final class Piece {
    /// Bytes of one buffer: an offset into it is an `int`.
    static final long MOST = 1L << 30;

    final long start;
    final long size;
    final ByteBuffer buffer;

    Piece(long start, ByteBuffer buffer) {
      this.start = start;
      this.size = buffer.capacity();
      this.buffer = buffer;
    }

    boolean holds(long address) {
      return Long.compareUnsigned(address - start, size) < 0;
    }

    int offset(long address) {
      return (int) (address - start);
    }
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
            "A range of guest memory is whole pages of 4096 bytes, not %s bytes at 0x%s."
                .formatted(segment.byteSize(), Long.toHexString(address)));
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
    List<Piece> pieces = new ArrayList<>();
    long last = 0;
    for (int i = 0; i < sorted.size(); i++) {
      Range range = sorted.get(i);
      if (i > 0 && Long.compareUnsigned(range.address, last) <= 0) {
        throw new IllegalArgumentException(
            "Two ranges of guest memory overlap at 0x" + Long.toHexString(range.address) + ".");
      }
      last = range.address + (range.segment.byteSize() - 1);
      for (long at = 0; at < range.segment.byteSize(); at += Piece.MOST) {
        long size = Math.min(Piece.MOST, range.segment.byteSize() - at);
        ByteBuffer buffer = range.segment.asSlice(at, size).asByteBuffer();
        pieces.add(new Piece(range.address + at, buffer.order(ByteOrder.LITTLE_ENDIAN)));
      }
    }
    return new MappedGuestMemory(pieces.toArray(Piece[]::new));
  }

  @Override
  public long loadLong(long address) throws GuestMemoryException {
    Piece piece = piece(address, Long.BYTES);
    return (long) LONG.getAcquire(piece.buffer, piece.offset(address));
  }

  @Override
  public int loadInt(long address) throws GuestMemoryException {
    Piece piece = piece(address, Integer.BYTES);
    return (int) INT.getAcquire(piece.buffer, piece.offset(address));
  }

  @Override
  public void storeLong(long address, long value) throws GuestMemoryException {
    Piece piece = writable(address, piece(address, Long.BYTES));
    LONG.setRelease(piece.buffer, piece.offset(address), value);
  }

  @Override
  public void storeInt(long address, int value) throws GuestMemoryException {
    Piece piece = writable(address, piece(address, Integer.BYTES));
    INT.setRelease(piece.buffer, piece.offset(address), value);
  }

  @Override
  public boolean compareAndSetLong(long address, long expected, long value)
      throws GuestMemoryException {
    Piece piece = writable(address, piece(address, Long.BYTES));
    return LONG.compareAndSet(piece.buffer, piece.offset(address), expected, value);
  }

  @Override
  public void loadLongs(long address, long[] words, int count) throws GuestMemoryException {
    Piece piece = piece(address, Long.BYTES);
    ByteBuffer buffer = piece.buffer;
    int offset = piece.offset(address);
    if (piece.size - offset < (long) count * Long.BYTES) {
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
      Piece piece = find(at);
      int offset = piece.offset(at);
      int length = (int) Math.min(destination.remaining(), piece.size - offset);
      destination.put(piece.buffer.slice(offset, length));
      at += length;
    }
  }

  @Override
  public void write(long address, ByteBuffer source) throws GuestMemoryException {
    long at = address;
    while (source.hasRemaining()) {
      Piece piece = writable(at, find(at));
      int offset = piece.offset(at);
      int length = (int) Math.min(source.remaining(), piece.size - offset);
      piece.buffer.slice(offset, length).put(source.slice(source.position(), length));
      source.position(source.position() + length);
      at += length;
    }
  }

  private Piece piece(long address, int width) throws GuestMemoryException {
    if ((address & width - 1) != 0) {
      throw new IllegalArgumentException(
          "0x" + Long.toHexString(address) + " is not a multiple of " + width + ".");
    }
    return find(address);
  }

  private static Piece writable(long address, Piece piece) throws GuestMemoryException {
    if (piece.buffer.isReadOnly()) {
      throw new GuestMemoryException(address, "is read-only");
    }
    return piece;
  }

  /// The piece that holds an address.
  private Piece find(long address) throws GuestMemoryException {
    Piece piece = last;
    return piece.holds(address) ? piece : search(address);
  }

  private Piece search(long address) throws GuestMemoryException {
    int low = 0;
    int high = pieces.length - 1;
    while (low <= high) {
      int middle = (low + high) >>> 1;
      Piece piece = pieces[middle];
      if (piece.holds(address)) {
        last = piece;
        return piece;
      }
      if (Long.compareUnsigned(piece.start, address) > 0) {
        high = middle - 1;
      } else {
        low = middle + 1;
      }
    }
    throw new GuestMemoryException(address, "is not memory");
  }
}
