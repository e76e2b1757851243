package io.vpasid.guest.vfiouser;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class DmaMapTest {
  private static final byte[] DONE = Wire.reply(1, Wire.DMA_MAP, new byte[0]);

  private static byte[] map(long address, long size) {
    return Wire.request(1, Wire.DMA_MAP, Wire.dmaMap(32, 3, 0, address, size));
  }

  @Test
  void windowsThatTouchButDoNotOverlapAreAccepted() {
    try (var server = EmbeddedServer.agreed()) {
      assertThat(server.exchange(map(0x2000, 0x1000))).isEqualTo(DONE);
      assertThat(server.exchange(map(0x1000, 0x1000))).isEqualTo(DONE);
      assertThat(server.exchange(map(0x3000, 0x1000))).isEqualTo(DONE);
    }
  }

  @Test
  void aWindowMayReachTheEndOfTheAddressSpace() {
    try (var server = EmbeddedServer.agreed()) {
      assertThat(server.exchange(map(0xffff_ffff_ffff_f000L, 0x1000))).isEqualTo(DONE);
      assertThat(server.exchange(map(0, -0x1000L))).isEqualTo(DONE);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "0x2000, 0x1000",
    "0x2fff, 1",
    "0x2000, 1",
    "0x1fff, 2",
    "0x1000, 0x3000",
    "0x2800, 0x1000"
  })
  void aWindowOverAnotherExistsAlready(String address, String size) {
    try (var server = EmbeddedServer.agreed()) {
      server.exchange(map(0x2000, 0x1000));

      assertThat(server.exchange(map(Long.decode(address), Long.decode(size))))
          .isEqualTo(Wire.failure(1, Wire.DMA_MAP, Wire.EEXIST));
    }
  }

  @ParameterizedTest
  @CsvSource({"0, 0", "4096, 0", "-1, 2", "-4096, 8192", "2, -1", "4096, -1"})
  void aWindowThatIsEmptyOrRunsPastTheEndIsInvalid(long address, long size) {
    try (var server = EmbeddedServer.agreed()) {
      assertThat(server.exchange(map(address, size)))
          .isEqualTo(Wire.failure(1, Wire.DMA_MAP, Wire.EINVAL));
    }
  }

  @Test
  void thereIsNoRoomBeyondTheLimitUntilAWindowIsTakenBack() {
    try (var server = EmbeddedServer.agreed()) {
      for (int i = 0; i < 4; i++) {
        assertThat(server.exchange(map(0x1000L * i, 0x1000))).isEqualTo(DONE);
      }

      assertThat(server.exchange(map(0x10000, 0x1000)))
          .isEqualTo(Wire.failure(1, Wire.DMA_MAP, Wire.ENOSPC));

      server.exchange(Wire.request(2, Wire.DMA_UNMAP, Wire.dmaUnmap(24, 0, 0, 0x1000)));
      assertThat(server.exchange(map(0x10000, 0x1000))).isEqualTo(DONE);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {4, 8, 16, -1})
  void aFlagWithoutMeaningIsInvalid(int flags) {
    try (var server = EmbeddedServer.agreed()) {
      assertThat(
              server.exchange(Wire.request(1, Wire.DMA_MAP, Wire.dmaMap(32, flags, 0, 0, 0x1000))))
          .isEqualTo(Wire.failure(1, Wire.DMA_MAP, Wire.EINVAL));
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 8, 31})
  void anArgszBelowTheStructureIsInvalid(int argsz) {
    try (var server = EmbeddedServer.agreed()) {
      assertThat(
              server.exchange(Wire.request(1, Wire.DMA_MAP, Wire.dmaMap(argsz, 3, 0, 0, 0x1000))))
          .isEqualTo(Wire.failure(1, Wire.DMA_MAP, Wire.EINVAL));
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 8, 31})
  void aShortRequestIsInvalid(int length) {
    try (var server = EmbeddedServer.agreed()) {
      assertThat(server.exchange(Wire.request(1, Wire.DMA_MAP, new byte[length])))
          .isEqualTo(Wire.failure(1, Wire.DMA_MAP, Wire.EINVAL));
    }
  }
}
