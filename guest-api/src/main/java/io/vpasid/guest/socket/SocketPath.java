package io.vpasid.guest.socket;

import java.io.IOException;
import java.net.ConnectException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// The path of a listening socket: what may be there before, and who may remove it afterwards.
///
/// Nothing is ever removed but a socket that no process listens on, and at the end the very inode
/// that was bound.
final class SocketPath {
  private static final Logger LOG = LoggerFactory.getLogger(SocketPath.class);

  /// `sun_path` is 108 bytes long and ends with a NUL.
  static final int MAX_LENGTH = 107;

  private static final long LOCK_NANOS = 5_000_000_000L;
  private static final long MAX_MARK = 1L << 40;
  private static final long LOCK_PAUSE_NANOS = 10_000_000;
  private static final Set<OpenOption> LOCK_OPTIONS =
      Set.of(StandardOpenOption.CREATE, StandardOpenOption.WRITE, LinkOption.NOFOLLOW_LINKS);
  private static final FileAttribute<Set<PosixFilePermission>> LOCK_PERMISSIONS =
      PosixFilePermissions.asFileAttribute(
          Set.of(PosixFilePermission.OWNER_READ, PosixFilePermission.OWNER_WRITE));

  private static final int S_IFMT = 0170000;
  private static final int S_IFSOCK = 0140000;
  private static final int S_IFLNK = 0120000;
  private static final int STICKY = 01000;
  private static final int WRITE = 2;
  private static final int SEARCH = 1;
  private static final int WRITABLE_BY_OTHERS = 0002;
  private static final int WRITABLE_BY_GROUP = 0020;

  private final Path path;
  private final Inode inode;
  private final SocketOwner owner;

  private SocketPath(Path path, Inode inode, SocketOwner owner) {
    this.path = path;
    this.inode = inode;
    this.owner = owner;
  }

  /// Keeps others that make a socket at `path` waiting until the lock is closed: of two that find a
  /// socket that a dead process left, the later one would remove what the earlier one has made.
  ///
  /// The lock is a file beside the path, which goes with it.
  ///
  /// @throws IOException with a sentence that names the path, if another holds it for long
  static Lock lock(Path path) throws IOException {
    Path beside = path.resolveSibling("." + path.getFileName() + ".lock");
    long end = System.nanoTime() + LOCK_NANOS;
    do {
      FileChannel channel;
      try {
        channel = FileChannel.open(beside, LOCK_OPTIONS, LOCK_PERMISSIONS);
      } catch (NoSuchFileException e) {
        throw new IOException(
            path + " cannot be created: " + path.toAbsolutePath().getParent() + " is not there.",
            e);
      } catch (IOException e) {
        throw new IOException(
            path + " cannot be created: " + beside + " cannot be opened: " + e, e);
      }
      if (isLocked(channel) && isStill(channel, beside)) {
        return new Lock(channel, beside);
      }
      channel.close();
      LockSupport.parkNanos(LOCK_PAUSE_NANOS);
    } while (System.nanoTime() - end < 0);
    throw new IOException(path + " is in use: another process is making it just now.");
  }

  private static boolean isLocked(FileChannel channel) throws IOException {
    try {
      return channel.tryLock() != null;
    } catch (OverlappingFileLockException _) {
      return false;
    }
  }

  /// True if the file that was locked has not been taken away meanwhile, by who held it before. It
  /// is known by its length; to open it again would give up the lock.
  private static boolean isStill(FileChannel channel, Path beside) throws IOException {
    try {
      long mark = new SecureRandom().nextLong(MAX_MARK);
      var _ = channel.write(ByteBuffer.wrap(new byte[1]), mark);
      return Files.size(beside) == mark + 1;
    } catch (NoSuchFileException _) {
      return false;
    }
  }

  /// Held while a socket is made.
  record Lock(FileChannel channel, Path beside) implements AutoCloseable {
    @Override
    public void close() throws IOException {
      Files.deleteIfExists(beside);
      channel.close();
    }
  }

  /// Makes sure that `path` is a place for a socket.
  ///
  /// @throws IOException with a sentence that names the path, if it is too long, or if others could
  ///   replace it or a folder that it is in
  static void check(Path path) throws IOException {
    Path directory = directoryOf(path);
    OwnIds own = OwnIds.read();
    for (Path folder = directory; folder != null; folder = folder.getParent()) {
      requireOurs(path, folder, own);
    }
  }

  /// Makes sure that `path` is a place for a socket of another process.
  ///
  /// @param ids of that process, which must be able to make something there
  /// @throws IOException with a sentence that names the path, in the same cases, or if it may not
  static void check(Path path, OwnIds ids) throws IOException {
    Path directory = directoryOf(path);
    for (Path folder = directory; folder != null; folder = folder.getParent()) {
      requireOurs(path, folder, ids);
      Inode found = Inode.of(folder);
      int wanted = folder.equals(directory) ? WRITE | SEARCH : SEARCH;
      if (!ids.may(wanted, found.mode, found.owner, found.group)) {
        throw new IOException(
            "%s cannot be created by user %s: %s is of user %s with mode %04o. Give the user this folder, or choose another."
                .formatted(path, ids.uid(), folder, found.owner, found.mode & 07777));
      }
    }
  }

