package io.vpasid.guest.vfiouser;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.vpasid.guest.socket.SocketKind;
import io.vpasid.vmm.linux.Errno;
import io.vpasid.vmm.vfio.DeviceInfo;
import io.vpasid.vmm.vfio.Irq;
import io.vpasid.vmm.vfio.Region;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Servers and clients on real sockets, with every kind of channel that this machine has.
class VfioUserServerTest {
  private static final VfioUserServer.Options SERVER = VfioUserServer.Options.defaults();
  private static final VfioUserClient.Options CLIENT =
      VfioUserClient.Options.defaults().withTimeout(Duration.ofSeconds(30));

  private final MemoryDevice device = new MemoryDevice();
  private Path path = Path.of("");

  @BeforeEach
  void choosePath(@TempDir Path directory) {
    path = directory.resolve("device.sock");
  }

  static Stream<SocketKind> kinds() {
    return Stream.of(SocketKind.values()).filter(SocketKind::available);
  }

  @ParameterizedTest
  @MethodSource("kinds")
  void aClientSeesTheDeviceAndUsesIt(SocketKind kind) throws IOException {
    try (var sockets = VfioUserSockets.open(kind, "test", 2);
        var server = sockets.serve(path, device, SERVER);
        var client = sockets.connect(server.path(), CLIENT)) {
      assertThat(client.deviceInfo()).isEqualTo(new DeviceInfo(true, true, 9, 5));
      assertThat(client.regionInfo(7)).isEqualTo(new Region(4096, Region.READ | Region.WRITE));
      assertThat(client.irqInfo(2).count()).isEqualTo(8);
      assertThat(client.read(7, 0, 4096)).isEqualTo(ByteBuffer.wrap(device.bytes(7)));
      client.write(7, 4, ByteBuffer.wrap(new byte[] {1, 2, 3, 4}));
      assertThat(client.read(7, 4, 4).getInt()).isEqualTo(0x04030201);
      client.post(7, 8, ByteBuffer.wrap(new byte[] {5}));
      client.mapDma(0x1000, 0x1000);
      client.unmapDma(0x1000, 0x1000);
      client.reset();

      assertThat(device.bytes(7)[8]).isEqualTo((byte) 5);
      assertThat(server.hasClient()).isTrue();
    }
    assertThat(device.calls())
        .containsExactly(
            "connected",
            "read 7 0 4096",
            "write 7 4 4",
            "read 7 4 4",
            "write 7 8 1",
            "reset",
            "disconnected");
  }

  @ParameterizedTest
  @MethodSource("kinds")
  void theLargestTransferGoesThroughInBothDirections(SocketKind kind) throws IOException {
    byte[] data = new byte[MemoryDevice.MEMORY_SIZE];
    new java.util.Random(1).nextBytes(data);

    try (var sockets = VfioUserSockets.open(kind, "test", 2);
        var _ = sockets.serve(path, device, SERVER.withMaxDataTransfer(data.length));
        var client = sockets.connect(path, CLIENT)) {
      assertThat(client.maxDataTransfer()).isEqualTo(data.length);
      client.write(0, 0, ByteBuffer.wrap(data));

      assertThat(client.read(0, 0, data.length)).isEqualTo(ByteBuffer.wrap(data));
      assertThatThrownBy(() -> client.read(0, 0, data.length + 1))
          .isInstanceOf(IllegalArgumentException.class);
    }
  }

  @ParameterizedTest
  @MethodSource("kinds")
  void manyRequestsUnderWayAreAllAnswered(SocketKind kind) throws IOException {
    try (var sockets = VfioUserSockets.open(kind, "test", 2);
        var _ = sockets.serve(path, device, SERVER);
        var client = sockets.connect(path, CLIENT.withWindow(64))) {
      List<CompletableFuture<ByteBuffer>> answers = new ArrayList<>();
      for (int i = 0; i < 5000; i++) {
        answers.add(client.readAsync(7, i % 4096, 1));
      }

      assertThat(answers).allSatisfy(answer -> assertThat(answer.join().remaining()).isEqualTo(1));
      assertThat(answers.get(4999).join().get(0)).isEqualTo(device.bytes(7)[4999 % 4096]);
    }
  }

