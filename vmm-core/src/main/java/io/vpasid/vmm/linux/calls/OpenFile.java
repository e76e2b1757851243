package io.vpasid.vmm.linux.calls;

import io.vpasid.vmm.linux.Errno;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/// A file that a peer has sent and of which parts are in use: mapped as a whole if the peer cannot
/// shorten it (`F_SEAL_SHRINK`, as QEMU's memory backends are), else open, because a page that is
/// gone would fault in a mapping here.
///
/// The parts are counted on one thread; they are used on any.
final class OpenFile {
  private final long length;
  private final boolean writable;
  private final boolean cannotShrink;
  private final MemoryBudget budget;
  private final int descriptor;
  private final Arena arena = Arena.ofShared();
  private @Nullable MemorySegment mapped;
  private int parts;

  private OpenFile(
      int descriptor, long length, boolean writable, boolean cannotShrink, MemoryBudget budget) {
    this.descriptor = descriptor;
    this.length = length;
    this.writable = writable;
    this.cannotShrink = cannotShrink;
    this.budget = budget;
  }

  /// Maps a file, or keeps it open.
  ///
  /// @param sent stays its owner's to close
  /// @throws SystemCallException with ENOSPC if the budget is used up, or with what the kernel says
  static OpenFile open(
      int sent, long length, boolean writable, boolean cannotShrink, MemoryBudget budget) {
    if (!budget.files().take(1)) {
      throw new SystemCallException(Errno.ENOSPC, "dup", "too many files are in use");
    }
    if (!budget.descriptors().take(1)) {
      budget.files().giveBack(1);
      throw new SystemCallException(Errno.ENOSPC, "dup", "too many descriptors are open");
    }
    int own = FileCalls.duplicate(sent);
    if (own < 0) {
      giveBack(budget);
      throw new SystemCallException(new Errno(-own), "dup", "");
    }
    OpenFile file = new OpenFile(own, length, writable, cannotShrink, budget);
    if (cannotShrink) {
      try {
        var _ = file.map();
      } catch (SystemCallException e) {
        file.close();
        throw e;
      }
    }
    return file;
  }

  long length() {
    return length;
  }

  boolean cannotShrink() {
    return cannotShrink;
  }

  /// A part, which is to be closed.
  ///
  /// @param last is run when no part is in use any more, before the file is closed
  SharedFile part(long offset, long size, Runnable last) {
    parts++;
    return new SharedFile(
        this,
        offset,
        size,
        () -> {
          if (--parts == 0) {
            last.run();
            close();
          }
        });
  }

  /// The whole file in this process's memory.
  ///
  /// @throws SystemCallException with ENOSPC if the budget is used up, or with what the kernel says
  synchronized MemorySegment map() {
    if (mapped == null) {
      if (!budget.bytes().take(length)) {
        throw new SystemCallException(Errno.ENOSPC, "mmap", "the files are too large together");
      }
      try {
        mapped = FileCalls.map(descriptor, length, writable, arena);
      } catch (SystemCallException e) {
        budget.bytes().giveBack(length);
        throw e;
      }
    }
    return mapped;
  }

  /// Fills a buffer.
  ///
  /// @throws IOException if the file has become shorter, or its memory is not there
  void read(long position, ByteBuffer destination) throws IOException {
    if (cannotShrink) {
      copy(() -> destination.put(at(position, destination.remaining())));
      return;
    }
    MemorySegment into = MemorySegment.ofBuffer(destination);
    for (long done = 0; done < into.byteSize(); ) {
      long count = FileCalls.read(descriptor, into.asSlice(done), position + done);
      if (count <= 0) {
        throw new IOException("The file that was sent has become shorter.");
      }
      done += count;
    }
    destination.position(destination.limit());
  }

  /// Writes what a buffer has left.
  ///
  /// @throws IOException if the file has become shorter, or its memory is not there
  void write(long position, ByteBuffer source) throws IOException {
    if (cannotShrink) {
      copy(() -> at(position, source.remaining()).put(source));
      return;
    }
    MemorySegment from = MemorySegment.ofBuffer(source);
    // A write behind the end would make the file grow again.
    if (Files.size(Path.of("/proc/self/fd", Integer.toString(descriptor)))
        < position + from.byteSize()) {
      throw new IOException("The file that was sent has become shorter.");
    }
    for (long done = 0; done < from.byteSize(); ) {
      long count = FileCalls.write(descriptor, from.asSlice(done), position + done);
      if (count <= 0) {
        throw new IOException("The file that was sent cannot be written.");
      }
      done += count;
    }
    source.position(source.limit());
  }

  private ByteBuffer at(long position, int count) {
    return map().asSlice(position, count).asByteBuffer();
  }

  /// A page may be missing all the same, where the host has no more memory of that kind.
  private static void copy(Runnable copying) throws IOException {
    try {
      copying.run();
    } catch (InternalError e) {
      throw new IOException("The host has no memory for a page of the file that was sent.", e);
    }
  }

  private void close() {
    synchronized (this) {
      arena.close();
      if (mapped != null) {
        budget.bytes().giveBack(length);
      }
    }
    FileCalls.close(descriptor);
    giveBack(budget);
  }

  private static void giveBack(MemoryBudget budget) {
    budget.files().giveBack(1);
    budget.descriptors().giveBack(1);
  }
}
