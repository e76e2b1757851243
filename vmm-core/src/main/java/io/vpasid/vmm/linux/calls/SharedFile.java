package io.vpasid.vmm.linux.calls;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import org.jspecify.annotations.Nullable;

/// A part of a file, such as a guest's memory, whose descriptor a peer has sent; [SharedFiles]
/// opens them.
///
/// The peer keeps the file and may do with it what it likes. One that it can still shorten is never
/// read or written through a mapping, because a page that is gone would fault here; one that is
/// sealed against that (`F_SEAL_SHRINK`, as QEMU's memory backends are) is mapped.
///
/// For any number of threads, but [#close] must not meet an access.
public final class SharedFile implements AutoCloseable {
  private final FileChannel channel;
  private final Runnable release;
  private final long offset;
  private final long size;
  private final boolean writable;
  private final Arena arena = Arena.ofShared();
  private final @Nullable MemorySegment sealed;
  private @Nullable MemorySegment mapped;

  /// A part of an open file.
  ///
  /// @param channel the file
  /// @param cannotShrink whether it is sealed
  /// @param release is run at the end
  SharedFile(
      FileChannel channel,
      long offset,
      long size,
      boolean writable,
      boolean cannotShrink,
      Runnable release)
      throws IOException {
    this.channel = channel;
    this.release = release;
    this.offset = offset;
    this.size = size;
    this.writable = writable;
    this.sealed = cannotShrink ? map() : null;
  }

  /// Fills a buffer.
  ///
  /// @param at of the first byte within the part; all bytes lie within it
  /// @throws IOException if the file has become shorter, or cannot be read
  public void read(long at, ByteBuffer destination) throws IOException {
    if (sealed != null) {
      destination.put(sealed.asSlice(at, destination.remaining()).asByteBuffer());
      return;
    }
    long position = offset + at;
    while (destination.hasRemaining()) {
      int count = channel.read(destination, position);
      if (count <= 0) {
        throw new IOException("The file that was sent has become shorter.");
      }
      position += count;
    }
  }

  /// Writes what a buffer has left.
  ///
  /// @param at of the first byte within the part; all bytes lie within it
  /// @throws IOException if the file has become shorter, or cannot be written
  public void write(long at, ByteBuffer source) throws IOException {
    if (sealed != null) {
      sealed.asSlice(at, source.remaining()).asByteBuffer().put(source);
      return;
    }
    long position = offset + at;
    // A write behind the end would make the file grow again.
    if (channel.size() < position + source.remaining()) {
      throw new IOException("The file that was sent has become shorter.");
    }
    while (source.hasRemaining()) {
      position += channel.write(source, position);
    }
  }

  /// The part in this process's memory, for hardware that is to reach it. Where the peer can
  /// shorten the file, this process must not touch it.
  ///
  /// @return as long as [#close] has not been called
  public synchronized MemorySegment map() throws IOException {
    if (mapped == null) {
      mapped =
          channel.map(
              writable ? FileChannel.MapMode.READ_WRITE : FileChannel.MapMode.READ_ONLY,
              offset,
              size,
              arena);
    }
    return mapped;
  }

  /// Gives it up, mapping included.
  @Override
  public void close() {
    arena.close();
    release.run();
  }
}
