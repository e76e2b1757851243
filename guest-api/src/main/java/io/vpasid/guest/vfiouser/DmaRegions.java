package io.vpasid.guest.vfiouser;

import io.netty.channel.unix.FileDescriptor;
import io.vpasid.guest.socket.Descriptors;
import io.vpasid.vmm.linux.Errno;
import io.vpasid.vmm.linux.calls.MemoryBudget;
import io.vpasid.vmm.linux.calls.SharedFile;
import io.vpasid.vmm.linux.calls.SharedFiles;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// The windows of client memory that a device may use for DMA, and the bytes in those of which the
/// client shares the file.
///
/// Windows come and go on the session's thread; a device reads and writes on any. A window goes
/// when no access is under way in it, as the specification wants before it is unmapped.
final class DmaRegions {
  private static final Logger LOG = LoggerFactory.getLogger(DmaRegions.class);

  private final int limit;
  private final VfioUserDevice device;
  private final FaultGuard guard;
  private final SharedFiles files;
  private final ReadWriteLock lock = new ReentrantReadWriteLock();

  /// By address. Changed with the lock for writing.
  private final NavigableMap<Long, DmaWindow> windows = new TreeMap<>(Long::compareUnsigned);

  /// No windows yet.
  ///
  /// @param limit how many there may be
  /// @param budget what the files in which they are may take
  /// @param device is asked about each
  DmaRegions(int limit, MemoryBudget budget, VfioUserDevice device, FaultGuard guard) {
    this.limit = limit;
    files = new SharedFiles(budget);
    this.device = device;
    this.guard = guard;
  }

  /// Adds a window. One that overlaps another is refused with EEXIST, as the specification says.
  ///
  /// @param descriptors none, or the file in which the window's bytes are
  Outcome map(Payload.DmaMap request, Descriptors descriptors) {
    long address = request.address();
    long last = address + request.size() - 1;
    if (request.size() == 0 || Long.compareUnsigned(last, address) < 0) {
      return Outcome.refused(Errno.EINVAL, "The window is empty or runs past 2^64.");
    }
    if (reaching(address, windows.floorEntry(last)) != null) {
      return Outcome.refused(Errno.EEXIST, "The window overlaps another.");
    }
    if (windows.size() >= limit) {
      return Outcome.refused(Errno.ENOSPC, "There are " + limit + " windows already.");
    }
    Optional<SharedFile> file = Optional.empty();
    List<FileDescriptor> sent = descriptors.take();
    if (!sent.isEmpty()) {
      switch (open(request, sent)) {
        case SharedFiles.Opening.Opened opened -> file = Optional.of(opened.part());
        case SharedFiles.Opening.NotUsable _ -> LOG.debug("The file of a window is not usable.");
        case SharedFiles.Opening.Unusable refused -> {
          return Outcome.refused(refused.errno(), refused.reason());
        }
      }
    }
    DmaWindow window = new DmaWindow(address, request.size(), request.flags(), file.orElse(null));
    Outcome outcome = guard.guarded("DMA_MAP", () -> device.dmaMapped(window));
    switch (outcome) {
      case Outcome.Done _ -> {
        lock.writeLock().lock();
        try {
          windows.put(address, window);
        } finally {
          lock.writeLock().unlock();
        }
      }
      case Outcome.Failed _ -> window.close();
    }
    return outcome;
  }

  private SharedFiles.Opening open(Payload.DmaMap request, List<FileDescriptor> descriptors) {
    try {
      return files.open(
          descriptors.getFirst().intValue(),
          request.offset(),
          request.size(),
          (request.flags() & Payload.DmaMap.WRITABLE) != 0);
    } finally {
      descriptors.forEach(Descriptors::close);
    }
  }

  /// Whether the windows of a range can be removed: the window with exactly this address and size,
  /// or all windows that lie within it. A client with a vIOMMU invalidates ranges without knowing
  /// what is mapped there, and a window that stayed behind would stand in the way of the next.
  Outcome mayUnmap(long address, long size) {
    long last = address + size - 1;
    if (size == 0 || Long.compareUnsigned(last, address) < 0) {
      return Outcome.refused(Errno.EINVAL, "The range is empty or runs past 2^64.");
    }
    NavigableMap<Long, DmaWindow> within = windows.subMap(address, true, last, true);
    boolean cutsBelow = reaching(address, windows.lowerEntry(address)) != null;
    boolean cutsAbove =
        !within.isEmpty() && Long.compareUnsigned(within.lastEntry().getValue().last(), last) > 0;
    if (cutsBelow || cutsAbove) {
      return Outcome.refused(Errno.EINVAL, "The range cuts a window in two.");
    }
    return within.isEmpty()
        ? Outcome.refused(Errno.ENOENT, "Nothing is mapped there.")
        : Outcome.done();
  }

