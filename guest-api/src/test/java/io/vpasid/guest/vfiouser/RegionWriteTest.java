package io.vpasid.guest.vfiouser;

import static org.assertj.core.api.Assertions.assertThat;

import io.vpasid.vmm.linux.Errno;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class RegionWriteTest {

  @Test
  void bytesAreWrittenAndTheReplyRepeatsWhere() {
    try (var server = EmbeddedServer.agreed()) {
      byte[] data = {(byte) 0xde, (byte) 0xad, (byte) 0xbe, (byte) 0xef, 1};

      byte[] reply =
          server.exchange(Wire.request(1, Wire.REGION_WRITE, Wire.access(0x10, 7, 5, data)));

      assertThat(reply).isEqualTo(Wire.reply(1, Wire.REGION_WRITE, Wire.access(0x10, 7, 5)));
      assertThat(Arrays.copyOfRange(server.device().bytes(7), 0x10, 0x15)).isEqualTo(data);
    }
  }

  @Test
  void asMuchAsARegionHoldsIsWrittenInOneMessage() {
    try (var server = EmbeddedServer.agreed()) {
      byte[] data = new byte[65536];
      Arrays.fill(data, (byte) 0x5a);

      byte[] reply =
          server.exchange(Wire.request(1, Wire.REGION_WRITE, Wire.access(0, 0, 65536, data)));

      assertThat(reply).isEqualTo(Wire.reply(1, Wire.REGION_WRITE, Wire.access(0, 0, 65536)));
      assertThat(server.device().bytes(0)).isEqualTo(data);
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {0, 256})
  void aWriteOfNoBytesWithinTheRegionIsDoneAndTheDeviceIsNotAsked(long offset) {
    try (var server = EmbeddedServer.agreed()) {
      assertThat(server.exchange(Wire.request(1, Wire.REGION_WRITE, Wire.access(offset, 2, 0))))
          .isEqualTo(Wire.reply(1, Wire.REGION_WRITE, Wire.access(offset, 2, 0)));
      assertThat(server.device().calls()).containsExactly("connected");
    }
  }

  @ParameterizedTest
  @CsvSource({
    "256, 2",
    "253, 2",
    "-1, 2",
    "9223372036854775807, 2",
    "0, 1",
    "0, 3",
    "0, 9",
    "0, -1"
  })
  void whatCannotBeWrittenIsInvalidAndTheDeviceIsNotAsked(long offset, int region) {
    try (var server = EmbeddedServer.agreed()) {
      assertThat(
              server.exchange(
                  Wire.request(1, Wire.REGION_WRITE, Wire.access(offset, region, 4, new byte[4]))))
          .isEqualTo(Wire.failure(1, Wire.REGION_WRITE, Wire.EINVAL));
      assertThat(server.device().calls()).containsExactly("connected");
      assertThat(server.isOpen()).isTrue();
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 3, 5, 0x7fffffff, -1})
  void aCountThatIsNotTheDatasIsInvalid(int count) {
    try (var server = EmbeddedServer.agreed()) {
      assertThat(
              server.exchange(
                  Wire.request(1, Wire.REGION_WRITE, Wire.access(0, 7, count, new byte[4]))))
          .isEqualTo(Wire.failure(1, Wire.REGION_WRITE, Wire.EINVAL));
      assertThat(server.device().calls()).containsExactly("connected");
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 8, 15})
  void aShortRequestIsInvalid(int length) {
    try (var server = EmbeddedServer.agreed()) {
      assertThat(server.exchange(Wire.request(1, Wire.REGION_WRITE, new byte[length])))
          .isEqualTo(Wire.failure(1, Wire.REGION_WRITE, Wire.EINVAL));
    }
  }

  @Test
  void aPostedWriteIsDoneAndNotAnsweredWhetherItWorksOrNot() {
    try (var server = EmbeddedServer.agreed()) {
      byte[] good = Wire.access(0, 7, 1, (byte) 9);
      byte[] bad = Wire.access(4096, 7, 1, (byte) 9);

      assertThat(server.exchange(Wire.message(1, Wire.REGION_WRITE, Wire.NO_REPLY, 0, good)))
          .isEmpty();
      assertThat(server.exchange(Wire.message(2, Wire.REGION_WRITE, Wire.NO_REPLY, 0, bad)))
          .isEmpty();
      assertThat(server.device().bytes(7)[0]).isEqualTo((byte) 9);
      assertThat(server.isOpen()).isTrue();
    }
  }

  @Test
  void theDevicesRefusalIsTheErrno() {
    try (var server = EmbeddedServer.agreed()) {
      server.device().answerWith(Outcome.refused(Errno.EBUSY, "Later."));

      assertThat(
              server.exchange(Wire.request(1, Wire.REGION_WRITE, Wire.access(0, 7, 1, (byte) 1))))
          .isEqualTo(Wire.failure(1, Wire.REGION_WRITE, 16));
    }
  }
}
