package io.vpasid.guest.vfiouser;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.vpasid.guest.socket.Descriptors;
import io.vpasid.guest.socket.SocketKind;
import io.vpasid.vmm.linux.Errno;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// A device that reads and writes its client's memory: through the file that the client shares, or
/// through messages.
class ClientMemoryTest {
  private static final String NO_DESCRIPTORS =
      "needs descriptors through sockets (64-bit Linux, native access)";
  private static final VfioUserServer.Options SERVER = VfioUserServer.Options.defaults();
  private static final VfioUserClient.Options CLIENT =
      VfioUserClient.Options.defaults().withTimeout(Duration.ofSeconds(30));
  private static final int READ = 1;
  private static final int WRITE = 2;
  private static final int SIZE = 64 * 1024;

  private final MemoryDevice device = new MemoryDevice();
  private Path path = Path.of("");

  @BeforeEach
  void choosePath(@TempDir Path directory) {
    path = directory.resolve("device.sock");
  }

  static Stream<SocketKind> kinds() {
    return Stream.of(SocketKind.values()).filter(SocketKind::available);
  }

  static boolean descriptorsPass() {
    return SocketKind.DESCRIPTORS.available();
  }

  private static Outcome outcome(CompletableFuture<Outcome> access)
      throws InterruptedException, ExecutionException, TimeoutException {
    return access.get(30, TimeUnit.SECONDS);
  }

  private VfioUserPeer peer() {
    return device.peer().orElseThrow();
  }

  private Outcome read(long address, ByteBuffer into) throws Exception {
    return outcome(peer().readDma(address, into));
  }

  private Outcome write(long address, byte... bytes) throws Exception {
    return outcome(peer().writeDma(address, ByteBuffer.wrap(bytes)));
  }

  private static void assertRefused(Outcome outcome, Errno errno) {
    assertThat(outcome)
        .isInstanceOfSatisfying(
            Outcome.Failed.class, refused -> assertThat(refused.errno()).isEqualTo(errno));
  }

  @ParameterizedTest
  @MethodSource("kinds")
  void offeredMemoryIsReachedByMessages(SocketKind kind) throws Exception {
    byte[] memory = new byte[SIZE];
    memory[17] = 42;

    try (var sockets = VfioUserSockets.open(kind, "test", 2);
        var _ = sockets.serve(path, device, SERVER);
        var client = sockets.connect(path, CLIENT)) {
      client.mapDma(0x10000, ByteBuffer.wrap(memory));
      ByteBuffer read = ByteBuffer.allocate(4);

      assertThat(read(0x10010, read)).isEqualTo(Outcome.done());
      assertThat(read.array()).containsExactly(0, 42, 0, 0);
      assertThat(write(0x1fffe, (byte) 7, (byte) 8)).isEqualTo(Outcome.done());
      assertThat(memory[SIZE - 1]).isEqualTo((byte) 8);
    }
  }

  @ParameterizedTest
  @MethodSource("kinds")
  void anAccessMayGoOverManyWindowsAndBeLongerThanAMessage(SocketKind kind) throws Exception {
    byte[] first = new byte[3 << 20];
    byte[] second = new byte[SIZE];
    second[SIZE - 1] = 9;

    try (var sockets = VfioUserSockets.open(kind, "test", 2);
        var _ = sockets.serve(path, device, SERVER);
        var client = sockets.connect(path, CLIENT)) {
      client.mapDma(0x100_0000, ByteBuffer.wrap(first));
      client.mapDma(0x100_0000 + first.length, ByteBuffer.wrap(second));
      ByteBuffer all = ByteBuffer.allocate(first.length + second.length);

      assertThat(read(0x100_0000, all)).isEqualTo(Outcome.done());
      assertThat(all.get(all.capacity() - 1)).isEqualTo((byte) 9);
    }
  }