  /// The folder that a socket is to be in, without links.
  private static Path directoryOf(Path path) throws IOException {
    int length = path.toString().getBytes(StandardCharsets.UTF_8).length;
    if (length > MAX_LENGTH) {
      throw new IOException(
          "%s is %s bytes long; the path of a socket has at most %s."
              .formatted(path, length, MAX_LENGTH));
    }
    Path directory = path.toAbsolutePath().getParent();
    if (directory == null || !Files.isDirectory(directory)) {
      throw new IOException(path + " cannot be created: " + missing(directory));
    }
    return directory.toRealPath();
  }

  private static String missing(@Nullable Path directory) {
    for (Path folder = directory; folder != null; folder = folder.getParent()) {
      if (Files.exists(folder) && !Files.isDirectory(folder)) {
        return folder + " is not a directory.";
      }
    }
    if (directory == null) {
      return "it is no path of a file.";
    }
    // What is made in /run is gone at the next start of the machine.
    Path run = Path.of("/run");
    String inUnit =
        directory.startsWith(run) && !directory.equals(run)
            ? ", or in systemd's unit with RuntimeDirectory=" + run.relativize(directory)
            : "";
    return "there is no folder %s. Make it with mkdir -p%s.".formatted(directory, inUnit);
  }

  /// Makes sure that a socket can be bound at `path`: a socket that a dead process left there is
  /// removed, anything else is left alone.
  ///
  /// @throws IOException with a sentence that names the path, if it is a symbolic link, not a
  ///   socket or one in use
  static void clear(Path path) throws IOException {
    Inode found;
    try {
      found = Inode.of(path);
    } catch (NoSuchFileException e) {
      return;
    }
    switch (found.mode & S_IFMT) {
      case S_IFSOCK -> {}
      case S_IFLNK ->
          throw new IOException(path + " is a symbolic link; a socket is not created through one.");
      default -> throw new IOException(path + " exists and is not a socket; it is left alone.");
    }
    if (isListenedOn(path)) {
      throw new IOException(path + " is in use: another process listens on it.");
    }
    if (found.equals(Inode.of(path))) {
      try {
        Files.delete(path);
      } catch (IOException e) {
        throw new IOException(path + " was left by a dead process and cannot be removed.", e);
      }
      LOG.info("Removed {}, which no process listened on.", path);
    }
  }

  /// Makes sure that nobody else can put something in the place of `folder` or of what is in it.
  ///
  /// @param path for which, in the message
  private static void requireOurs(Path path, Path folder, OwnIds own) throws IOException {
    Inode found = Inode.of(folder);
    boolean isOurs = own.trustsUser(found.owner);
    boolean othersWrite =
        (found.mode & WRITABLE_BY_OTHERS) != 0
            || ((found.mode & WRITABLE_BY_GROUP) != 0 && !own.trustsGroup(found.group));
    if (!isOurs || (othersWrite && (found.mode & STICKY) == 0)) {
      throw new IOException(
          (isOurs
                  ? "%s cannot be created safely: others may replace files in %s. Choose another directory, or set its sticky bit."
                  : "%s cannot be created safely: another user owns %s. Choose another directory.")
              .formatted(path, folder));
    }
  }

  /// Takes charge of a socket that has just been bound, and keeps everybody but its owner out.
  static SocketPath bound(Path path) throws IOException {
    Inode inode = Inode.of(path);
    if ((inode.mode & S_IFMT) != S_IFSOCK) {
      throw new IOException(path + " was replaced while it was created.");
    }
    if ((inode.mode & 0777) != 0600) {
      Files.setPosixFilePermissions(
          path, Set.of(PosixFilePermission.OWNER_READ, PosixFilePermission.OWNER_WRITE));
    }
    return new SocketPath(path, inode, SocketOwner.of(path, inode.owner));
  }

  /// The user whose process bound it: ours.
  SocketOwner owner() {
    return owner;
  }

  Path path() {
    return path;
  }

  /// Removes the path, if it is still the socket that was bound.
  void remove() {
    try {
      if (inode.sameFile(Inode.of(path))) {
        Files.delete(path);
      }
    } catch (NoSuchFileException e) {
      LOG.debug("{} is gone already.", path);
    } catch (IOException e) {
      LOG.warn("{} could not be removed.", path, e);
    }
  }

  private static boolean isListenedOn(Path path) throws IOException {
    try (SocketChannel probe = SocketChannel.open(StandardProtocolFamily.UNIX)) {
      probe.configureBlocking(false);
      // Connected, or not at once because the backlog is full: somebody listens.
      probe.connect(UnixDomainSocketAddress.of(path));
      return true;
    } catch (ConnectException e) {
      return false;
    } catch (IOException e) {
      throw new IOException(path + " exists, and whether it is in use cannot be told.", e);
    }
  }

  /// What a path leads to, without following a link at its end.
  private record Inode(Object key, int mode, int owner, int group) {
    static Inode of(Path path) throws IOException {
      Map<String, ?> attributes =
          Files.readAttributes(path, "unix:fileKey,mode,uid,gid", LinkOption.NOFOLLOW_LINKS);
      return new Inode(
          present(attributes.get("fileKey"), path),
          (int) present(attributes.get("mode"), path),
          (int) present(attributes.get("uid"), path),
          (int) present(attributes.get("gid"), path));
    }

    private static Object present(@Nullable Object attribute, Path path) throws IOException {
      if (attribute == null) {
        throw new IOException(path + " is on a file system without Unix attributes.");
      }
      return attribute;
    }

    boolean sameFile(Inode other) {
      return key.equals(other.key);
    }
  }
}
