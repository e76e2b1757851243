package io.vpasid.guest.vfiouser;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.netty.channel.unix.FileDescriptor;
import io.vpasid.guest.socket.Descriptors;
import io.vpasid.guest.socket.SocketKind;
import io.vpasid.vmm.linux.Errno;
import io.vpasid.vmm.linux.calls.Memfd;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.invoke.MethodHandle;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
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
  private static final int O_RDONLY = 0;

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
    try (var memory = Memfd.create("guest", SIZE).sealed();
        var sockets = VfioUserSockets.open(SocketKind.DESCRIPTORS, "test", 2);
        var _ = sockets.serve(path, device, SERVER);
        var client = sockets.connect(path, CLIENT)) {
      memory.memory().set(JAVA_BYTE, 0x2001, (byte) 5);
      client.mapDma(0x8000, 0x1000, READ | WRITE, 0x2000, descriptor(memory.duplicate()));
      ByteBuffer read = ByteBuffer.allocate(2);

      // Done when the call returns: nobody was asked.
      assertThat(peer().readDma(0x8000, read).getNow(null)).isEqualTo(Outcome.done());
      assertThat(read.array()).containsExactly(0, 5);
      assertThat(peer().writeDma(0x8ffe, ByteBuffer.wrap(new byte[] {1, 2})).getNow(null))
          .isEqualTo(Outcome.done());
      assertThat(memory.memory().asSlice(0x2ffe, 3).toArray(JAVA_BYTE)).containsExactly(1, 2, 0);
      assertRefused(read(0x8fff, ByteBuffer.allocate(2)), Errno.EFAULT);
    }
  }

  @Test
  @EnabledIf(value = "descriptorsPass", disabledReason = NO_DESCRIPTORS)
  void sharedMemoryIsTheSameOnBothSides() throws Exception {
    try (var memory = Memfd.create("guest", SIZE).sealed();
        var sockets = VfioUserSockets.open(SocketKind.DESCRIPTORS, "test", 2);
        var _ = sockets.serve(path, device, SERVER);
        var client = sockets.connect(path, CLIENT)) {
      client.shareDma(0x10000, SIZE, memory.duplicate());
      memory.memory().set(JAVA_BYTE, 5, (byte) 6);
      ByteBuffer read = ByteBuffer.allocate(1);

      assertThat(peer().readDma(0x10005, read).getNow(null)).isEqualTo(Outcome.done());
      assertThat(read.get(0)).isEqualTo((byte) 6);
      assertThat(peer().writeDma(0x1ffff, ByteBuffer.wrap(new byte[] {7})).getNow(null))
          .isEqualTo(Outcome.done());
      assertThat(memory.memory().get(JAVA_BYTE, SIZE - 1)).isEqualTo((byte) 7);
    }
  }

  @Test
  @EnabledIf(value = "descriptorsPass", disabledReason = NO_DESCRIPTORS)
  void aFileThatTheClientShortensIsAnErrorAndNeitherAFaultNorMadeLongerAgain() throws Throwable {
    try (var memory = Memfd.create("guest", SIZE);
        var sockets = VfioUserSockets.open(SocketKind.DESCRIPTORS, "test", 2);
        var _ = sockets.serve(path, device, SERVER);
        var client = sockets.connect(path, CLIENT)) {
      int duplicate = memory.duplicate();
      client.mapDma(0, SIZE, READ | WRITE, 0, descriptor(memory.duplicate()));
      assertThat(write(SIZE - 1, (byte) 1)).isEqualTo(Outcome.done());
      Path file = Path.of("/proc/self/fd/" + duplicate);
      FileChannel.open(file, StandardOpenOption.WRITE).truncate(4096).close();

      assertThat(read(0, ByteBuffer.allocate(4096))).isEqualTo(Outcome.done());
      assertRefused(read(0, ByteBuffer.allocate(4097)), Errno.EIO);
      assertRefused(write(SIZE - 1, (byte) 1), Errno.EIO);
      assertThat(Files.size(file)).isEqualTo(4096);
      new FileDescriptor(duplicate).close();
    }
  }

  @Test
  @EnabledIf(value = "descriptorsPass", disabledReason = NO_DESCRIPTORS)
  void aWindowThatDoesNotLieWithinItsFileIsInvalid() throws Throwable {
    try (var memory = Memfd.create("guest", SIZE);
        var sockets = VfioUserSockets.open(SocketKind.DESCRIPTORS, "test", 2);
        var _ = sockets.serve(path, device, SERVER);
        var client = sockets.connect(path, CLIENT)) {
      for (long[] window : new long[][] {{1, SIZE}, {SIZE, 1}, {-1, 1}, {0, -SIZE}}) {
        var file = descriptor(memory.duplicate());

        assertThat(catchErrno(() -> client.mapDma(0, window[1], READ | WRITE, window[0], file)))
            .isEqualTo(Errno.EINVAL);
      }
    }
  }

  private static Descriptors descriptor(int file) {
    return Descriptors.of(List.of(new FileDescriptor(file)));
  }

  /// A descriptor through which the same file can only be read.
  @SuppressWarnings("restricted")
  private static int readOnly(int file) throws Throwable {
    MethodHandle open =
        Linker.nativeLinker()
            .downcallHandle(
                Linker.nativeLinker().defaultLookup().findOrThrow("open"),
                FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_INT),
                Linker.Option.firstVariadicArg(2));
    try (Arena arena = Arena.ofConfined()) {
      return (int) open.invokeExact(arena.allocateFrom("/proc/self/fd/" + file), O_RDONLY);
    } finally {
      new FileDescriptor(file).close();
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
    try (var memory = Memfd.create("guest", SIZE);
        var sockets = VfioUserSockets.open(SocketKind.DESCRIPTORS, "test", 2);
        var _ = sockets.serve(path, device, SERVER);
        var client = sockets.connect(path, CLIENT)) {
      client.mapDma(0, SIZE, READ | WRITE, 0, descriptor(readOnly(memory.duplicate())));

      // The client is asked instead, and has nothing there.
      assertRefused(write(0, (byte) 1), Errno.EFAULT);
      assertThat(memory.memory().get(JAVA_BYTE, 0)).isZero();
    }
  }

  @Test
  @EnabledIf(value = "descriptorsPass", disabledReason = NO_DESCRIPTORS)
  void manyWindowsOfOneFileNeedOneDescriptorAndNoneIsLeftAtTheEnd() throws Throwable {
    try (var memory = Memfd.create("guest", SIZE).sealed();
        var sockets = VfioUserSockets.open(SocketKind.DESCRIPTORS, "test", 2);
        var _ = sockets.serve(path, device, SERVER)) {
      int before = memfds();
      try (var client = sockets.connect(path, CLIENT)) {
        for (int i = 0; i < 16; i++) {
          client.mapDma(i * 0x1000L, 0x1000, READ, i * 0x1000L, descriptor(memory.duplicate()));
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
