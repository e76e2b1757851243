package io.vpasid.guest.vfiouser;

import static org.assertj.core.api.Assertions.assertThat;

import io.vpasid.vmm.linux.Errno;
import java.nio.ByteBuffer;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// What the server asks a client for, as it looks on the wire, and what it makes of the replies.
class DmaMessagesTest {

  /// A server whose client has mapped 64 KiB at 0x10000 without a descriptor.
  private static EmbeddedServer mapped(byte[] version) {
    EmbeddedServer server = EmbeddedServer.fresh();
    server.exchange(Wire.request(0, Wire.VERSION, version));
    server.exchange(Wire.request(1, Wire.DMA_MAP, Wire.dmaMap(32, 3, 0, 0x10000, 0x10000)));
    return server;
  }

  private static EmbeddedServer mapped() {
    return mapped(Wire.versionWithoutData(0, 0));
  }

  private static CompletableFuture<Outcome> read(EmbeddedServer server, ByteBuffer into) {
    return server.device().peer().orElseThrow().readDma(0x10004, into);
  }

  private static CompletableFuture<Outcome> write(EmbeddedServer server, byte... bytes) {
    return server.device().peer().orElseThrow().writeDma(0x10004, ByteBuffer.wrap(bytes));
  }

  private static byte[] asked(EmbeddedServer server) {
    server.channel().runPendingTasks();
    return server.sent();
  }

  @Test
  void aReadIsAskedForAndTheReplyIsTheData() {
    try (var server = mapped()) {
      ByteBuffer into = ByteBuffer.allocate(2);
      var outcome = read(server, into);

      assertThat(asked(server)).isEqualTo(Wire.request(1, Wire.DMA_READ, Wire.longs(0x10004, 2)));
      assertThat(outcome).isNotDone();
      byte[] reply =
          Wire.reply(1, Wire.DMA_READ, Wire.concat(Wire.longs(0x10004, 2), new byte[] {7, 8}));
      assertThat(server.exchange(reply)).isEmpty();
      assertThat(outcome).isCompletedWithValue(Outcome.done());
      assertThat(into.array()).containsExactly(7, 8);
      assertThat(server.isOpen()).isTrue();
    }
  }

  @Test
  void aTransferIsNoLongerThanTheClientTakes() {
    byte[] version = Wire.version(0, 0, "{\"capabilities\": {\"max_data_xfer_size\": 4}}");
    try (var server = mapped(version)) {
      var outcome = write(server, (byte) 1, (byte) 2, (byte) 3, (byte) 4, (byte) 5);

      assertThat(asked(server))
          .isEqualTo(
              Wire.request(
                  1, Wire.DMA_WRITE, Wire.concat(Wire.longs(0x10004, 4), new byte[] {1, 2, 3, 4})));
      assertThat(server.exchange(Wire.reply(1, Wire.DMA_WRITE, Wire.longs(0x10004, 4))))
          .isEqualTo(
              Wire.request(2, Wire.DMA_WRITE, Wire.concat(Wire.longs(0x10008, 1), new byte[] {5})));
      server.exchange(Wire.reply(2, Wire.DMA_WRITE, Wire.longs(0x10008, 1)));
      assertThat(outcome).isCompletedWithValue(Outcome.done());
    }
  }

  /// The specification's table has 12 bytes, libvfio-user 16, QEMU none.
  @ParameterizedTest
  @ValueSource(ints = {0, 12, 16})
  void everyFormOfAReplyToAWriteIsUnderstood(int length) {
    try (var server = mapped()) {
      var outcome = write(server, (byte) 1);
      asked(server);
      byte[] payload = java.util.Arrays.copyOf(Wire.longs(0x10004, 1), length);

      server.exchange(Wire.reply(1, Wire.DMA_WRITE, payload));

      assertThat(outcome).isCompletedWithValue(Outcome.done());
    }
  }

