package io.vpasid.guest.socket;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.netty.channel.Channel;
import io.vpasid.testing.Need;
import io.vpasid.testing.Needs;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class SocketPathTest {
  private final SocketLoops loops = SocketLoops.open(SocketKind.best(), "test", 1);

  @TempDir private Path directory = Path.of("");

  @AfterEach
  void close() {
    loops.close();
  }

  static Stream<SocketKind> kinds() {
    return Stream.of(SocketKind.values()).filter(SocketKind::available);
  }

  private SocketListener listen(Path path) throws IOException {
    return loops.listen(path, new LengthFraming(16), (channel, _, _) -> hangUp(channel));
  }

  private static void hangUp(Channel channel) {
    var _ = channel.close();
  }

  @ParameterizedTest
  @MethodSource("kinds")
  void aSocketIsCreatedForItsOwnerAndRemovedAtTheEnd(SocketKind kind) throws IOException {
    Path path = directory.resolve("s");

    try (var others = SocketLoops.open(kind, "kind", 1);
        var _ = others.listen(path, new LengthFraming(16), (channel, _, _) -> hangUp(channel))) {
      assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(path)))
          .isEqualTo("rw-------");
    }
    assertThat(path).doesNotExist();
  }

  @Test
  void aFileIsLeftAlone() throws IOException {
    Path path = Files.writeString(directory.resolve("file"), "precious");

    assertThatThrownBy(() -> listen(path))
        .isInstanceOf(IOException.class)
        .hasMessage(path + " exists and is not a socket; it is left alone.");
    assertThat(path).hasContent("precious");
  }

  @Test
  void aDirectoryIsLeftAlone() throws IOException {
    Path path = Files.createDirectory(directory.resolve("directory"));

    assertThatThrownBy(() -> listen(path)).hasMessageContaining("is not a socket");
    assertThat(path).isDirectory();
  }

  @Test
  void aSymbolicLinkIsNotFollowedWhereverItLeads() throws IOException {
    Path nowhere = Files.createSymbolicLink(directory.resolve("l1"), directory.resolve("none"));
    Path stale = stale("stale");
    Path toSocket = Files.createSymbolicLink(directory.resolve("l2"), stale);

    assertThatThrownBy(() -> listen(nowhere))
        .hasMessage(nowhere + " is a symbolic link; a socket is not created through one.");
    assertThatThrownBy(() -> listen(toSocket)).hasMessageContaining("is a symbolic link");
    assertThat(directory.resolve("none")).doesNotExist();
    assertThat(stale).exists();
  }

  @Test
  void aSocketInUseIsLeftAlone() throws IOException {
    Path path = directory.resolve("s");

    try (var _ = listen(path)) {
      assertThatThrownBy(() -> listen(path))
          .hasMessage(path + " is in use: another process listens on it.");
      assertThat(path).exists();
      assertThat(connects(path)).isTrue();
    }
  }

  @Test
  void aSocketThatADeadProcessLeftIsReplaced() throws IOException {
    Path path = stale("s");

    try (var _ = listen(path)) {
      assertThat(connects(path)).isTrue();
    }
    assertThat(path).doesNotExist();
  }

  @Test
  void whatOthersPutInThePlaceOfTheSocketIsNotRemoved() throws IOException {
    Path path = directory.resolve("s");

    try (var _ = listen(path)) {
      Files.delete(path);
      Files.writeString(path, "somebody else's");
    }
    assertThat(path).hasContent("somebody else's");
  }

  @Test
  void aPathThatIsTooLongForASocketIsRefused() {
    Path path = directory.resolve("x".repeat(108));

    assertThatThrownBy(() -> listen(path))
        .isInstanceOf(IOException.class)
        .hasMessageEndingWith("bytes long; the path of a socket has at most 107.");
  }

  @Test
  void aDirectoryThatIsNotThereIsRefused() {
    Path path = directory.resolve("none/s");

    assertThatThrownBy(() -> listen(path))
        .hasMessage(
            path
                + " cannot be created: there is no folder "
                + directory.resolve("none")
                + ". Make it with mkdir -p.");
  }

  @Test
  void aPathThroughAFileIsRefused() throws IOException {
    Path file = Files.createFile(directory.resolve("file"));

    assertThatThrownBy(() -> listen(file.resolve("none/s")))
        .hasMessageEndingWith(file + " is not a directory.");
  }

  @Test
  void aDirectoryInWhichEverybodyMayReplaceFilesIsRefused() throws IOException {
    Path open = Files.createDirectory(directory.resolve("open"));
    Files.setPosixFilePermissions(open, PosixFilePermissions.fromString("rwxrwxrwx"));

    assertThatThrownBy(() -> listen(open.resolve("s")))
        .hasMessageContaining("others may replace files in " + open);

    Files.setAttribute(open, "unix:mode", 01777);
    try (var _ = listen(open.resolve("s"))) {
      assertThat(open.resolve("s")).exists();
    }
  }

  private Path stale(String name) throws IOException {
    Path path = directory.resolve(name);
    try (ServerSocketChannel dead = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
      dead.bind(UnixDomainSocketAddress.of(path));
    }
    return path;
  }

  private static boolean connects(Path path) throws IOException {
    try (SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX)) {
      return channel.connect(UnixDomainSocketAddress.of(path));
    }
  }

  /// User 64055 has a folder of its own beside one of root's.
  @Needs(Need.ROOT)
  @Test
  void aFolderIsJudgedByTheUserWhoIsToMakeTheSocket() throws IOException {
    Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwxr-xr-x"));
    Path theirs = Files.createDirectory(directory.resolve("theirs"));
    Files.setAttribute(theirs, "unix:uid", 64_055);
    Path roots = Files.createDirectory(directory.resolve("roots"));
    Path groups = Files.createDirectory(directory.resolve("groups"));
    Files.setAttribute(groups, "unix:gid", 64_056);
    Files.setPosixFilePermissions(groups, PosixFilePermissions.fromString("rwxrwxr-x"));

    SocketLoops.checkFolder(theirs.resolve("s"), 64_055, Optional.empty());
    SocketLoops.checkFolder(groups.resolve("s"), 64_055, Optional.of(64_056));

    assertThatThrownBy(() -> SocketLoops.checkFolder(theirs.resolve("s")))
        .hasMessageContaining("another user owns " + theirs);
    assertThatThrownBy(() -> SocketLoops.checkFolder(theirs.resolve("s"), 64_057, Optional.empty()))
        .hasMessageContaining("another user owns " + theirs);
    assertThatThrownBy(() -> SocketLoops.checkFolder(roots.resolve("s"), 64_055, Optional.empty()))
        .hasMessageContaining("cannot be created by user 64055: " + roots + " is of user 0");
    Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwx------"));
    assertThatThrownBy(() -> SocketLoops.checkFolder(theirs.resolve("s"), 64_055, Optional.empty()))
        .hasMessageContaining(directory + " is of user 0 with mode 0700");
  }
}
