package io.vpasid.vmm.linux.calls;

import io.vpasid.vmm.linux.Errno;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;

/// The files of which one peer has sent descriptors.
///
/// A VMM with a virtual IOMMU shares thousands of parts of one file, with a descriptor each, so a
/// file is mapped, or open, once, however many of its parts are in use; what files take comes from
/// a [MemoryBudget]. Nothing is done with a file that its descriptor does not permit.
///
/// The peer keeps the file and decides what it is. So it is never opened again, for which a lease
/// could have us wait, and only looked at if it is in memory or on a local file system: a user's
/// own file system may leave any question unanswered. For one thread at a time.
public final class SharedFiles {
  private static final int O_ACCMODE = 3;
  private static final int O_WRONLY = 1;
  private static final int O_RDWR = 2;
  private static final int O_PATH = 0x20_0000;
  private static final int F_SEAL_SHRINK = 2;

  /// File systems that answer by themselves. So do files in memory, which are told by their seals.
  private static final Set<String> LOCAL =
      Set.of("ext2", "ext3", "ext4", "xfs", "btrfs", "f2fs", "zfs", "ramfs");

  private static final Path MOUNTS = Path.of("/proc/self/mountinfo");

  private final MemoryBudget budget;
  private final Map<Key, OpenFile> files = new HashMap<>();

  /// None yet.
  ///
  /// @param budget the peer's
  public SharedFiles(MemoryBudget budget) {
    this.budget = budget;
  }

  private record Key(Object file, boolean writable) {}

  /// The outcome of opening a descriptor.
  public sealed interface Opening {
    /// The part can be used.
    record Opened(SharedFile part) implements Opening {}

    /// The file is not a regular one that is in memory or on a local file system, or was not opened
    /// for this.
    record NotUsable() implements Opening {}

    /// The part does not lie within the file (EINVAL), or there is no more room (ENOSPC).
    record Unusable(Errno errno, String reason) implements Opening {}
  }

  /// Uses what a descriptor leads to, with no more rights than the descriptor has.
  ///
  /// @param descriptor stays its owner's to close
  /// @param offset where the part begins, unsigned
  /// @param size of the part in bytes, unsigned
  /// @param writable whether it is to be written, too
  public Opening open(int descriptor, long offset, long size, boolean writable) {
    SocketCalls calls = SocketCalls.current();
    int seals = calls.seals(descriptor);
    if (!permits(calls.flags(descriptor), writable) || (seals < 0 && !isLocal(descriptor))) {
      return new Opening.NotUsable();
    }
    BasicFileAttributes attributes;
    try {
      attributes =
          Files.readAttributes(
              Path.of("/proc/self/fd", Integer.toString(descriptor)), BasicFileAttributes.class);
    } catch (IOException e) {
      return new Opening.Unusable(Errno.EINVAL, "The file that was sent cannot be looked at: " + e);
    }
    if (!attributes.isRegularFile() || attributes.fileKey() == null) {
      return new Opening.NotUsable();
    }
    long length = attributes.size();
    if (offset < 0 || size < 1 || offset > length || size > length - offset) {
      return new Opening.Unusable(
          Errno.EINVAL,
          "%s bytes at %s do not lie within the file that was sent, which has %s."
              .formatted(Long.toUnsignedString(size), Long.toUnsignedString(offset), length));
    }
    boolean cannotShrink = seals > 0 && (seals & F_SEAL_SHRINK) != 0;
    Key key = new Key(attributes.fileKey(), writable);
    OpenFile file = files.get(key);
    // One that has grown is mapped a second time, and the first mapping goes with its last part.
    if (file == null || file.length() < offset + size || file.cannotShrink() != cannotShrink) {
      try {
        file = OpenFile.open(descriptor, length, writable, cannotShrink, budget);
      } catch (SystemCallException e) {
        return new Opening.Unusable(e.errno(), String.valueOf(e.getMessage()));
      }
      files.put(key, file);
    }
    OpenFile used = file;
    return new Opening.Opened(used.part(offset, size, () -> files.remove(key, used)));
  }

  private static boolean permits(int flags, boolean writing) {
    if (flags < 0 || (flags & O_PATH) != 0) {
      return false;
    }
    int mode = flags & O_ACCMODE;
    return writing ? mode == O_RDWR : mode != O_WRONLY;
  }

  /// True if a descriptor leads to a local file system. Asks the kernel and no file system.
  private static boolean isLocal(int descriptor) {
    try {
      String mount =
          field(Files.readAllLines(Path.of("/proc/self/fdinfo", Integer.toString(descriptor))));
      try (Stream<String> mounts = Files.lines(MOUNTS, StandardCharsets.ISO_8859_1)) {
        return mounts
            .filter(line -> line.startsWith(mount + " "))
            .map(line -> line.substring(line.indexOf(" - ") + 3).split(" ", 2)[0])
            .anyMatch(LOCAL::contains);
      }
    } catch (IOException | RuntimeException _) {
      return false;
    }
  }

  private static String field(List<String> lines) {
    return lines.stream()
        .filter(line -> line.startsWith("mnt_id:"))
        .map(line -> line.substring("mnt_id:".length()).strip())
        .findFirst()
        .orElse("none");
  }
}
