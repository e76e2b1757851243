package io.vpasid.guest.vfiouser;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class RegionIoFdsTest {

  private static byte[] exchange(byte[] payload) {
    try (var server = EmbeddedServer.agreed()) {
      byte[] reply = server.exchange(Wire.request(6, Wire.GET_REGION_IO_FDS, payload));
      assertThat(server.isOpen()).isTrue();
      return reply;
    }
  }

  @ParameterizedTest
  @CsvSource({"16, 0", "16, 7", "4096, 8", "-1, 3"})
  void noPartOfARegionHasADescriptor(int argsz, int index) {
    assertThat(exchange(Wire.ints(argsz, 0, index, 0)))
        .isEqualTo(Wire.reply(6, Wire.GET_REGION_IO_FDS, Wire.ints(16, 0, index, 0)));
  }

  @ParameterizedTest
  @CsvSource({
    "15, 0, 0, 0",
    "0, 0, 0, 0",
    "16, 1, 0, 0",
    "16, 0, 9, 0",
    "16, 0, -1, 0",
    "16, 0, 0, 1"
  })
  void whatTheSpecificationDoesNotAllowIsInvalid(int argsz, int flags, int index, int count) {
    assertThat(exchange(Wire.ints(argsz, flags, index, count)))
        .isEqualTo(Wire.failure(6, Wire.GET_REGION_IO_FDS, Wire.EINVAL));
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 12, 15})
  void aShortRequestIsInvalid(int length) {
    assertThat(exchange(new byte[length]))
        .isEqualTo(Wire.failure(6, Wire.GET_REGION_IO_FDS, Wire.EINVAL));
  }
}
