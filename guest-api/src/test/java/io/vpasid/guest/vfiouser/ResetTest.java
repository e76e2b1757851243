package io.vpasid.guest.vfiouser;

import static org.assertj.core.api.Assertions.assertThat;

import io.vpasid.vmm.linux.Errno;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ResetTest {

  @Test
  void theDeviceIsReset() {
    try (var server = EmbeddedServer.agreed()) {
      assertThat(server.exchange(Wire.request(1, Wire.RESET, new byte[0])))
          .isEqualTo(Wire.reply(1, Wire.RESET, new byte[0]));
      assertThat(server.device().calls()).containsExactly("connected", "reset");
    }
  }

  @Test
  void aResetThatFailsSaysWhy() {
    try (var server = EmbeddedServer.agreed()) {
      server.device().answerWith(Outcome.refused(Errno.EAGAIN, "Not now."));

      assertThat(server.exchange(Wire.request(1, Wire.RESET, new byte[0])))
          .isEqualTo(Wire.failure(1, Wire.RESET, 11));
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 16})
  void aResetWithAPayloadIsInvalid(int length) {
    try (var server = EmbeddedServer.agreed()) {
      assertThat(server.exchange(Wire.request(1, Wire.RESET, new byte[length])))
          .isEqualTo(Wire.failure(1, Wire.RESET, Wire.EINVAL));
      assertThat(server.device().calls()).containsExactly("connected");
    }
  }
}
