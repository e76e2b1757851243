package io.vpasid.guest.vfiouser;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DeviceInfoTest {

  @ParameterizedTest
  @ValueSource(ints = {16, 17, 24, -1})
  void aDeviceIsPciAndResettableAndCountsItsRegionsAndInterrupts(int argsz) {
    try (var server = EmbeddedServer.agreed()) {
      byte[] reply = server.exchange(Wire.request(1, Wire.GET_INFO, Wire.ints(argsz, 0, 0, 0)));

      assertThat(reply).isEqualTo(Wire.reply(1, Wire.GET_INFO, Wire.ints(16, 0b11, 9, 5)));
    }
  }

  @Test
  void aLongerRequestIsAnsweredAllTheSame() {
    try (var server = EmbeddedServer.agreed()) {
      byte[] reply = server.exchange(Wire.request(1, Wire.GET_INFO, Wire.ints(24, 0, 0, 0, 0, 0)));

      assertThat(reply).isEqualTo(Wire.reply(1, Wire.GET_INFO, Wire.ints(16, 0b11, 9, 5)));
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 8, 15})
  void roomForLessThanTheReplyIsInvalid(int argsz) {
    try (var server = EmbeddedServer.agreed()) {
      assertThat(server.exchange(Wire.request(1, Wire.GET_INFO, Wire.ints(argsz, 0, 0, 0))))
          .isEqualTo(Wire.failure(1, Wire.GET_INFO, Wire.EINVAL));
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 4, 15})
  void aShortRequestIsInvalid(int length) {
    try (var server = EmbeddedServer.agreed()) {
      assertThat(server.exchange(Wire.request(1, Wire.GET_INFO, new byte[length])))
          .isEqualTo(Wire.failure(1, Wire.GET_INFO, Wire.EINVAL));
      assertThat(server.isOpen()).isTrue();
    }
  }
}
