package io.vpasid.guest.vfiouser;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class DmaUnmapTest {

  /// A server with the windows 0x1000 to 0x1fff and 0x4000 to 0x5fff.
  private static EmbeddedServer withWindows() {
    EmbeddedServer server = EmbeddedServer.agreed();
    server.exchange(Wire.request(1, Wire.DMA_MAP, Wire.dmaMap(32, 3, 0, 0x1000, 0x1000)));
    server.exchange(Wire.request(1, Wire.DMA_MAP, Wire.dmaMap(32, 1, 0, 0x4000, 0x2000)));
    return server;
  }

  @Test
  void theReplyRepeatsTheRequest() {
    try (var server = withWindows()) {
      byte[] unmap = Wire.dmaUnmap(24, 0, 0x4000, 0x2000);

      assertThat(server.exchange(Wire.request(9, Wire.DMA_UNMAP, unmap)))
          .isEqualTo(Wire.reply(9, Wire.DMA_UNMAP, unmap));
      assertThat(server.exchange(Wire.request(9, Wire.DMA_UNMAP, unmap)))
          .isEqualTo(Wire.failure(9, Wire.DMA_UNMAP, Wire.ENOENT));
    }
  }

  @Test
  void aRangeAroundWindowsTakesAllOfThemBack() {
    try (var server = withWindows()) {
      byte[] unmap = Wire.dmaUnmap(24, 0, 0, 0x10_0000_0000L);

      assertThat(server.exchange(Wire.request(9, Wire.DMA_UNMAP, unmap)))
          .isEqualTo(Wire.reply(9, Wire.DMA_UNMAP, unmap));
      assertThat(server.exchange(Wire.request(1, Wire.DMA_MAP, Wire.dmaMap(32, 3, 0, 0, 0x8000))))
          .isEqualTo(Wire.reply(1, Wire.DMA_MAP, new byte[0]));
    }
  }

  @Test
  void unmappingAllWorksWhetherAnythingIsMappedOrNot() {
    try (var server = withWindows()) {
      byte[] all = Wire.dmaUnmap(24, 2, 0, 0);

      assertThat(server.exchange(Wire.request(9, Wire.DMA_UNMAP, all)))
          .isEqualTo(Wire.reply(9, Wire.DMA_UNMAP, all));
      assertThat(server.exchange(Wire.request(9, Wire.DMA_UNMAP, all)))
          .isEqualTo(Wire.reply(9, Wire.DMA_UNMAP, all));
    }
  }

  @ParameterizedTest
  @CsvSource({"0x2000, 0x1000", "0, 0x1000", "0x6000, 0x1000"})
  void whereNothingIsMappedNothingIsFound(String address, String size) {
    try (var server = withWindows()) {
      byte[] unmap = Wire.dmaUnmap(24, 0, Long.decode(address), Long.decode(size));

      assertThat(server.exchange(Wire.request(9, Wire.DMA_UNMAP, unmap)))
          .isEqualTo(Wire.failure(9, Wire.DMA_UNMAP, Wire.ENOENT));
    }
  }

  @ParameterizedTest
  @CsvSource({"0x4000, 0x1000", "0x5000, 0x1000", "0x1800, 0x100", "0x1800, 0x10000", "0, 0x5000"})
  void aRangeThatCutsAWindowIsInvalidAndTakesNothingBack(String address, String size) {
    try (var server = withWindows()) {
      byte[] cut = Wire.dmaUnmap(24, 0, Long.decode(address), Long.decode(size));
      byte[] first = Wire.dmaUnmap(24, 0, 0x1000, 0x1000);
      byte[] second = Wire.dmaUnmap(24, 0, 0x4000, 0x2000);

      assertThat(server.exchange(Wire.request(9, Wire.DMA_UNMAP, cut)))
          .isEqualTo(Wire.failure(9, Wire.DMA_UNMAP, Wire.EINVAL));
      assertThat(server.exchange(Wire.request(9, Wire.DMA_UNMAP, first)))
          .isEqualTo(Wire.reply(9, Wire.DMA_UNMAP, first));
      assertThat(server.exchange(Wire.request(9, Wire.DMA_UNMAP, second)))
          .isEqualTo(Wire.reply(9, Wire.DMA_UNMAP, second));
    }
  }

  @Test
  void theDirtyBitmapIsNotSupportedAndNothingIsTakenBack() {
    try (var server = withWindows()) {
      byte[] dirty =
          Wire.concat(Wire.dmaUnmap(48, 1, 0x1000, 0x1000), Wire.ints(4096, 0, 8, 0, 0, 0));
      byte[] plain = Wire.dmaUnmap(24, 0, 0x1000, 0x1000);

      assertThat(server.exchange(Wire.request(9, Wire.DMA_UNMAP, dirty)))
          .isEqualTo(Wire.failure(9, Wire.DMA_UNMAP, Wire.EOPNOTSUPP));
      assertThat(server.exchange(Wire.request(9, Wire.DMA_UNMAP, plain)))
          .isEqualTo(Wire.reply(9, Wire.DMA_UNMAP, plain));
    }
  }

  @ParameterizedTest
  @CsvSource({
    // all, with a range; both flags; a flag without meaning
    "24, 2, 4096, 4096",
    "24, 2, 0, 4096",
    "24, 3, 0, 0",
    "24, 4, 4096, 4096",
    "24, -1, 4096, 4096",
    // empty, past the end
    "24, 0, 4096, 0",
    "24, 0, -1, 2",
    "24, 0, 2, -1",
    // no room for the reply
    "0, 0, 4096, 4096",
    "23, 0, 4096, 4096",
  })
  void whatTheSpecificationDoesNotAllowIsInvalid(int argsz, int flags, long address, long size) {
    try (var server = withWindows()) {
      assertThat(
              server.exchange(
                  Wire.request(9, Wire.DMA_UNMAP, Wire.dmaUnmap(argsz, flags, address, size))))
          .isEqualTo(Wire.failure(9, Wire.DMA_UNMAP, Wire.EINVAL));
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 8, 23})
  void aShortRequestIsInvalid(int length) {
    try (var server = withWindows()) {
      assertThat(server.exchange(Wire.request(9, Wire.DMA_UNMAP, new byte[length])))
          .isEqualTo(Wire.failure(9, Wire.DMA_UNMAP, Wire.EINVAL));
    }
  }
}
