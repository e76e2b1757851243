package io.vpasid.guest.vfiouser;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class IrqInfoTest {

  @ParameterizedTest
  @CsvSource({"0, 6, 1", "1, 0, 0", "2, 8, 8", "3, 0, 0", "4, 0, 0"})
  void eachTypeHasItsCountAndNoEventfdsWhereDescriptorsDoNotPass(int index, int flags, int count) {
    try (var server = EmbeddedServer.agreed()) {
      byte[] reply =
          server.exchange(Wire.request(1, Wire.GET_IRQ_INFO, Wire.ints(16, 0, index, 0)));

      assertThat(reply)
          .isEqualTo(Wire.reply(1, Wire.GET_IRQ_INFO, Wire.ints(16, flags, index, count)));
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {5, 6, 0x7fffffff, -1})
  void anIndexBeyondTheTypesIsInvalid(int index) {
    try (var server = EmbeddedServer.agreed()) {
      assertThat(server.exchange(Wire.request(1, Wire.GET_IRQ_INFO, Wire.ints(16, 0, index, 0))))
          .isEqualTo(Wire.failure(1, Wire.GET_IRQ_INFO, Wire.EINVAL));
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 8, 15})
  void roomForLessThanTheReplyIsInvalid(int argsz) {
    try (var server = EmbeddedServer.agreed()) {
      assertThat(server.exchange(Wire.request(1, Wire.GET_IRQ_INFO, Wire.ints(argsz, 0, 2, 0))))
          .isEqualTo(Wire.failure(1, Wire.GET_IRQ_INFO, Wire.EINVAL));
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 8, 15})
  void aShortRequestIsInvalid(int length) {
    try (var server = EmbeddedServer.agreed()) {
      assertThat(server.exchange(Wire.request(1, Wire.GET_IRQ_INFO, new byte[length])))
          .isEqualTo(Wire.failure(1, Wire.GET_IRQ_INFO, Wire.EINVAL));
    }
  }
}
