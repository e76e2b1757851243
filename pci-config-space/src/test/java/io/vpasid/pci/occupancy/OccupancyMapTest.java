package io.vpasid.pci.occupancy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import io.vpasid.pci.ByteRange;
import io.vpasid.pci.ConfigSpace;
import io.vpasid.pci.capability.CapabilityChain;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
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

  @Test
  void freeRangeReachesToTheEndAndUsedByteZeroCounts() {
    OccupancyMap map = OccupancyMap.builder(256).claim(new ByteRange(0, 4), Use.QUIRK, "a").build();

    assertThat(map.isFree(new ByteRange(0xf8, 8))).isTrue();
    assertThat(map.isFree(new ByteRange(0, 2))).isFalse();
    assertThat(map.size()).isEqualTo(256);
  }

  @Test
  void segmentsAreTheRunsOfEachOwner() {
    OccupancyMap map =
        OccupancyMap.builder(256)
            .claim(new ByteRange(0x40, 8), Use.QUIRK, "a", "A")
            .claim(new ByteRange(0x40, 16), Use.HIDDEN_CAPABILITY, "b")
            .claim(new ByteRange(0xf8, 32), Use.QUIRK, "c")
            .build();

    assertThat(map.segments())
        .containsExactly(
            new Segment(new ByteRange(0, 0x40), Use.FREE, ""),
            new Segment(new ByteRange(0x40, 8), Use.QUIRK, "a", "A"),
            new Segment(new ByteRange(0x48, 8), Use.HIDDEN_CAPABILITY, "b"),
            new Segment(new ByteRange(0x50, 0xa8), Use.FREE, ""),
            new Segment(new ByteRange(0xf8, 8), Use.QUIRK, "c"));
  }

  @Test
  void scatteredBytesAreSegmentsOfTheirOwn() {
    assertThat(map().segments())
        .extracting(segment -> segment.range().toString(), Segment::use)
        .containsExactly(
            tuple("0x000-0x03f", Use.HEADER),
            tuple("0x040-0x07b", Use.CAPABILITY),
            tuple("0x07c-0x0ff", Use.FREE),
            tuple("0x100-0x107", Use.CAPABILITY),
            tuple("0x108-0x10f", Use.FREE),
            tuple("0x110-0x110", Use.NON_ZERO),
            tuple("0x111-0xfff", Use.FREE));
  }

  @Test
  void bytesThatAreTakenFromACapabilityAreGaps() {
    ConfigSpace config = ConfigSpace.of(bytes.array());
    OccupancyMap map =
        OccupancyMap.builder(4096).nonZero(config).listed(CapabilityChain.walk(config)).build();

    assertThat(map.useAt(0x40)).isEqualTo(Use.NON_ZERO);
    assertThat(map.gaps()).contains(ByteRange.between(0x42, 0x43)).contains(new ByteRange(0x40, 1));
  }

  @Test
  void capabilityOfUnknownLengthComesBehindTheOthers() {
    bytes.putInt(0x100, 0x11010014); // reserved for AMD: of any length, up to the next
    bytes.putInt(0x110, 0x0001001b);
    OccupancyMap map = map();

    assertThat(map.useAt(0x100)).isEqualTo(Use.CAPABILITY_OF_UNKNOWN_LENGTH);
    assertThat(map.useAt(0x110)).isEqualTo(Use.CAPABILITY);
    assertThat(map.claimAt(0x100)).isGreaterThan(map.claimAt(0x110));
    assertThat(map.gaps()).doesNotContain(new ByteRange(0x100, 4));
  }

  @Test
  void claimThatGetsNoByteHasNoNumber() {
    ByteRange range = new ByteRange(0x40, 8);
    OccupancyMap map =
        OccupancyMap.builder(256)
            .claim(range, Use.QUIRK, "a")
            .claim(range, Use.QUIRK, "b")
            .claim(new ByteRange(0x48, 8), Use.QUIRK, "c")
            .build();

    assertThat(map.claimAt(0x3f)).isZero();
    assertThat(map.claimAt(0x48)).isEqualTo(2);
    assertThat(map.claim(2).owner()).isEqualTo("c");
  }

  @Test
  void spaceThatIsTakenWhollyHasNothingFree() {
    OccupancyMap map =
        OccupancyMap.builder(256).claim(new ByteRange(0, 256), Use.MIRRORED, "a").build();

    assertThat(map.free()).isEmpty();
    assertThat(map.gaps()).containsExactly(new ByteRange(0, 256));
    assertThat(map.segments()).hasSize(1);
  }

  @Test
  void onlyHeaderAndCapabilitiesInTheListAreListed() {
    assertThat(Arrays.stream(Use.values()).filter(Use::isListed))
        .containsExactly(Use.HEADER, Use.CAPABILITY, Use.CAPABILITY_OF_UNKNOWN_LENGTH);
  }
}