  @ParameterizedTest
  @MethodSource("kinds")
  void whatIsNotMappedOrNotPermittedIsRefused(SocketKind kind) throws Exception {
    try (var sockets = VfioUserSockets.open(kind, "test", 2);
        var _ = sockets.serve(path, device, SERVER);
        var client = sockets.connect(path, CLIENT)) {
      client.mapDma(0x1000, ByteBuffer.wrap(new byte[0x1000]).asReadOnlyBuffer());

      assertRefused(read(0xfff, ByteBuffer.allocate(2)), Errno.EFAULT);
      assertRefused(read(0x1fff, ByteBuffer.allocate(2)), Errno.EFAULT);
      assertRefused(read(-1, ByteBuffer.allocate(2)), Errno.EFAULT);
      assertRefused(write(0x1000, (byte) 1), Errno.EPERM);
      client.unmapDma(0x1000, 0x1000);
      assertRefused(read(0x1000, ByteBuffer.allocate(2)), Errno.EFAULT);
    }
  }

  @ParameterizedTest
  @MethodSource("kinds")
  void aClientWithNothingBehindItsWindowSaysSo(SocketKind kind) throws Exception {
    try (var sockets = VfioUserSockets.open(kind, "test", 2);
        var _ = sockets.serve(path, device, SERVER);
        var client = sockets.connect(path, CLIENT)) {
      client.mapDma(0x1000, 0x1000);

      assertRefused(read(0x1000, ByteBuffer.allocate(2)), Errno.EFAULT);
      assertThat(client.isOpen()).isTrue();
    }
  }

  @ParameterizedTest
  @MethodSource("kinds")
  void aClientThatGoesLeavesNothingWaiting(SocketKind kind) throws Exception {
    VfioUserPeer gone;
    try (var sockets = VfioUserSockets.open(kind, "test", 2);
        var _ = sockets.serve(path, device, SERVER)) {
      try (var client = sockets.connect(path, CLIENT)) {
        client.mapDma(0x1000, ByteBuffer.wrap(new byte[0x1000]));
        gone = peer();
      }
      await().untilAsserted(() -> assertThat(device.calls()).contains("disconnected"));
      assertRefused(outcome(gone.readDma(0x1000, ByteBuffer.allocate(1))), Errno.ENOTCONN);
    }
  }

  @Test
  @EnabledIf(value = "descriptorsPass", disabledReason = NO_DESCRIPTORS)
  void aSharedFileIsReadAndWrittenWithoutAskingTheClient() throws Throwable {
    try (var memory = Memfd.create(SIZE).sealed();
        var sockets = VfioUserSockets.open(SocketKind.DESCRIPTORS, "test", 2);
        var _ = sockets.serve(path, device, SERVER);
        var client = sockets.connect(path, CLIENT)) {
      memory.put(0x2001, (byte) 5);
      client.mapDma(
          0x8000, 0x1000, READ | WRITE, 0x2000, Descriptors.of(List.of(memory.descriptor())));
      ByteBuffer read = ByteBuffer.allocate(2);

      // Done when the call returns: nobody was asked.
      assertThat(peer().readDma(0x8000, read).getNow(null)).isEqualTo(Outcome.done());
      assertThat(read.array()).containsExactly(0, 5);
      assertThat(peer().writeDma(0x8ffe, ByteBuffer.wrap(new byte[] {1, 2})).getNow(null))
          .isEqualTo(Outcome.done());
      assertThat(memory.bytes(0x2ffe, 3)).containsExactly(1, 2, 0);
      assertRefused(read(0x8fff, ByteBuffer.allocate(2)), Errno.EFAULT);
    }
  }

  @Test
  @EnabledIf(value = "descriptorsPass", disabledReason = NO_DESCRIPTORS)
  void aFileThatTheClientShortensIsAnErrorAndNeitherAFaultNorMadeLongerAgain() throws Throwable {
    try (var memory = Memfd.create(SIZE);
        var sockets = VfioUserSockets.open(SocketKind.DESCRIPTORS, "test", 2);
        var _ = sockets.serve(path, device, SERVER);
        var client = sockets.connect(path, CLIENT)) {
      client.mapDma(0, SIZE, READ | WRITE, 0, Descriptors.of(List.of(memory.descriptor())));
      assertThat(write(SIZE - 1, (byte) 1)).isEqualTo(Outcome.done());
      memory.truncate(4096);

      assertThat(read(0, ByteBuffer.allocate(4096))).isEqualTo(Outcome.done());
      assertRefused(read(0, ByteBuffer.allocate(4097)), Errno.EIO);
      assertRefused(write(SIZE - 1, (byte) 1), Errno.EIO);
      assertThat(memory.bytes(4096, 1)).containsExactly(0);
    }
  }