  @ParameterizedTest
  @MethodSource("kinds")
  void whatTheServerRefusesIsAnExceptionWithTheErrnoAndTheConnectionStays(SocketKind kind)
      throws IOException {
    try (var sockets = VfioUserSockets.open(kind, "test", 2);
        var _ = sockets.serve(path, device, SERVER);
        var client = sockets.connect(path, CLIENT)) {
      assertThatThrownBy(() -> client.read(7, 4096, 4))
          .isInstanceOfSatisfying(
              VfioUserException.class,
              refused -> assertThat(refused.errno()).isEqualTo(Errno.EINVAL))
          .hasMessage("REGION_READ of region 7 was refused with EINVAL (22).");
      device.answerWith(Outcome.refused(Errno.EBUSY, "Busy."));
      assertThatThrownBy(client::reset)
          .isInstanceOfSatisfying(
              VfioUserException.class,
              refused -> assertThat(refused.errno()).isEqualTo(Errno.EBUSY));

      assertThat(client.deviceInfo().regions()).isEqualTo(9);
    }
  }

  @ParameterizedTest
  @MethodSource("kinds")
  void aSecondClientIsDisconnectedAndTheFirstStays(SocketKind kind) throws IOException {
    try (var sockets = VfioUserSockets.open(kind, "test", 2);
        var _ = sockets.serve(path, device, SERVER);
        var first = sockets.connect(path, CLIENT)) {
      assertThatThrownBy(() -> sockets.connect(path, CLIENT)).isInstanceOf(IOException.class);

      assertThat(first.read(7, 0, 4).remaining()).isEqualTo(4);
      assertThat(device.calls()).containsExactly("connected", "read 7 0 4");
    }
  }

  @ParameterizedTest
  @MethodSource("kinds")
  void theNextClientMayComeAsSoonAsTheOneBeforeHasGone(SocketKind kind) throws IOException {
    try (var sockets = VfioUserSockets.open(kind, "test", 2);
        var _ = sockets.serve(path, device, SERVER)) {
      for (int i = 0; i < 200; i++) {
        try (var client = sockets.connect(path, CLIENT)) {
          client.post(7, 0, ByteBuffer.wrap(new byte[] {(byte) i}));
          assertThat(client.read(7, 0, 1).get()).isEqualTo((byte) i);
        }
      }
    }
    assertThat(device.calls()).filteredOn("connected"::equals).hasSize(200);
    assertThat(device.calls()).filteredOn("disconnected"::equals).hasSize(200);
  }

