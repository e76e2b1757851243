package io.vpasid.guest.iommu;

import io.vpasid.guest.vfiouser.DmaWindow;
import io.vpasid.guest.vfiouser.Outcome;
import io.vpasid.vmm.frontend.GuestMemory;
import io.vpasid.vmm.frontend.GuestMemoryException;
import io.vpasid.vmm.frontend.MappedGuestMemory;
import io.vpasid.vmm.frontend.MappedGuestMemory.Range;
import io.vpasid.vmm.frontend.nested.HostMemory;
import io.vpasid.vmm.iommufd.IoasId;
import io.vpasid.vmm.iommufd.IommufdBackend;
import io.vpasid.vmm.iommufd.IommufdException;
import io.vpasid.vmm.iommufd.IovaAccess;
import io.vpasid.vmm.linux.Errno;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.function.BiConsumer;

/// A client's memory as its virtual IOMMU needs it: to read tables from, and to map for DMA of the
/// functions behind it.
///
/// Only what the client shares as a file that it cannot shorten is memory here, as QEMU's
/// `memory-backend-memfd` is with `share=on`. Windows come and go while the unit works; an access
/// that is under way holds a window that is about to go.
final class ClientWindows implements GuestMemory {
  private final IommufdBackend iommufd;
  private final IoasId ioas;
  private final ReadWriteLock lock = new ReentrantReadWriteLock();
  private final Held toRead = lock.readLock()::unlock;
  private final Held toWrite = lock.writeLock()::unlock;
  private final NavigableMap<Long, Range> ranges = new TreeMap<>(Long::compareUnsigned);

  /// Who is told of memory that is about to go: its address and length.
  private BiConsumer<Long, Long> beforeUnmap = (_, _) -> {};

  // While held
  private MappedGuestMemory mapped = MappedGuestMemory.of();
  private HostMemory host = HostMemory.of(List.of());

  /// No windows yet.
  ///
  /// @param ioas gets them all
  ClientWindows(IommufdBackend iommufd, IoasId ioas) {
    this.iommufd = iommufd;
    this.ioas = ioas;
  }

  /// Keeps the windows as they are until it is closed.
  private interface Held extends AutoCloseable {
    @Override
    void close();
  }

  private Held reading() {
    lock.readLock().lock();
    return toRead;
  }

  private Held writing() {
    lock.writeLock().lock();
    return toWrite;
  }

  void beforeUnmap(BiConsumer<Long, Long> told) {
    beforeUnmap = told;
  }

  /// The memory to map for DMA.
  HostMemory host() {
    return (address, length) -> {
      try (Held _ = reading()) {
        return host.at(address, length);
      }
    };
  }

  /// A window is added, if it is memory here.
  Outcome add(DmaWindow window) {
    boolean isWholePages = ((window.address() | window.size()) & 0xfff) == 0;
    if (!isWholePages || !window.isReadable()) {
      return Outcome.done();
    }
    try {
      Optional<MemorySegment> memory = window.sealedMemory();
      memory.ifPresent(segment -> add(window.address(), segment, window.isWritable()));
      return Outcome.done();
    } catch (IommufdException e) {
      return Outcome.refused(e.errno(), String.valueOf(e.getMessage()));
    } catch (IOException e) {
      return Outcome.refused(Errno.EIO, String.valueOf(e.getMessage()));
    }
  }

  /// Memory is added that is mapped here.
  ///
  /// @throws IommufdException if the kernel refuses it; nothing is added then
  void add(long address, MemorySegment segment, boolean writable) {
    iommufd.mapAt(ioas, address, segment, new IovaAccess(true, writable));
    try (Held _ = writing()) {
      ranges.put(address, new Range(address, writable ? segment : segment.asReadOnly()));
      rebuild();
    }
  }

  /// A window goes when this returns.
  void remove(DmaWindow window) {
    try (Held _ = writing()) {
      if (ranges.remove(window.address()) == null) {
        return;
      }
      rebuild();
    }
    beforeUnmap.accept(window.address(), window.size());
    iommufd.unmap(ioas, window.address(), window.size());
  }

  private void rebuild() {
    mapped = MappedGuestMemory.of(List.copyOf(ranges.values()));
    host = HostMemory.of(List.copyOf(ranges.values()));
  }

  @Override
  public long loadLong(long address) throws GuestMemoryException {
    try (Held _ = reading()) {
      return mapped.loadLong(address);
    }
  }

  @Override
  public int loadInt(long address) throws GuestMemoryException {
    try (Held _ = reading()) {
      return mapped.loadInt(address);
    }
  }

  @Override
  public void loadLongs(long address, long[] words, int count) throws GuestMemoryException {
    try (Held _ = reading()) {
      mapped.loadLongs(address, words, count);
    }
  }

  @Override
  public void storeLong(long address, long value) throws GuestMemoryException {
    try (Held _ = reading()) {
      mapped.storeLong(address, value);
    }
  }

  @Override
  public void storeInt(long address, int value) throws GuestMemoryException {
    try (Held _ = reading()) {
      mapped.storeInt(address, value);
    }
  }

  @Override
  public boolean compareAndSetLong(long address, long expected, long value)
      throws GuestMemoryException {
    try (Held _ = reading()) {
      return mapped.compareAndSetLong(address, expected, value);
    }
  }

  @Override
  public void read(long address, ByteBuffer destination) throws GuestMemoryException {
    try (Held _ = reading()) {
      mapped.read(address, destination);
    }
  }

  @Override
  public void write(long address, ByteBuffer source) throws GuestMemoryException {
    try (Held _ = reading()) {
      mapped.write(address, source);
    }
  }
}