  @Test
  @EnabledIf(value = "descriptorsPass", disabledReason = NO_DESCRIPTORS)
  void aWindowThatDoesNotLieWithinItsFileIsInvalid() throws Throwable {
    try (var memory = Memfd.create(SIZE);
        var sockets = VfioUserSockets.open(SocketKind.DESCRIPTORS, "test", 2);
        var _ = sockets.serve(path, device, SERVER);
        var client = sockets.connect(path, CLIENT)) {
      for (long[] window : new long[][] {{1, SIZE}, {SIZE, 1}, {-1, 1}, {0, -SIZE}}) {
        var file = Descriptors.of(List.of(memory.descriptor()));

        assertThat(catchErrno(() -> client.mapDma(0, window[1], READ | WRITE, window[0], file)))
            .isEqualTo(Errno.EINVAL);
      }
    }
  }

  private interface Call {
    void run() throws IOException;
  }

  private static Errno catchErrno(Call call) throws IOException {
    try {
      call.run();
      throw new AssertionError("It was accepted.");
    } catch (VfioUserException e) {
      return e.errno();
    }
  }

  /// A client may have been given a file that it must not write; neither may the server then.
  @Test
  @EnabledIf(value = "descriptorsPass", disabledReason = NO_DESCRIPTORS)
  void aDescriptorThatOnlyReadsIsNeverWrittenThrough() throws Throwable {
    try (var memory = Memfd.create(SIZE);
        var sockets = VfioUserSockets.open(SocketKind.DESCRIPTORS, "test", 2);
        var _ = sockets.serve(path, device, SERVER);
        var client = sockets.connect(path, CLIENT)) {
      client.mapDma(0, SIZE, READ | WRITE, 0, Descriptors.of(List.of(memory.readOnlyDescriptor())));

      // The client is asked instead, and has nothing there.
      assertRefused(write(0, (byte) 1), Errno.EFAULT);
      assertThat(memory.bytes(0, 1)).containsExactly(0);
    }
  }

  @Test
  @EnabledIf(value = "descriptorsPass", disabledReason = NO_DESCRIPTORS)
  void manyWindowsOfOneFileNeedOneDescriptorAndNoneIsLeftAtTheEnd() throws Throwable {
    try (var memory = Memfd.create(SIZE).sealed();
        var sockets = VfioUserSockets.open(SocketKind.DESCRIPTORS, "test", 2);
        var _ = sockets.serve(path, device, SERVER)) {
      int before = memfds();
      try (var client = sockets.connect(path, CLIENT)) {
        for (int i = 0; i < 16; i++) {
          client.mapDma(
              i * 0x1000L, 0x1000, READ, i * 0x1000L, Descriptors.of(List.of(memory.descriptor())));
        }
        assertThat(memfds()).isEqualTo(before + 1);
        client.unmapDma(0, 0x8000);
        assertThat(read(0x8000, ByteBuffer.allocate(1))).isEqualTo(Outcome.done());
      }
      await().untilAsserted(() -> assertThat(memfds()).isEqualTo(before));
    }
  }

  private static int memfds() throws IOException {
    List<Path> found = new ArrayList<>();
    try (var all = Files.list(Path.of("/proc/self/fd"))) {
      for (Path descriptor : all.toList()) {
        if (Files.isSymbolicLink(descriptor)
            && Files.readSymbolicLink(descriptor).toString().startsWith("/memfd:guest")) {
          found.add(descriptor);
        }
      }
    }
    return found.size();
  }
}