  @Test
  void anInterruptMessageIsAskedForThoughNoWindowHasItsAddress() {
    try (var server = mapped()) {
      var peer = server.device().peer().orElseThrow();
      var outside = peer.writeMessage(0xfee01000L, 0x4021);
      assertThat(asked(server))
          .isEqualTo(
              Wire.request(
                  1, Wire.DMA_WRITE, Wire.concat(Wire.longs(0xfee01000L, 4), Wire.ints(0x4021))));
      server.exchange(Wire.reply(1, Wire.DMA_WRITE, Wire.longs(0xfee01000L, 4)));
      assertThat(outside).isCompletedWithValue(Outcome.done());

      var _ = peer.writeMessage(0x10000, 7);
      assertThat(asked(server))
          .isEqualTo(
              Wire.request(2, Wire.DMA_WRITE, Wire.concat(Wire.longs(0x10000, 4), Wire.ints(7))));
    }
  }

  /// A write of 2^32 bytes in 64 bits, of none in 32, with no data.
  private static final byte[] WHICH_LAYOUT =
      Wire.request(1, Wire.DMA_WRITE, Wire.longs(0x10004, 1L << 32));

  private static EmbeddedServer mappedByQemu() {
    return mapped(Wire.version(0, 0, Wire.QEMU_CAPABILITIES));
  }

  @Test
  void aQemuThatTakesA32BitCountHasItsDataWhereItsPaddingBegins() {
    try (var server = mappedByQemu()) {
      ByteBuffer into = ByteBuffer.allocate(2);
      var read = read(server, into);
      assertThat(asked(server)).isEqualTo(WHICH_LAYOUT);
      assertThat(server.exchange(Wire.reply(1, Wire.DMA_WRITE, new byte[0])))
          .isEqualTo(Wire.request(2, Wire.DMA_READ, Wire.longs(0x10004, 2)));
      server.exchange(
          Wire.reply(
              2,
              Wire.DMA_READ,
              Wire.concat(Wire.longs(0x10004), Wire.ints(2), new byte[] {7, 8, 0, 0, 0, 0})));
      assertThat(read).isCompletedWithValue(Outcome.done());
      assertThat(into.array()).containsExactly(7, 8);

      var write = write(server, (byte) 7, (byte) 8);
      assertThat(asked(server))
          .isEqualTo(
              Wire.request(
                  3,
                  Wire.DMA_WRITE,
                  Wire.concat(Wire.longs(0x10004), Wire.ints(2), new byte[] {7, 8, 0, 0, 0, 0})));
      server.exchange(Wire.reply(3, Wire.DMA_WRITE, new byte[0]));
      assertThat(write).isCompletedWithValue(Outcome.done());
    }
  }

  @Test
  void aQemuThatTakesA64BitCountHasItAsTheSpecificationSays() {
    try (var server = mappedByQemu()) {
      var write = write(server, (byte) 7, (byte) 8);
      assertThat(asked(server)).isEqualTo(WHICH_LAYOUT);
      assertThat(server.exchange(Wire.failure(1, Wire.DMA_WRITE, Wire.E2BIG)))
          .isEqualTo(
              Wire.request(
                  2, Wire.DMA_WRITE, Wire.concat(Wire.longs(0x10004, 2), new byte[] {7, 8})));
      server.exchange(Wire.reply(2, Wire.DMA_WRITE, new byte[0]));
      assertThat(write).isCompletedWithValue(Outcome.done());

      ByteBuffer into = ByteBuffer.allocate(2);
      var read = read(server, into);
      assertThat(asked(server)).isEqualTo(Wire.request(3, Wire.DMA_READ, Wire.longs(0x10004, 2)));
      server.exchange(
          Wire.reply(3, Wire.DMA_READ, Wire.concat(Wire.longs(0x10004, 2), new byte[] {7, 8})));
      assertThat(read).isCompletedWithValue(Outcome.done());
      assertThat(into.array()).containsExactly(7, 8);
    }
  }

