package io.vpasid.guest.iommu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vpasid.pci.PciAddress;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.Test;

class DmarTableTest {
  private static final PciAddress FOUR = new PciAddress(0, 0, 4, 0);
  private static final PciAddress FIVE_ONE = new PciAddress(0, 0, 5, 1);

  @Test
  void hasOneUnitAndItsFunctions() {
    String table =
        """
        44 4d 41 52  50 00 00 00  01 0f  56 50 41 53 49 44  56 50 41 53 49 44 56 54
        01 00 00 00  56 50 41 53  01 00 00 00
        2f  00  00 00 00 00 00 00 00 00 00 00
        00 00  20 00  00  00  00 00  00 e0 bf fe 00 00 00 00
        01 08 00 00 00 00 04 00
        01 08 00 00 00 00 05 01
        """;

    assertThat(HexFormat.of().formatHex(DmarTable.of(0xfebfe000L, List.of(FOUR, FIVE_ONE))))
        .isEqualTo(table.replaceAll("\\s", ""));
  }

  @Test
  void bytesOfATableAddUpToNothing() {
    int sum = 0;
    for (byte b : DmarTable.of(0xfebfe000L, List.of(FOUR))) {
      sum += b;
    }

    assertThat(sum & 0xff).isZero();
  }

  @Test
  void registersThatAreOnNoPageAndFunctionsOnOtherBusesAreRefused() {
    assertThatThrownBy(() -> DmarTable.of(0x123, List.of(FOUR)))
        .hasMessage("A unit's registers are at a multiple of 4096, not at 0x123.");
    assertThatThrownBy(() -> DmarTable.of(0, List.of(FOUR)))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> DmarTable.of(0x1000, List.of()))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> DmarTable.of(0x1000, List.of(new PciAddress(0, 1, 4, 0))))
        .hasMessageContaining("only those on bus 0");
  }
}
