package io.vpasid.guest.socket;

import java.io.IOException;
import java.net.ConnectException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.util.Map;
import java.util.Set;
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

  private static final int S_IFMT = 0170000;
  private static final int S_IFSOCK = 0140000;
  private static final int S_IFLNK = 0120000;
  private static final int STICKY = 01000;
  private static final int WRITABLE_BY_OTHERS = 0002;

  private final Path path;
  private final Inode inode;
  private final SocketOwner owner;

  private SocketPath(Path path, Inode inode, SocketOwner owner) {
    this.path = path;
    this.inode = inode;
    this.owner = owner;
  }

  /// Makes sure that a socket can be bound at `path`: a socket that a dead process left there is
  /// removed, anything else is left alone.
  ///
  /// @throws IOException with a sentence that names the path, if it is too long, a symbolic link,
  ///   not a socket or one in use, or if others could replace it in its directory
  static void clear(Path path) throws IOException {
    int length = path.toString().getBytes(StandardCharsets.UTF_8).length;
    if (length > MAX_LENGTH) {
      throw new IOException(
          path
              + " is "
              + length
              + " bytes long; the path of a socket has at most "
              + MAX_LENGTH
              + ".");
    }
    Path directory = path.toAbsolutePath().getParent();
    if (directory == null || !Files.isDirectory(directory)) {
      throw new IOException(path + " cannot be created: " + directory + " is not a directory.");
    }
    int directoryMode = Inode.of(directory.toRealPath()).mode;
    if ((directoryMode & WRITABLE_BY_OTHERS) != 0 && (directoryMode & STICKY) == 0) {
      throw new IOException(
          path
              + " cannot be created safely: everybody may replace files in "
              + directory
              + ". Choose another directory, or set its sticky bit.");
    }
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
  private record Inode(Object key, int mode, int owner) {
    static Inode of(Path path) throws IOException {
      Map<String, ?> attributes =
          Files.readAttributes(path, "unix:fileKey,mode,uid", LinkOption.NOFOLLOW_LINKS);
      return new Inode(
          present(attributes.get("fileKey"), path),
          (int) present(attributes.get("mode"), path),
          (int) present(attributes.get("uid"), path));
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
