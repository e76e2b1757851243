package io.vpasid.guest.vfiouser;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// No device here has a feature; what the specification has as features is all about migration.
class DeviceFeatureTest {
  private static final int GET = 1 << 16;
  private static final int SET = 1 << 17;
  private static final int PROBE = 1 << 18;

  private static final int MIGRATION = 1;
  private static final int MIG_DEVICE_STATE = 2;
  private static final int DMA_LOGGING_START = 6;

  private static byte[] exchange(byte[] payload) {
    try (var server = EmbeddedServer.agreed()) {
      byte[] reply = server.exchange(Wire.request(6, Wire.DEVICE_FEATURE, payload));
      assertThat(server.isOpen()).isTrue();
      return reply;
    }
  }

  @ParameterizedTest
  @ValueSource(
      ints = {
        GET | MIGRATION,
        SET | MIG_DEVICE_STATE,
        PROBE | MIGRATION,
        PROBE | GET | DMA_LOGGING_START,
        PROBE | GET | SET | MIG_DEVICE_STATE,
        GET | 0xffff
      })
  void aFeatureIsAnsweredAsLinuxAnswersForOneThatADeviceDoesNotHave(int flags) {
    assertThat(exchange(Wire.ints(64, flags)))
        .isEqualTo(Wire.failure(6, Wire.DEVICE_FEATURE, Wire.ENOTTY));
  }

  @ParameterizedTest
  @ValueSource(ints = {0, MIGRATION, GET | SET | MIGRATION, 1 << 19, GET | 1 << 31, -1})
  void flagsThatAreNotOneOperationAreInvalid(int flags) {
    assertThat(exchange(Wire.ints(64, flags)))
        .isEqualTo(Wire.failure(6, Wire.DEVICE_FEATURE, Wire.EINVAL));
  }

  @ParameterizedTest
  @CsvSource({"0", "7"})
  void roomForLessThanTheReplyIsInvalid(int argsz) {
    assertThat(exchange(Wire.ints(argsz, GET | MIGRATION)))
        .isEqualTo(Wire.failure(6, Wire.DEVICE_FEATURE, Wire.EINVAL));
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 4, 7})
  void aShortRequestIsInvalid(int length) {
    assertThat(exchange(new byte[length]))
        .isEqualTo(Wire.failure(6, Wire.DEVICE_FEATURE, Wire.EINVAL));
  }

  @ParameterizedTest
  @ValueSource(ints = {9, 32, 4096})
  void dataBehindTheFlagsIsNotLookedAt(int length) {
    byte[] data = new byte[length - 8];

    assertThat(exchange(Wire.concat(Wire.ints(length, SET | MIGRATION), data)))
        .isEqualTo(Wire.failure(6, Wire.DEVICE_FEATURE, Wire.ENOTTY));
  }
}
