package io.vpasid.guest.vfiouser;

import static org.assertj.core.api.Assertions.assertThat;

import io.vpasid.vmm.linux.Errno;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class RegionReadTest {

  @Test
  void theWholeConfigurationSpaceComesInOneReply() {
    try (var server = EmbeddedServer.agreed()) {
      byte[] reply = server.exchange(Wire.request(1, Wire.REGION_READ, Wire.access(0, 7, 4096)));

      assertThat(reply)
          .isEqualTo(
              Wire.reply(1, Wire.REGION_READ, Wire.access(0, 7, 4096, server.device().bytes(7))));
      assertThat(server.device().calls()).containsExactly("connected", "read 7 0 4096");
    }
  }

  @ParameterizedTest
  @CsvSource({"0, 1", "1, 2", "3, 4", "4095, 1", "4092, 4", "5, 7"})
  void anyLengthAtAnyOffsetIsRead(int offset, int count) {
    try (var server = EmbeddedServer.agreed()) {
      byte[] expected = Arrays.copyOfRange(server.device().bytes(7), offset, offset + count);

      assertThat(server.exchange(Wire.request(1, Wire.REGION_READ, Wire.access(offset, 7, count))))
          .isEqualTo(Wire.reply(1, Wire.REGION_READ, Wire.access(offset, 7, count, expected)));
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {0, 17, 4096})
  void aReadOfNoBytesWithinTheRegionIsEmptyAndTheDeviceIsNotAsked(long offset) {
    try (var server = EmbeddedServer.agreed()) {
      assertThat(server.exchange(Wire.request(1, Wire.REGION_READ, Wire.access(offset, 7, 0))))
          .isEqualTo(Wire.reply(1, Wire.REGION_READ, Wire.access(offset, 7, 0)));
      assertThat(server.device().calls()).containsExactly("connected");
    }
  }

  @ParameterizedTest
  @CsvSource({
    // past the end
    "4096, 7, 1",
    "4093, 7, 4",
    "4097, 7, 0",
    "0, 7, 4097",
    "9223372036854775807, 7, 1",
    "-1, 7, 1",
    "-1, 7, 0",
    "-9223372036854775808, 7, 4",
    // more than one message carries
    "0, 0, 1048577",
    "0, 0, -1",
    "0, 7, -1",
    "-1, 7, -1",
    // not to be read, empty, not there
    "0, 2, 1",
    "0, 3, 1",
    "0, 3, 0",
    "0, 9, 1",
    "0, -1, 4",
  })
  void whatCannotBeReadIsInvalidAndTheDeviceIsNotAsked(long offset, int region, int count) {
    try (var server = EmbeddedServer.agreed()) {
      assertThat(
              server.exchange(
                  Wire.request(1, Wire.REGION_READ, Wire.access(offset, region, count))))
          .isEqualTo(Wire.failure(1, Wire.REGION_READ, Wire.EINVAL));
      assertThat(server.device().calls()).containsExactly("connected");
      assertThat(server.isOpen()).isTrue();
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 4, 15, 17, 32})
  void aRequestOfAnotherLengthIsInvalid(int length) {
    try (var server = EmbeddedServer.agreed()) {
      assertThat(server.exchange(Wire.request(1, Wire.REGION_READ, new byte[length])))
          .isEqualTo(Wire.failure(1, Wire.REGION_READ, Wire.EINVAL));
    }
  }

  @Test
  void theDevicesRefusalIsTheErrno() {
    try (var server = EmbeddedServer.agreed()) {
      server.device().answerWith(Outcome.refused(new Errno(111), "No."));

      assertThat(server.exchange(Wire.request(1, Wire.REGION_READ, Wire.access(0, 7, 4))))
          .isEqualTo(Wire.failure(1, Wire.REGION_READ, 111));
    }
  }

  @Test
  void aDeviceThatLeavesBytesOutIsAnInputOutputErrorAndNothingOfTheBufferIsShown() {
    try (var server = EmbeddedServer.agreed()) {
      server.device().leaveGaps();

      assertThat(server.exchange(Wire.request(1, Wire.REGION_READ, Wire.access(0, 7, 4))))
          .isEqualTo(Wire.failure(1, Wire.REGION_READ, Wire.EIO));
    }
  }

  @Test
  void aReadThatWantsNoReplyIsDoneAndNotAnswered() {
    try (var server = EmbeddedServer.agreed()) {
      assertThat(
              server.exchange(
                  Wire.message(1, Wire.REGION_READ, Wire.NO_REPLY, 0, Wire.access(0, 7, 4))))
          .isEmpty();
      assertThat(server.device().calls()).containsExactly("connected", "read 7 0 4");
    }
  }
}
