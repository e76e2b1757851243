package io.vpasid.guest.vfiouser;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class VersionTest {

  @Test
  void aClientWithoutCapabilitiesIsToldWhatDiffersFromTheDefaults() {
    try (var server = EmbeddedServer.fresh()) {
      byte[] reply = server.exchange(Wire.request(7, Wire.VERSION, Wire.versionWithoutData(0, 0)));

      assertThat(reply)
          .isEqualTo(
              Wire.reply(
                  7,
                  Wire.VERSION,
                  Wire.version(0, 0, "{\"capabilities\":{\"max_msg_fds\":0,\"max_dma_maps\":4}}")));
      assertThat(server.device().calls()).containsExactly("connected");
    }
  }

  @Test
  void qemusProposalIsAnsweredWithinTheRoomThatQemuHasForTheReply() {
    try (var server = EmbeddedServer.fresh()) {
      byte[] request = Wire.request(0, Wire.VERSION, Wire.version(0, 0, Wire.QEMU_CAPABILITIES));

      byte[] reply = server.exchange(request);

      assertThat(reply)
          .hasSizeLessThanOrEqualTo(request.length)
          .isEqualTo(
              Wire.reply(
                  0,
                  Wire.VERSION,
                  Wire.version(
                      0,
                      0,
                      "{\"capabilities\":{\"max_msg_fds\":0,\"max_data_xfer_size\":1048576,"
                          + "\"max_dma_maps\":4,\"pgsizes\":4096,\"write_multiple\":true}}")));
    }
  }

  @Test
  void aHigherMinorVersionIsAnsweredWithOurs() {
    try (var server = EmbeddedServer.fresh()) {
      byte[] reply =
          server.exchange(Wire.request(1, Wire.VERSION, Wire.versionWithoutData(0, 0xffff)));

      assertThat(reply).startsWith(Wire.header(1, Wire.VERSION, reply.length, 1, 0, new byte[4]));
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{}",
        "{\"capabilities\": {}}",
        "{\"capabilities\": {\"unheard_of\": [1, {\"x\": null}]}, \"more\": true}",
        "{\"capabilities\": {\"max_msg_fds\": 0, \"max_data_xfer_size\": 9223372036854775807}}",
        "{\"capabilities\": {\"twin_socket\": {\"supported\": true}}}",
        "  {\"capabilities\": {\"migration\": {\"pgsize\": 4096}}}  ",
      })
  void capabilitiesOfAnyKindAreAccepted(String json) {
    try (var server = EmbeddedServer.fresh()) {
      byte[] reply = server.exchange(Wire.request(1, Wire.VERSION, Wire.version(0, 0, json)));

      assertThat(new String(reply, StandardCharsets.UTF_8)).contains("capabilities");
      assertThat(server.isOpen()).isTrue();
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "{",
        "\"",
        "23",
        "null",
        "[]",
        "{} {}",
        "{}\0",
        "{\"capabilities\": \"23\"}",
        "{\"capabilities\": null}",
        "{\"capabilities\": {}, \"capabilities\": {}}",
        "{\"capabilities\": {\"max_msg_fds\": \"foo\"}}",
        "{\"capabilities\": {\"max_msg_fds\": -1}}",
        "{\"capabilities\": {\"max_msg_fds\": 1.5}}",
        "{\"capabilities\": {\"max_data_xfer_size\": 9223372036854775808}}",
        "{\"capabilities\": {\"max_dma_maps\": null}}",
        "{\"capabilities\": {\"pgsizes\": []}}",
        "{\"capabilities\": {\"write_multiple\": 1}}",
        "{\"capabilities\": {\"twin_socket\": 1}}",
        "{\"capabilities\": {\"twin_socket\": {\"supported\": 1}}}",
        "[[[[[[[[[[[[]]]]]]]]]]]]",
      })
  void badJsonIsRefusedAndTheConnectionClosed(String json) {
    try (var server = EmbeddedServer.fresh()) {
      byte[] reply = server.exchange(Wire.request(1, Wire.VERSION, Wire.version(0, 0, json)));

      assertThat(reply).isEqualTo(Wire.failure(1, Wire.VERSION, Wire.EINVAL));
      assertThat(server.isOpen()).isFalse();
      assertThat(server.device().calls()).isEmpty();
    }
  }

  @Test
  void bytesThatAreNotUtf8AreRefused() {
    try (var server = EmbeddedServer.fresh()) {
      byte[] data =
          Wire.concat(Wire.versionWithoutData(0, 0), new byte[] {'"', (byte) 0xff, '"', 0});

      assertThat(server.exchange(Wire.request(1, Wire.VERSION, data)))
          .isEqualTo(Wire.failure(1, Wire.VERSION, Wire.EINVAL));
    }
  }

  @Test
  void dataWithoutItsNulIsRefused() {
    try (var server = EmbeddedServer.fresh()) {
      byte[] data = Wire.concat(Wire.versionWithoutData(0, 0), new byte[] {'{', '}'});

      assertThat(server.exchange(Wire.request(1, Wire.VERSION, data)))
          .isEqualTo(Wire.failure(1, Wire.VERSION, Wire.EINVAL));
    }
  }

  @Test
  void moreDataThanIsLookedAtIsRefused() {
    try (var server = EmbeddedServer.fresh()) {
      String long4096 = "{}" + " ".repeat(4094);

      assertThat(server.exchange(Wire.request(1, Wire.VERSION, Wire.version(0, 0, long4096))))
          .isEqualTo(Wire.failure(1, Wire.VERSION, Wire.EINVAL));
    }
  }

  @Test
  void anotherMajorVersionIsRefusedAndTheConnectionClosed() {
    try (var server = EmbeddedServer.fresh()) {
      assertThat(server.exchange(Wire.request(1, Wire.VERSION, Wire.versionWithoutData(1, 0))))
          .isEqualTo(Wire.failure(1, Wire.VERSION, Wire.EINVAL));
      assertThat(server.isOpen()).isFalse();
    }
  }

  @Test
  void aVersionThatIsTooShortIsRefusedAndTheConnectionClosed() {
    try (var server = EmbeddedServer.fresh()) {
      assertThat(server.exchange(Wire.request(1, Wire.VERSION, new byte[3])))
          .isEqualTo(Wire.failure(1, Wire.VERSION, Wire.EINVAL));
      assertThat(server.isOpen()).isFalse();
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 2, 4, 9, 13, 14, 16, 999, 65535})
  void anyOtherCommandBeforeTheVersionIsRefusedAndTheConnectionClosed(int command) {
    try (var server = EmbeddedServer.fresh()) {
      assertThat(server.exchange(Wire.request(1, command, new byte[16])))
          .isEqualTo(Wire.failure(1, command, Wire.EINVAL));
      assertThat(server.isOpen()).isFalse();
      assertThat(server.device().calls()).isEmpty();
    }
  }

  @Test
  void aSecondVersionIsRefusedAndTheConnectionStays() {
    try (var server = EmbeddedServer.agreed()) {
      assertThat(server.exchange(Wire.request(2, Wire.VERSION, Wire.versionWithoutData(0, 0))))
          .isEqualTo(Wire.failure(2, Wire.VERSION, Wire.EINVAL));
      assertThat(server.isOpen()).isTrue();
      assertThat(server.device().calls()).containsExactly("connected");
    }
  }

  @Test
  void theDeviceHearsOfTheClientsEndOnce() {
    var server = EmbeddedServer.agreed();

    server.close();

    assertThat(server.device().calls()).containsExactly("connected", "disconnected");
  }
}