  @Test
  void whatIsAskedForBeforeTheLayoutIsKnownGoesOutInItsOrder() {
    try (var server = mappedByQemu()) {
      var _ = write(server, (byte) 1);
      var _ = write(server, (byte) 2);
      var _ = read(server, ByteBuffer.allocate(3));
      assertThat(asked(server)).isEqualTo(WHICH_LAYOUT);

      assertThat(server.exchange(Wire.failure(1, Wire.DMA_WRITE, Wire.E2BIG)))
          .isEqualTo(
              Wire.concat(
                  Wire.request(
                      2, Wire.DMA_WRITE, Wire.concat(Wire.longs(0x10004, 1), new byte[] {1})),
                  Wire.request(
                      3, Wire.DMA_WRITE, Wire.concat(Wire.longs(0x10004, 1), new byte[] {2})),
                  Wire.request(4, Wire.DMA_READ, Wire.longs(0x10004, 3))));
    }
  }

  @Test
  void aClientThatGoesBeforeItsLayoutIsKnownIsNotConnected() {
    try (var server = mappedByQemu()) {
      var first = write(server, (byte) 1);
      var second = read(server, ByteBuffer.allocate(1));
      asked(server);

      server.exchange(Wire.reply(1, Wire.DMA_READ, Wire.longs(0x10004, 1)));

      assertThat(((Outcome.Failed) first.join()).errno()).isEqualTo(Errno.ENOTCONN);
      assertThat(((Outcome.Failed) second.join()).errno()).isEqualTo(Errno.ENOTCONN);
      assertThat(server.isOpen()).isFalse();
    }
  }

  @Test
  void whatTheClientRefusesIsRefusedWithItsErrno() {
    try (var server = mapped()) {
      var outcome = read(server, ByteBuffer.allocate(2));
      asked(server);

      server.exchange(Wire.failure(1, Wire.DMA_READ, 13));

      assertThat(((Outcome.Failed) outcome.join()).errno()).isEqualTo(Errno.EACCES);
      assertThat(server.isOpen()).isTrue();
    }
  }

  @Test
  void aReplyWithOtherBytesThanWereAskedForIsAnInputOutputError() {
    try (var server = mapped()) {
      for (byte[] payload :
          new byte[][] {
            Wire.concat(Wire.longs(0x10005, 2), new byte[2]),
            Wire.concat(Wire.longs(0x10004, 1), new byte[1]),
            Wire.concat(Wire.longs(0x10004, 3), new byte[3]),
            Wire.concat(Wire.longs(0x10004, 3), new byte[2]),
            Wire.concat(Wire.longs(0x10004, -1), new byte[2]),
            Wire.longs(0x10004)
          }) {
        ByteBuffer into = ByteBuffer.allocate(2);
        var outcome = read(server, into);
        byte[] request = asked(server);

        server.exchange(Wire.reply(request[0], Wire.DMA_READ, payload));

        assertThat(((Outcome.Failed) outcome.join()).errno()).isEqualTo(Errno.EIO);
        assertThat(into.position()).isZero();
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 7, 15, 17})
  void aReplyOfAnotherLayoutClosesTheConnection(int length) {
    try (var server = mapped()) {
      var outcome = write(server, (byte) 1);
      asked(server);

      server.exchange(Wire.reply(1, Wire.DMA_WRITE, new byte[length]));

      assertThat(((Outcome.Failed) outcome.join()).errno()).isEqualTo(Errno.ENOTCONN);
      assertThat(server.isOpen()).isFalse();
    }
  }

  @Test
  void aReplyToAnotherCommandClosesTheConnection() {
    try (var server = mapped()) {
      var outcome = read(server, ByteBuffer.allocate(1));
      asked(server);

      server.exchange(Wire.reply(1, Wire.DMA_WRITE, Wire.longs(0x10004, 1)));

      assertThat(((Outcome.Failed) outcome.join()).errno()).isEqualTo(Errno.ENOTCONN);
      assertThat(server.isOpen()).isFalse();
    }
  }

  @Test
  void moreAccessesThanMayWaitAreRefused() {
    try (var server = mapped()) {
      for (int i = 0; i < ClientMemory.MAX_UNDER_WAY; i++) {
        assertThat(write(server, (byte) 1)).isNotDone();
      }

      assertThat(((Outcome.Failed) write(server, (byte) 1).join()).errno()).isEqualTo(Errno.EAGAIN);
    }
  }
}