  /// What the client before has asked for takes its turns before its end is come to.
  @ParameterizedTest
  @MethodSource("kinds")
  void theNextClientWaitsUntilTheServerHasComeToTheEndOfTheOneBefore(SocketKind kind)
      throws IOException {
    device.writesTake(Duration.ofMillis(3));
    try (var sockets = VfioUserSockets.open(kind, "test", 1);
        var _ = sockets.serve(path, device, SERVER)) {
      for (int i = 0; i < 20; i++) {
        try (SocketChannel raw = connectRaw()) {
          Wire.send(raw, Wire.request(0, Wire.VERSION, Wire.versionWithoutData(0, 0)));
          assertThat(Wire.receive(raw)).as("client %s", i).isNotEmpty();
          for (int id = 1; id < 6; id++) {
            byte[] write = Wire.request(id, Wire.REGION_WRITE, Wire.access(0, 7, 4, new byte[4]));
            write[8] |= Wire.NO_REPLY;
            Wire.send(raw, write);
          }
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("kinds")
  void aClientThatVanishesInTheMiddleOfAMessageEndsItsSession(SocketKind kind) throws IOException {
    try (var sockets = VfioUserSockets.open(kind, "test", 2);
        var server = sockets.serve(path, device, SERVER)) {
      try (SocketChannel raw = connectRaw()) {
        Wire.send(raw, Wire.request(0, Wire.VERSION, Wire.versionWithoutData(0, 0)));
        assertThat(Wire.receive(raw)).isNotEmpty();
        Wire.send(raw, new byte[] {1, 0, 9, 0, 32, 0, 0});
      }

      await().until(() -> !server.hasClient());
      await()
          .untilAsserted(
              () -> assertThat(device.calls()).containsExactly("connected", "disconnected"));
    }
  }

  @ParameterizedTest
  @MethodSource("kinds")
  void whatAClientPostsBeforeItLeavesIsDone(SocketKind kind) throws IOException {
    try (var sockets = VfioUserSockets.open(kind, "test", 2);
        var _ = sockets.serve(path, device, SERVER)) {
      try (SocketChannel raw = connectRaw()) {
        Wire.send(raw, Wire.request(0, Wire.VERSION, Wire.versionWithoutData(0, 0)));
        assertThat(Wire.receive(raw)).isNotEmpty();
        for (int i = 0; i < 100; i++) {
          Wire.send(
              raw,
              Wire.message(
                  i, Wire.REGION_WRITE, Wire.NO_REPLY, 0, Wire.access(i, 7, 1, (byte) 0x77)));
        }
      }

      await().until(() -> device.calls().contains("disconnected"));
      assertThat(device.bytes(7)[0]).isEqualTo((byte) 0x77);
      assertThat(device.bytes(7)[99]).isEqualTo((byte) 0x77);
    }
  }

  @ParameterizedTest
  @MethodSource("kinds")
  void aClientThatSaysNothingIsDisconnected(SocketKind kind) throws IOException {
    try (var sockets = VfioUserSockets.open(kind, "test", 2);
        var _ = sockets.serve(path, device, SERVER.withHandshakeTimeout(Duration.ofMillis(50)));
        SocketChannel raw = connectRaw()) {
      assertThat(Wire.receive(raw)).isEmpty();
      assertThat(device.calls()).isEmpty();
    }
  }

  @ParameterizedTest
  @MethodSource("kinds")
  void aClientThatBreaksTheProtocolGetsItsLastReplyBeforeItIsDisconnected(SocketKind kind)
      throws IOException {
    try (var sockets = VfioUserSockets.open(kind, "test", 2);
        var _ = sockets.serve(path, device, SERVER);
        SocketChannel raw = connectRaw()) {
      Wire.send(
          raw,
          Wire.concat(
              Wire.header(5, Wire.VERSION, (1L << 32) - 1, 0, 0, new byte[0]), new byte[1000]));

      assertThat(Wire.receive(raw)).isEqualTo(Wire.failure(5, Wire.VERSION, Wire.EINVAL));
      assertThat(isAtEnd(raw)).isTrue();
    }
  }

  @ParameterizedTest
  @MethodSource("kinds")
  void aClientThatDoesNotReadIsNotReadFromUntilItDoes(SocketKind kind) throws IOException {
    int requests = 1000;
    byte[] request = Wire.request(9, Wire.REGION_READ, Wire.access(0, 0, 64 * 1024));

    try (var sockets = VfioUserSockets.open(kind, "test", 2);
        var _ = sockets.serve(path, device, SERVER);
        SocketChannel raw = connectRaw()) {
      Wire.send(raw, Wire.request(0, Wire.VERSION, Wire.versionWithoutData(0, 0)));
      assertThat(Wire.receive(raw)).isNotEmpty();
      // All in one piece, which the kernel holds: sending does not wait for the server.
      Wire.send(raw, Wire.concat(Collections.nCopies(requests, request).toArray(byte[][]::new)));

      await()
          .during(Duration.ofMillis(300))
          .untilAsserted(() -> assertThat(device.calls()).hasSizeBetween(2, 20));
      for (int i = 0; i < requests; i++) {
        assertThat(Wire.receive(raw)).hasSize(32 + 64 * 1024);
      }
      assertThat(device.calls()).hasSize(1 + requests);
    }
  }

  @ParameterizedTest
  @MethodSource("kinds")
  void aUserWhoIsNotAdmittedIsDisconnected(SocketKind kind) throws IOException {
    try (var sockets = VfioUserSockets.open(kind, "test", 2);
        var _ = sockets.serve(path, device, SERVER.withUsers(Set.of(0x7ffffffe)));
        SocketChannel raw = connectRaw()) {
      assertThat(isAtEnd(raw)).isTrue();
      assertThat(device.calls()).isEmpty();
    }
  }

  @ParameterizedTest
  @MethodSource("kinds")
  void theDeviceKnowsWhoIsConnected(SocketKind kind) throws IOException {
    int self = (int) Files.getAttribute(Path.of("/proc/self"), "unix:uid");

    try (var sockets = VfioUserSockets.open(kind, "test", 2);
        var _ = sockets.serve(path, device, SERVER.withUsers(Set.of(self)));
        var _ = sockets.connect(path, CLIENT)) {
      assertThat(device.peer().orElseThrow().userId()).isEqualTo(self);
      assertThat(device.peer().orElseThrow().processId())
          .isIn((int) ProcessHandle.current().pid(), -1);
      assertThat(device.peer().orElseThrow().trigger(2, 0)).isFalse();
    }
  }

  @ParameterizedTest
  @MethodSource("kinds")
  void thePathIsItsOwnersAloneAndGoneAtTheEnd(SocketKind kind) throws IOException {
    try (var sockets = VfioUserSockets.open(kind, "test", 2);
        var _ = sockets.serve(path, device, SERVER)) {
      assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(path)))
          .isEqualTo("rw-------");
    }
    assertThat(path).doesNotExist();
  }

  @ParameterizedTest
  @MethodSource("kinds")
  void aDeviceThatThrowsIsAnInputOutputErrorAndTheConnectionStays(SocketKind kind)
      throws IOException {
    VfioUserDevice faulty = new FaultyDevice();

    try (var sockets = VfioUserSockets.open(kind, "test", 2);
        var _ = sockets.serve(path, faulty, SERVER);
        var client = sockets.connect(path, CLIENT)) {
      assertThatThrownBy(() -> client.read(0, 0, 1))
          .isInstanceOfSatisfying(
              VfioUserException.class, refused -> assertThat(refused.errno()).isEqualTo(Errno.EIO));
      assertThatThrownBy(() -> client.read(0, 0, 1)).isInstanceOf(VfioUserException.class);
    }
  }

  @Test
  void manyDevicesShareTheirThreads(@TempDir Path directory) throws IOException {
    try (var sockets = VfioUserSockets.open("shared", 2)) {
      List<MemoryDevice> devices = new ArrayList<>();
      List<VfioUserServer> servers = new ArrayList<>();
      List<VfioUserClient> clients = new ArrayList<>();
      for (int i = 0; i < 20; i++) {
        devices.add(new MemoryDevice());
        servers.add(sockets.serve(directory.resolve("d" + i), devices.get(i), SERVER));
        clients.add(sockets.connect(directory.resolve("d" + i), CLIENT));
        clients.get(i).write(7, 0, ByteBuffer.wrap(new byte[] {(byte) (100 + i)}));
      }

      for (int i = 0; i < 20; i++) {
        assertThat(devices.get(i).bytes(7)[0]).isEqualTo((byte) (100 + i));
      }
      assertThat(threads("shared")).hasSize(2);
      servers.forEach(VfioUserServer::close);
      assertThat(directory).isEmptyDirectory();
    }
  }

  @ParameterizedTest
  @MethodSource("kinds")
  void closingDisconnectsTheClientTellsTheDeviceAndLeavesNothing(SocketKind kind)
      throws IOException {
    useOnce(kind);
    List<String> before = descriptors();

    useOnce(kind);

    await().untilAsserted(() -> assertThat(threads("once")).isEmpty());
    await().untilAsserted(() -> assertThat(descriptors()).hasSameSizeAs(before));
    assertThat(path).doesNotExist();
    assertThat(device.calls())
        .containsExactly("connected", "disconnected", "connected", "disconnected");
  }

  private void useOnce(SocketKind kind) throws IOException {
    try (var sockets = VfioUserSockets.open(kind, "once", 2)) {
      VfioUserServer server = sockets.serve(path, device, SERVER);
      VfioUserClient client = sockets.connect(path, CLIENT);
      server.close();

      assertThat(device.calls()).endsWith("disconnected");
      assertThatThrownBy(client::deviceInfo).isInstanceOf(IOException.class);
      server.close();
    }
  }

  @Test
  void aServerAndAClientOnThreadsOfTheirOwnEndThem() throws IOException {
    try (var _ = VfioUserServer.open(path, device, SERVER);
        var client = VfioUserClient.connect(path, CLIENT)) {
      assertThat(client.isOpen()).isTrue();
      assertThat(threads("vfio-user-")).hasSize(2);
    }
    await().untilAsserted(() -> assertThat(threads("vfio-user-")).isEmpty());
  }

  @Test
  void aServerThatCannotBeOpenedLeavesNoThread() {
    assertThatThrownBy(() -> VfioUserServer.open(path.resolve("no/such"), device, SERVER))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("there is no folder");
    await().untilAsserted(() -> assertThat(threads("vfio-user-")).isEmpty());
  }

  @Test
  void aClientWithoutAServerSaysWhere() {
    assertThatThrownBy(() -> VfioUserClient.connect(path, CLIENT))
        .isInstanceOf(IOException.class)
        .hasMessageStartingWith(path + " cannot be connected to: No such file or directory");
  }

  private SocketChannel connectRaw() throws IOException {
    SocketChannel raw = SocketChannel.open(StandardProtocolFamily.UNIX);
    raw.connect(UnixDomainSocketAddress.of(path));
    return raw;
  }

  /// Whether the server has hung up, orderly or not.
  private static boolean isAtEnd(SocketChannel raw) {
    try {
      return raw.read(ByteBuffer.allocate(1)) < 0;
    } catch (IOException e) {
      return true;
    }
  }

  private static List<String> threads(String prefix) {
    return Thread.getAllStackTraces().keySet().stream()
        .map(Thread::getName)
        .filter(name -> name.startsWith(prefix))
        .toList();
  }

  /// Sockets, event queues, eventfds and timers of this process.
  private static List<String> descriptors() throws IOException {
    List<String> found = new ArrayList<>();
    try (Stream<Path> all = Files.list(Path.of("/proc/self/fd"))) {
      for (Path descriptor : all.toList()) {
        if (Files.isSymbolicLink(descriptor)) {
          found.add(Files.readSymbolicLink(descriptor).toString());
        }
      }
    }
    return found.stream()
        .filter(target -> target.startsWith("socket:") || target.startsWith("anon_inode:"))
        .toList();
  }

  /// A device with a bug.
  private static final class FaultyDevice implements VfioUserDevice {
    @Override
    public List<Region> regions() {
      return List.of(new Region(1, Region.READ));
    }

    @Override
    public List<Irq> irqs() {
      return List.of();
    }

    @Override
    public boolean isResettable() {
      return false;
    }

    @Override
    public Outcome read(int region, long offset, ByteBuffer destination) {
      throw new IllegalStateException("a bug, for a test");
    }

    @Override
    public Outcome write(int region, long offset, ByteBuffer source) {
      return Outcome.done();
    }

    @Override
    public Outcome reset() {
      return Outcome.done();
    }
  }
}
