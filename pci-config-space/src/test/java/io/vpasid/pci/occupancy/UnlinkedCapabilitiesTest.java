package io.vpasid.pci.occupancy;

import static org.assertj.core.api.Assertions.assertThat;

import io.vpasid.pci.ByteRange;
import io.vpasid.pci.ConfigSpace;
import io.vpasid.pci.capability.Capability;
import io.vpasid.pci.capability.CapabilityChain;
import io.vpasid.pci.capability.CapabilityId;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// An endpoint with PCI Express at 0x40, AER at 0x100 and a vendor's capability at 0x400, and more
/// headers that no list leads to.
class UnlinkedCapabilitiesTest {
  private final ByteBuffer bytes = ByteBuffer.allocate(4096).order(ByteOrder.LITTLE_ENDIAN);

  UnlinkedCapabilitiesTest() {
    bytes.putInt(0x00, 0x0001f00d);
    bytes.putInt(0x04, 0x00100000);
    bytes.putInt(0x08, 0x12000000);
    bytes.putInt(0x34, 0x40);
    bytes.putInt(0x40, 0x00020010);
    bytes.putInt(0x100, 0x40010001);
    bytes.putInt(0x400, 0x0001000b);
    bytes.putInt(0x404, 0x01000001);
  }

  private void put(int offset, int... dwords) {
    for (int i = 0; i < dwords.length; i++) {
      bytes.putInt(offset + 4 * i, dwords[i]);
    }
  }

  private List<Capability> found() {
    ConfigSpace config = ConfigSpace.of(bytes.array());
    return UnlinkedCapabilities.find(config, CapabilityChain.walk(config), List.of());
  }

  private void assertFound(String... names) {
    assertThat(found()).extracting(c -> c.id().mnemonic()).containsExactly(names);
  }

  @Test
  void spaceWithoutMoreHeadersHasNone() {
    assertFound();
  }

  @Test
  void chainThatLeadsIntoTheListIsFoundWithItsExtents() {
    put(0xbcc, 0xc1410010, 6, 0, 0x00100010, 0, 0x00010004, 0x00010000, 0x573, 1);
    put(0xc14, 0x4001000e, 0x100);

    assertThat(found())
        .extracting(c -> c.extent().range())
        .containsExactly(new ByteRange(0xbcc, 0x40), new ByteRange(0xc14, 8));
    assertFound("SR-IOV", "ARI");
  }

  @Test
  void chainThatEndsIsFoundIfItHasTwoMembers() {
    put(0x1a0, 0x1d010016, 0, 0, 0x100, 0);
    put(0x1d0, 0x1dc10022, 0x80000000, 0);
    put(0x1dc, 0x0001001f, 1, 0);

    assertFound("DPA", "RTR", "PTM");
  }

  @Test
  void headersThatEndAreFoundAloneOnlyIfTheirRegistersAreDistinct() {
    put(0x500, 0x00010001, 0, 0, 0x00062030, 0, 0x2000);
    put(0x600, 0x00010018, 0);
    put(0x700, 0x0001001b, 0);
    put(0x800, 0x00010003, 0x12345678, 0x9abcdef0);

    assertFound("AER");
  }

  @Test
  void threeNeighboursThatEndAreFound() {
    put(0x2b0, 0x0001000f);
    put(0x2c0, 0x00010013);
    put(0x2d0, 0x0001001b);

    assertFound("ATS", "PRI", "PASID");
  }

  @Test
  void twoNeighboursAreFoundOnlyIfOneIsDistinct() {
    put(0x2b0, 0x0001000f);
    put(0x2c0, 0x00010013);
    assertFound();

    put(0x340, 0x00010003, 0, 0);
    put(0x350, 0x00010001, 0, 0, 0x00062030, 0, 0x2000);
    assertFound("DSN", "AER");
  }

  @Test
  void groupEndsAtAGap() {
    put(0x2b0, 0x0001000f);
    put(0x2c0, 0x00010013);
    put(0x700, 0x0001001b);

    assertFound();
  }

  @Test
  void eachGroupIsFound() {
    put(0x2b0, 0x0001000f);
    put(0x2c0, 0x00010013);
    put(0x2d0, 0x0001001b);
    put(0x700, 0x0001000f);
    put(0x710, 0x00010013);
    put(0x720, 0x0001001b);
    put(0x800, 0x00010018);

    assertFound("ATS", "PRI", "PASID", "ATS", "PRI", "PASID");
  }

