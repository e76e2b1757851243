package io.vpasid.guest.vfiouser;

import static org.assertj.core.api.Assertions.assertThat;

import io.vpasid.vmm.linux.Errno;
import java.util.Arrays;
import java.util.Collections;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RegionWriteMultiTest {

  /// One of several writes: always 24 bytes.
  private static byte[] write(long offset, int region, int count, int value) {
    return Wire.access(offset, region, count, Wire.ints(value, value >>> 31));
  }

  private static byte[] request(long announced, byte[]... writes) {
    return Wire.request(
        4, Wire.REGION_WRITE_MULTI, Wire.concat(Wire.longs(announced), Wire.concat(writes)));
  }

  private static byte[] done(long count) {
    return Wire.reply(4, Wire.REGION_WRITE_MULTI, Wire.longs(count));
  }

  private static final byte[] INVALID = Wire.failure(4, Wire.REGION_WRITE_MULTI, Wire.EINVAL);

  @Test
  void writesAreMadeInOrderAndCounted() {
    try (var server = EmbeddedServer.agreed()) {
      byte[] reply =
          server.exchange(
              request(
                  3,
                  write(16, MemoryDevice.MEMORY, 4, 0x04030201),
                  write(16, MemoryDevice.MEMORY, 1, 9),
                  write(40, MemoryDevice.CONFIG, 2, 0x0807)));

      assertThat(reply).isEqualTo(done(3));
      assertThat(server.device().calls())
          .containsExactly("connected", "write 0 16 4", "write 0 16 1", "write 7 40 2");
      assertThat(server.device().bytes(MemoryDevice.MEMORY)[16]).isEqualTo((byte) 9);
      assertThat(server.device().bytes(MemoryDevice.MEMORY)[19]).isEqualTo((byte) 4);
    }
  }

  @Test
  void noWritesAtAllAreDoneAtOnce() {
    try (var server = EmbeddedServer.agreed()) {
      assertThat(server.exchange(request(0))).isEqualTo(done(0));
    }
  }

  @Test
  void asManyWritesAsAMessageHoldsAreMade() {
    int count = ((1 << 20) - 8) / 24;
    byte[][] writes =
        Collections.nCopies(count, write(0, MemoryDevice.MEMORY, 4, 1)).toArray(byte[][]::new);

    try (var server = EmbeddedServer.agreed()) {
      assertThat(server.exchange(request(count, writes))).isEqualTo(done(count));
    }
  }

  @Test
  void theFirstWriteThatIsRefusedEndsThem() {
    try (var server = EmbeddedServer.agreed()) {
      byte[] reply =
          server.exchange(
              request(
                  3,
                  write(0, MemoryDevice.MEMORY, 4, 1),
                  write(0, MemoryDevice.READ_ONLY, 4, 1),
                  write(8, MemoryDevice.MEMORY, 4, 1)));

      assertThat(reply).isEqualTo(done(1));
      assertThat(server.device().calls()).containsExactly("connected", "write 0 0 4");
    }
  }

  @Test
  void ifTheFirstIsRefusedTheReplyIsAnError() {
    try (var server = EmbeddedServer.agreed()) {
      server.device().answerWith(Outcome.refused(Errno.EIO, "no"));

      assertThat(server.exchange(request(1, write(0, MemoryDevice.MEMORY, 4, 1))))
          .isEqualTo(Wire.failure(4, Wire.REGION_WRITE_MULTI, Wire.EIO));
      assertThat(server.exchange(request(1, write(65533, MemoryDevice.MEMORY, 4, 1))))
          .isEqualTo(INVALID);
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {0, 1, 3, 0xffff_ffffL, -1, Long.MIN_VALUE, 0x0aaa_aaaa_aaaa_aaacL})
  void aCountThatIsNotTheNumberOfWritesIsInvalid(long announced) {
    try (var server = EmbeddedServer.agreed()) {
      byte[] write = write(0, MemoryDevice.MEMORY, 4, 1);

      assertThat(server.exchange(request(announced, write, write))).isEqualTo(INVALID);
      assertThat(server.device().calls()).containsExactly("connected");
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {9, 24, -1})
  void aWriteOfMoreThanEightBytesIsInvalidAndNothingIsWritten(int count) {
    try (var server = EmbeddedServer.agreed()) {
      byte[] reply =
          server.exchange(
              request(
                  2, write(0, MemoryDevice.MEMORY, 4, 1), write(0, MemoryDevice.MEMORY, count, 1)));

      assertThat(reply).isEqualTo(INVALID);
      assertThat(server.device().calls()).containsExactly("connected");
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 7, 9, 31, 33})
  void aRequestOfAnotherLengthIsInvalid(int length) {
    byte[] payload = Arrays.copyOf(Wire.longs(1, 0, 0, 0, 0), length);
    try (var server = EmbeddedServer.agreed()) {
      assertThat(server.exchange(Wire.request(4, Wire.REGION_WRITE_MULTI, payload)))
          .isEqualTo(INVALID);
    }
  }

  @Test
  void postedWritesAreDoneAndNotAnswered() {
    try (var server = EmbeddedServer.agreed()) {
      byte[] posted =
          Wire.message(
              4,
              Wire.REGION_WRITE_MULTI,
              Wire.NO_REPLY,
              0,
              Wire.concat(Wire.longs(1), write(4, MemoryDevice.MEMORY, 8, 5)));

      assertThat(server.exchange(posted)).isEmpty();
      assertThat(server.device().calls()).containsExactly("connected", "write 0 4 8");
    }
  }
}
