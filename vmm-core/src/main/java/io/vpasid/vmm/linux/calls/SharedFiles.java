package io.vpasid.vmm.linux.calls;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// The files of which one peer has sent descriptors.
///
/// A VMM with a virtual IOMMU shares thousands of parts of one file, with a descriptor each, so a
/// file is open once, however many of its parts are in use. Nothing is done with it that its
/// descriptor does not permit. For one thread at a time.
public final class SharedFiles {
  private static final System.Logger LOG = System.getLogger(SharedFiles.class.getName());

  private static final int O_ACCMODE = 3;
  private static final int O_WRONLY = 1;
  private static final int O_RDWR = 2;
  private static final int O_PATH = 0x20_0000;
  private static final int F_SEAL_SHRINK = 2;

  private final Map<Key, Opened> opened = new HashMap<>();

  /// None yet.
  public SharedFiles() {}

  private record Key(Object file, boolean writable) {}

  private static final class Opened {
    final FileChannel channel;
    int parts;

    Opened(FileChannel channel) {
      this.channel = channel;
    }
  }

  /// Opens what a descriptor leads to, with no more rights than the descriptor has.
  ///
  /// @param descriptor stays its owner's to close
  /// @param offset where the part begins, unsigned
  /// @param size of the part in bytes, unsigned
  /// @param writable whether it is to be written, too
  /// @return the part; empty if the file is not a regular one, was not opened for this, or cannot
  ///   be opened by this process
  /// @throws IOException with a sentence, if the part does not lie within the file, or cannot be
  ///   mapped
  public Optional<SharedFile> open(int descriptor, long offset, long size, boolean writable)
      throws IOException {
    SocketCalls calls = SocketCalls.current();
    Path path = Path.of("/proc/self/fd", Integer.toString(descriptor));
    BasicFileAttributes attributes = Files.readAttributes(path, BasicFileAttributes.class);
    if (!permits(calls.flags(descriptor), writable)
        || !attributes.isRegularFile()
        || attributes.fileKey() == null) {
      return Optional.empty();
    }
    long length = attributes.size();
    if (offset < 0 || size < 1 || offset > length || size > length - offset) {
      throw new IOException(
          Long.toUnsignedString(size)
              + " bytes at "
              + Long.toUnsignedString(offset)
              + " do not lie within the file that was sent, which has "
              + length
              + ".");
    }
    Key key = new Key(attributes.fileKey(), writable);
    Opened file = opened.get(key);
    if (file == null) {
      try {
        file = new Opened(open(path, writable));
      } catch (IOException e) {
        LOG.log(System.Logger.Level.DEBUG, "A file that was sent cannot be opened.", e);
        return Optional.empty();
      }
      opened.put(key, file);
    }
    file.parts++;
    try {
      int seals = calls.seals(descriptor);
      boolean cannotShrink = seals > 0 && (seals & F_SEAL_SHRINK) != 0;
      return Optional.of(
          new SharedFile(file.channel, offset, size, writable, cannotShrink, () -> release(key)));
    } catch (IOException | RuntimeException e) {
      release(key);
      throw e;
    }
  }

  private static FileChannel open(Path path, boolean writable) throws IOException {
    return FileChannel.open(
        path,
        writable
            ? Set.of(StandardOpenOption.READ, StandardOpenOption.WRITE)
            : Set.of(StandardOpenOption.READ));
  }

  private static boolean permits(int flags, boolean writing) {
    if (flags < 0 || (flags & O_PATH) != 0) {
      return false;
    }
    int mode = flags & O_ACCMODE;
    return writing ? mode == O_RDWR : mode != O_WRONLY;
  }

  private void release(Key key) {
    Opened file = opened.get(key);
    if (file == null || --file.parts > 0) {
      return;
    }
    opened.remove(key);
    try {
      file.channel.close();
    } catch (IOException e) {
      LOG.log(System.Logger.Level.DEBUG, "A file that was sent cannot be closed.", e);
    }
  }
}
