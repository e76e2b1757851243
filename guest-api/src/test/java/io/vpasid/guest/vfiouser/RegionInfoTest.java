package io.vpasid.guest.vfiouser;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class RegionInfoTest {

  @ParameterizedTest
  @CsvSource({"0, 3, 65536", "1, 1, 256", "2, 2, 256", "3, 0, 0", "7, 3, 4096", "8, 0, 0"})
  void eachRegionHasItsFlagsAndItsSize(int index, int flags, long size) {
    try (var server = EmbeddedServer.agreed()) {
      byte[] reply =
          server.exchange(Wire.request(1, Wire.GET_REGION_INFO, Wire.regionInfo(32, 0, index, 0)));

      assertThat(reply)
          .isEqualTo(Wire.reply(1, Wire.GET_REGION_INFO, Wire.regionInfo(32, flags, index, size)));
    }
  }

  @Test
  void roomForCapabilitiesIsNotUsed() {
    try (var server = EmbeddedServer.agreed()) {
      byte[] request = Wire.concat(Wire.regionInfo(80, 0, 7, 0), new byte[48]);

      assertThat(server.exchange(Wire.request(1, Wire.GET_REGION_INFO, request)))
          .isEqualTo(Wire.reply(1, Wire.GET_REGION_INFO, Wire.regionInfo(32, 3, 7, 4096)));
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {9, 100, 0x7fffffff, -1})
  void anIndexBeyondTheRegionsIsInvalid(int index) {
    try (var server = EmbeddedServer.agreed()) {
      assertThat(
              server.exchange(
                  Wire.request(1, Wire.GET_REGION_INFO, Wire.regionInfo(32, 0, index, 0))))
          .isEqualTo(Wire.failure(1, Wire.GET_REGION_INFO, Wire.EINVAL));
      assertThat(server.isOpen()).isTrue();
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 8, 31})
  void roomForLessThanTheReplyIsInvalid(int argsz) {
    try (var server = EmbeddedServer.agreed()) {
      assertThat(
              server.exchange(
                  Wire.request(1, Wire.GET_REGION_INFO, Wire.regionInfo(argsz, 0, 7, 0))))
          .isEqualTo(Wire.failure(1, Wire.GET_REGION_INFO, Wire.EINVAL));
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 8, 31})
  void aShortRequestIsInvalid(int length) {
    try (var server = EmbeddedServer.agreed()) {
      assertThat(server.exchange(Wire.request(1, Wire.GET_REGION_INFO, new byte[length])))
          .isEqualTo(Wire.failure(1, Wire.GET_REGION_INFO, Wire.EINVAL));
    }
  }
}