  @Test
  void twoHeadersOfWhichOneLeadsToTheOtherAreFound() {
    put(0x600, 0x70010018);
    put(0x700, 0x0001001b);

    assertFound("LTR", "PASID");
  }

  @Test
  void headersThatLeadInACircleAreNone() {
    put(0x600, 0x70010018);
    put(0x700, 0x6001001b);

    assertFound();
  }

  @Test
  void standardHeaderWhoseRegistersMeetTheListIsNone() {
    put(0x34, 0x88);
    put(0x80, 0x003f4011, 0x2004);
    put(0x88, 0x00034001, 0);
    assertFound();

    put(0xa0, 0x003f4011, 0x2004, 0x3004);
    assertFound("MSI-X");
  }

  @Test
  void registersOfAStandardCapabilityAreNoHeadersOfAnother() {
    put(0x80, 0x00804005, 0, 0x00034001, 0);

    assertFound("MSI");
  }

  @Test
  void unusedVpdMayEndTheStandardSpace() {
    put(0xf8, 0x00000003, 0);

    assertFound("VPD");
  }

  @Test
  void repeatedValuesAreNoGroup() {
    for (int at = 0x2b0; at < 0x300; at += 0x10) {
      put(at, 0x0001000f);
    }

    assertFound();
  }

  @ParameterizedTest
  @CsvSource({
    "40000018, 0, version 0",
    "40020018, 0, a version that LTR does not have",
    "40110018, 0, a pointer with reserved bits",
    "10010018, 0, a pointer to the head",
    "50010018, 0, a pointer to nothing",
    "40010018, e0000000, reserved bits of the registers",
    "40010050, 0, an id that nobody has",
    "40010000, 0, id 0",
  })
  void whatCannotBeAHeaderIsNone(String header, String register, String why) {
    put(0x200, Integer.parseUnsignedInt(header, 16), Integer.parseUnsignedInt(register, 16));

    assertThat(found()).as(why).isEmpty();
  }

  @Test
  void headerWhoseExtentMeetsTheListIsNone() {
    put(0x3f0, 0x40010010, 0, 0, 0, 0, 0, 0x10000, 1, 1);

    assertFound();
  }

  @Test
  void registersOfOneAreNoHeadersOfAnother() {
    put(0x1cc, 0x4001000b, 0x10010002, 0, 0x40010018, 0);

    assertFound("VSEC");
  }

  @Test
  void capabilityThatIsKnownFromElsewhereIsNotFoundAgain() {
    put(0x200, 0x4001001b);
    ConfigSpace config = ConfigSpace.of(bytes.array());
    Capability hidden = Capability.at(config, CapabilityId.PASID, 1, 0x200, 0x400);

    assertThat(UnlinkedCapabilities.find(config, CapabilityChain.walk(config), List.of(hidden)))
        .isEmpty();
    assertFound("PASID");
  }

  @Test
  void dvsecIsThatOfItsOwnVendor() {
    put(0x500, 0x00010023, 0x00c1f00d, 1);
    put(0x600, 0x00010023, 0x00c11234, 1);

    assertThat(found()).extracting(Capability::offset).containsExactly(0x500);
  }

  @Test
  void standardCapabilityIsFoundByItsPointerOrIfNobodyHasUsedIt() {
    put(0x80, 0x00864005, 0, 0, 0);
    put(0xa0, 0x00000003, 0);
    put(0xb0, 0x00000003, 0x12);
    put(0xc0, 0xc7ff4001, 0);

    assertFound("MSI", "VPD");
  }

  @Test
  void bridgesHaveOtherRegistersThatLookLikeUnusedVpd() {
    bytes.putInt(0x08, 0x06000000);
    put(0xa0, 0x00000003, 0);

    assertFound();
  }

  @Test
  void mirroredSpaceHasNone() {
    put(0xbcc, 0x40010018);
    for (int at = 0x800; at < 0x1000; at += 4) {
      bytes.putInt(at, bytes.getInt(at - 0x800));
    }
    put(0xbcc, 0x40010018);

    assertFound();
  }

  @Test
  void randomBytesHaveHardlyAny() {
    Random random = new Random(7);
    int found = 0;
    for (int round = 0; round < 2000; round++) {
      byte[] space = new byte[4096];
      random.nextBytes(space);
      ConfigSpace config = ConfigSpace.of(space);
      found +=
          UnlinkedCapabilities.find(config, CapabilityChain.walk(config), List.of()).stream()
              .filter(c -> c.id().isExtended())
              .toList()
              .size();
    }
    assertThat(found).isLessThan(5);
  }
}
