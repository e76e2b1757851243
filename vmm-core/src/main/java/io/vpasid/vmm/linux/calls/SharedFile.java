package io.vpasid.vmm.linux.calls;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.Optional;

/// A part of a file, such as a guest's memory, whose descriptor a peer has sent; [SharedFiles]
/// opens them.
///
/// The peer keeps the file and may do with it what it likes. For any number of threads, but
/// [#close] must not meet an access, and comes from the thread that opened it.
public final class SharedFile implements AutoCloseable {
  private final OpenFile file;
  private final long offset;
  private final long size;
  private final Runnable release;

  /// @param release is run at the end
  SharedFile(OpenFile file, long offset, long size, Runnable release) {
    this.file = file;
    this.offset = offset;
    this.size = size;
    this.release = release;
  }

  /// Fills a buffer.
  ///
  /// @param at of the first byte within the part; all bytes lie within it
  /// @throws IOException if the file has become shorter, or cannot be read
  public void read(long at, ByteBuffer destination) throws IOException {
    file.read(offset + at, destination);
  }

  /// Writes what a buffer has left.
  ///
  /// @param at of the first byte within the part; all bytes lie within it
  /// @throws IOException if the file has become shorter, or cannot be written
  public void write(long at, ByteBuffer source) throws IOException {
    file.write(offset + at, source);
  }

  /// The part in this process's memory, which this process may read and write.
  ///
  /// @return empty if the peer can shorten the file; valid as long as [#close] has not been called
  /// @throws IOException if there are too many mappings, or the file cannot be mapped
  public Optional<MemorySegment> sealed() throws IOException {
    return file.cannotShrink() ? Optional.of(map()) : Optional.empty();
  }

  /// The part in this process's memory, for hardware that is to reach it. Where the peer can
  /// shorten the file, this process must not touch it.
  ///
  /// @return as long as [#close] has not been called
  /// @throws IOException if there are too many mappings, or the file cannot be mapped
  public MemorySegment map() throws IOException {
    try {
      return file.map().asSlice(offset, size);
    } catch (SystemCallException e) {
      throw new IOException(e.getMessage(), e);
    }
  }

  /// Gives it up; what is mapped goes with the last part of its file.
  @Override
  public void close() {
    release.run();
  }
}
