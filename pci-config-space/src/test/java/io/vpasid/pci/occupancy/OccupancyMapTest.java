package io.vpasid.pci.occupancy;

import static org.assertj.core.api.Assertions.assertThat;

import io.vpasid.pci.ByteRange;
import io.vpasid.pci.ConfigSpace;
import io.vpasid.pci.capability.CapabilityChain;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.junit.jupiter.api.Test;

class OccupancyMapTest {

  private final ByteBuffer bytes = ByteBuffer.allocate(4096).order(ByteOrder.LITTLE_ENDIAN);

  OccupancyMapTest() {
    bytes.putShort(0x06, (short) 0x0010);
    bytes.put(0x34, (byte) 0x40);
    bytes.putInt(0x40, 0x00020010); // PCI Express to 0x7b
    bytes.putInt(0x100, 0x0001001b); // PASID to 0x107
    bytes.put(0x110, (byte) 1);
  }

  private OccupancyMap map() {
    ConfigSpace config = ConfigSpace.of(bytes.array());
    return OccupancyMap.of(config, CapabilityChain.walk(config));
  }

  @Test
  void everyByteHasOneOwner() {
    OccupancyMap map = map();

    assertThat(map.segments().stream().mapToInt(s -> s.range().length()).sum()).isEqualTo(4096);
    assertThat(map.useAt(0x3f)).isEqualTo(Use.HEADER);
    assertThat(map.useAt(0x40)).isEqualTo(Use.CAPABILITY);
    assertThat(map.useAt(0x7b)).isEqualTo(Use.CAPABILITY);
    assertThat(map.useAt(0x7c)).isEqualTo(Use.FREE);
    assertThat(map.useAt(0x107)).isEqualTo(Use.CAPABILITY);
    assertThat(map.ownerAt(0x107)).contains("PASID");
    assertThat(map.useAt(0x110)).isEqualTo(Use.NON_ZERO);
  }

  @Test
  void gapsAreOutsideTheListsAndFreeRunsHoldNothing() {
    OccupancyMap map = map();

    assertThat(map.gaps())
        .containsExactly(ByteRange.between(0x7c, 0x100), ByteRange.between(0x108, 0x1000));
    assertThat(map.free())
        .containsExactly(
            ByteRange.between(0x7c, 0x100),
            ByteRange.between(0x108, 0x110),
            ByteRange.between(0x111, 0x1000));
  }

  @Test
  void firstClaimWins() {
    OccupancyMap map =
        OccupancyMap.builder(256)
            .claim(new ByteRange(0x40, 8), Use.QUIRK, "a")
            .claim(new ByteRange(0x44, 8), Use.HIDDEN_CAPABILITY, "b")
            .build();

    assertThat(map.ownerAt(0x47)).isEqualTo("a");
    assertThat(map.ownerAt(0x48)).isEqualTo("b");
  }

  @Test
  void claimBeyondTheEndIsCut() {
    OccupancyMap map =
        OccupancyMap.builder(256).claim(new ByteRange(0xf8, 0x1000), Use.QUIRK, "a").build();

    assertThat(map.useAt(0xff)).isEqualTo(Use.QUIRK);
    assertThat(map.isFree(new ByteRange(0xf0, 8))).isTrue();
    assertThat(map.isFree(new ByteRange(0xf4, 8))).isFalse();
  }

  @Test
  void nothingOutsideTheSpaceIsFree() {
    assertThat(OccupancyMap.builder(256).build().isFree(new ByteRange(0xfc, 8))).isFalse();
  }
}
