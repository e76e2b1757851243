package io.vpasid.guest.vfiouser;

import io.vpasid.vmm.linux.calls.SharedFile;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// A window of the client's memory that the device may use for DMA.
public final class DmaWindow {
  private final long address;
  private final long size;
  private final int flags;
  private final @Nullable SharedFile file;

  DmaWindow(long address, long size, int flags, @Nullable SharedFile file) {
    this.address = address;
    this.size = size;
    this.flags = flags;
    this.file = file;
  }

  /// Address of its first byte, as the device uses it; unsigned.
  public long address() {
    return address;
  }

  /// Number of bytes, unsigned; not 0.
  public long size() {
    return size;
  }

  /// Address of its last byte, unsigned.
  long last() {
    return address + size - 1;
  }

  /// True if the device may read it.
  public boolean isReadable() {
    return (flags & Payload.DmaMap.READABLE) != 0;
  }

  /// True if the device may write it.
  public boolean isWritable() {
    return (flags & Payload.DmaMap.WRITABLE) != 0;
  }

  /// The window in this process's memory, for hardware that is to reach it. The client keeps the
  /// memory and may take pages away, so this process must not touch it itself.
  ///
  /// @return empty if the client shares no file; valid until the device is told that the window is
  ///   gone
  /// @throws IOException if it cannot be mapped
  public Optional<MemorySegment> memory() throws IOException {
    return file == null ? Optional.empty() : Optional.of(file.map());
  }

  /// The window in this process's memory, for this process to read and, if it is writable, write.
  /// It changes at any time.
  ///
  /// @return empty if the client shares no file, or can still shorten the one it shares; valid
  ///   until the device is told that the window is gone
  /// @throws IOException if it cannot be mapped
  public Optional<MemorySegment> sealedMemory() throws IOException {
    return file == null ? Optional.empty() : file.sealed();
  }

  Optional<SharedFile> file() {
    return Optional.ofNullable(file);
  }

  void close() {
    if (file != null) {
      file.close();
    }
  }
}
