package io.vpasid.guest.vfiouser;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class FramingTest {
  private static final byte[] NOTHING = {};

  @ParameterizedTest
  @ValueSource(longs = {0, 1, 15})
  void aSizeBelowTheHeadersIsRefusedAndTheConnectionClosed(long size) {
    try (var server = EmbeddedServer.agreed()) {
      byte[] reply = server.exchange(Wire.header(3, Wire.RESET, size, 0, 0, NOTHING));

      assertThat(reply).isEqualTo(Wire.failure(3, Wire.RESET, Wire.EINVAL));
      assertThat(server.isOpen()).isFalse();
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {16 + 16 + (1 << 20) + 1, 1L << 31, (1L << 32) - 1})
  void aSizeBeyondTheLimitIsRefusedBeforeAnyOfItHasCome(long size) {
    try (var server = EmbeddedServer.agreed()) {
      byte[] reply = server.exchange(Wire.header(3, Wire.REGION_WRITE, size, 0, 0, NOTHING));

      assertThat(reply).isEqualTo(Wire.failure(3, Wire.REGION_WRITE, Wire.EINVAL));
      assertThat(server.isOpen()).isFalse();
    }
  }

  @Test
  void whatFollowsABrokenHeaderIsNotLookedAt() {
    try (var server = EmbeddedServer.agreed()) {
      byte[] reply =
          server.exchange(
              Wire.concat(
                  Wire.header(3, Wire.RESET, 2, 0, 0, NOTHING),
                  Wire.request(4, Wire.RESET, NOTHING)));

      assertThat(reply).isEqualTo(Wire.failure(3, Wire.RESET, Wire.EINVAL));
      assertThat(server.device().calls()).doesNotContain("reset");
    }
  }

  @Test
  void aBrokenHeaderThatWantsNoReplyJustClosesTheConnection() {
    try (var server = EmbeddedServer.agreed()) {
      assertThat(server.exchange(Wire.header(3, Wire.RESET, 2, Wire.NO_REPLY, 0, NOTHING)))
          .isEmpty();
      assertThat(server.isOpen()).isFalse();
    }
  }

  @Test
  void aReplyThatWasNotAskedForClosesTheConnection() {
    try (var server = EmbeddedServer.agreed()) {
      assertThat(server.exchange(Wire.reply(3, Wire.DMA_READ, new byte[16]))).isEmpty();
      assertThat(server.isOpen()).isFalse();
    }
  }

  @Test
  void anErrorReplyThatWasNotAskedForClosesTheConnection() {
    try (var server = EmbeddedServer.agreed()) {
      assertThat(server.exchange(Wire.failure(3, Wire.REGION_READ, Wire.EIO))).isEmpty();
      assertThat(server.isOpen()).isFalse();
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {2, 7, 15})
  void aMessageOfNoKnownTypeClosesTheConnection(int type) {
    try (var server = EmbeddedServer.agreed()) {
      assertThat(server.exchange(Wire.message(3, Wire.RESET, type, 0, NOTHING))).isEmpty();
      assertThat(server.isOpen()).isFalse();
      assertThat(server.device().calls()).doesNotContain("reset");
    }
  }

  @Test
  void unknownFlagsAndTheErrorFieldOfARequestAreIgnored() {
    try (var server = EmbeddedServer.agreed()) {
      assertThat(server.exchange(Wire.message(3, Wire.RESET, 0xffffff30, 99, NOTHING))).isEmpty();
      assertThat(server.exchange(Wire.message(4, Wire.RESET, 0xffffffe0, 99, NOTHING)))
          .isEqualTo(Wire.reply(4, Wire.RESET, NOTHING));
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 14, 19, 999, 0xffff})
  void anUnknownCommandIsInvalidAndTheConnectionStays(int command) {
    try (var server = EmbeddedServer.agreed()) {
      assertThat(server.exchange(Wire.request(3, command, new byte[8])))
          .isEqualTo(Wire.failure(3, command, Wire.EINVAL));
      assertThat(server.isOpen()).isTrue();
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {Wire.DMA_READ, Wire.DMA_WRITE})
  void aCommandForClientsIsInvalid(int command) {
    try (var server = EmbeddedServer.agreed()) {
      assertThat(server.exchange(Wire.request(3, command, new byte[16])))
          .isEqualTo(Wire.failure(3, command, Wire.EINVAL));
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {Wire.MIG_DATA_READ, Wire.MIG_DATA_WRITE})
  void aCommandThatIsNotServedIsNotSupported(int command) {
    try (var server = EmbeddedServer.agreed()) {
      assertThat(server.exchange(Wire.request(3, command, new byte[16])))
          .isEqualTo(Wire.failure(3, command, Wire.EOPNOTSUPP));
      assertThat(server.isOpen()).isTrue();
    }
  }

  @Test
  void messagesThatComeByteByByteAreAnsweredInOrder() {
    try (var server = EmbeddedServer.agreed()) {
      byte[] bytes =
          Wire.concat(
              Wire.request(1, Wire.RESET, NOTHING),
              Wire.request(0xffff, Wire.REGION_READ, Wire.access(4, MemoryDevice.CONFIG, 1)));

      byte[][] replies = new byte[bytes.length][];
      for (int i = 0; i < bytes.length; i++) {
        replies[i] = server.exchange(Arrays.copyOfRange(bytes, i, i + 1));
      }

      assertThat(Wire.concat(replies))
          .isEqualTo(
              Wire.concat(
                  Wire.reply(1, Wire.RESET, NOTHING),
                  Wire.reply(
                      0xffff, Wire.REGION_READ, Wire.access(4, MemoryDevice.CONFIG, 1, (byte) 4))));
    }
  }

  @Test
  void manyMessagesInOneReadAreAllAnsweredWithTheirIds() {
    try (var server = EmbeddedServer.agreed()) {
      byte[] replies =
          server.exchange(
              Wire.concat(
                  Wire.request(5, Wire.RESET, NOTHING),
                  Wire.message(6, Wire.RESET, Wire.NO_REPLY, 0, NOTHING),
                  Wire.request(5, Wire.RESET, NOTHING)));

      assertThat(replies)
          .isEqualTo(
              Wire.concat(Wire.reply(5, Wire.RESET, NOTHING), Wire.reply(5, Wire.RESET, NOTHING)));
      assertThat(server.device().calls()).containsExactly("connected", "reset", "reset", "reset");
    }
  }

  @Test
  void aConnectionThatEndsWithinAMessageEndsTheSession() {
    var server = EmbeddedServer.agreed();

    server.exchange(new byte[] {1, 0, 13, 0, 16, 0});
    server.close();

    assertThat(server.device().calls()).containsExactly("connected", "disconnected");
  }
}