  /// The window of `entry`, if it ends at `address` or behind it.
  private static @Nullable DmaWindow reaching(
      long address, Map.@Nullable Entry<Long, DmaWindow> entry) {
    return entry != null && Long.compareUnsigned(entry.getValue().last(), address) >= 0
        ? entry.getValue()
        : null;
  }

  /// Removes windows of a range, as many as the turn has time for.
  ///
  /// @param last address of the last byte of the range
  /// @return whether none is left
  boolean unmap(long address, long last, Turn turn) {
    return remove(windows.subMap(address, true, last, true), turn);
  }

  /// Removes windows, as many as the turn has time for.
  ///
  /// @return whether none is left
  boolean clear(Turn turn) {
    return remove(windows, turn);
  }

  private boolean remove(NavigableMap<Long, DmaWindow> which, Turn turn) {
    List<DmaWindow> gone = new ArrayList<>(Turn.STEPS);
    do {
      gone.clear();
      lock.writeLock().lock();
      try {
        Iterator<DmaWindow> some = which.values().iterator();
        while (gone.size() < Turn.STEPS && some.hasNext()) {
          gone.add(some.next());
          some.remove();
        }
      } finally {
        lock.writeLock().unlock();
      }
      for (DmaWindow window : gone) {
        guard.guarded("DMA_UNMAP", () -> device.dmaUnmapped(window));
        window.close();
      }
    } while (!which.isEmpty() && turn.hasTime());
    return which.isEmpty();
  }

  // The bytes

  /// What a piece of an access came to.
  sealed interface Piece {
    /// The buffer's position is behind what was copied, at least one byte.
    record Copied() implements Piece {
      static final Copied INSTANCE = new Copied();
    }

    /// The client has to be asked for so many bytes.
    record Ask(int count) implements Piece {}

    /// It cannot be done.
    record Unreachable(Errno errno, String reason) implements Piece {}
  }

  /// Reads what lies in the window of the first byte, if its file is shared.
  ///
  /// @param destination has room for at least one byte
  Piece read(long address, ByteBuffer destination) {
    return access(address, destination, false);
  }

  /// Writes what lies in the window of the first byte, if its file is shared.
  ///
  /// @param source has at least one byte
  Piece write(long address, ByteBuffer source) {
    return access(address, source, true);
  }

  /// True if a window has this address.
  boolean isMapped(long address) {
    lock.readLock().lock();
    try {
      return reaching(address, windows.floorEntry(address)) != null;
    } finally {
      lock.readLock().unlock();
    }
  }

  private Piece access(long address, ByteBuffer buffer, boolean writing) {
    lock.readLock().lock();
    try {
      DmaWindow window = reaching(address, windows.floorEntry(address));
      if (window == null) {
        return new Piece.Unreachable(
            Errno.EFAULT, "Nothing is mapped at 0x" + Long.toHexString(address) + ".");
      }
      if (!(writing ? window.isWritable() : window.isReadable())) {
        return new Piece.Unreachable(
            Errno.EPERM,
            "The window at 0x" + Long.toHexString(window.address()) + " is not for that.");
      }
      long room = window.last() - address;
      int count =
          Long.compareUnsigned(room, buffer.remaining()) < 0 ? (int) room + 1 : buffer.remaining();
      if (window.file().isEmpty()) {
        return new Piece.Ask(count);
      }
      copy(window.file().get(), address - window.address(), buffer, count, writing);
      return Piece.Copied.INSTANCE;
    } catch (IOException e) {
      return new Piece.Unreachable(Errno.EIO, String.valueOf(e.getMessage()));
    } finally {
      lock.readLock().unlock();
    }
  }

  private static void copy(SharedFile file, long at, ByteBuffer buffer, int count, boolean writing)
      throws IOException {
    int limit = buffer.limit();
    buffer.limit(buffer.position() + count);
    try {
      if (writing) {
        file.write(at, buffer);
      } else {
        file.read(at, buffer);
      }
    } finally {
      buffer.limit(limit);
    }
  }
}
