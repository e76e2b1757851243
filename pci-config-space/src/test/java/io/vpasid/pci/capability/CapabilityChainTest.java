package io.vpasid.pci.capability;

import static org.assertj.core.api.Assertions.assertThat;

import io.vpasid.pci.ByteRange;
import io.vpasid.pci.ConfigSpace;
import io.vpasid.pci.PartialSpace;
import io.vpasid.testing.Seeds;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.BitSet;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class CapabilityChainTest {

  private final ByteBuffer bytes = ByteBuffer.allocate(4096).order(ByteOrder.LITTLE_ENDIAN);

  CapabilityChainTest() {
    bytes.putInt(0x00, 0x0001f00d);
    bytes.putShort(0x06, (short) 0x0010);
    bytes.put(0x34, (byte) 0x40);
    bytes.putInt(0x40, 0x00020010); // PCI Express, version 2, endpoint
  }

  private void extended(int offset, int id, int next) {
    bytes.putInt(offset, id | 1 << 16 | next << 20);
  }

  private CapabilityChain walk() {
    return CapabilityChain.walk(ConfigSpace.of(bytes.array()));
  }

  private static List<Integer> offsets(List<Capability> capabilities) {
    return capabilities.stream().map(Capability::offset).toList();
  }

  private static List<String> kinds(CapabilityChain chain) {
    return chain.anomalies().stream().map(a -> a.kind().name()).toList();
  }

  @Test
  void bothListsAreFoundInListOrder() {
    bytes.put(0x41, (byte) 0x80);
    bytes.putShort(0x80, (short) 0x0011);
    extended(0x100, 0x0001, 0x200);
    extended(0x200, 0x000f, 0x180);
    extended(0x180, 0x0013, 0);

    CapabilityChain chain = walk();

    assertThat(offsets(chain.standard())).containsExactly(0x40, 0x80);
    assertThat(offsets(chain.extended())).containsExactly(0x100, 0x200, 0x180);
    assertThat(kinds(chain)).containsExactly("BACKWARD_POINTER");
    assertThat(chain.find(CapabilityId.PRI).orElseThrow().offset()).isEqualTo(0x180);
  }

  @Test
  void withoutTheStatusBitThereIsNoStandardList() {
    bytes.putShort(0x06, (short) 0);

    assertThat(walk().standard()).isEmpty();
  }

  @Test
  void standardSpaceAloneHasNoExtendedList() {
    byte[] first = new byte[256];
    bytes.get(0, first);

    CapabilityChain chain = CapabilityChain.walk(ConfigSpace.of(first));

    assertThat(offsets(chain.standard())).containsExactly(0x40);
    assertThat(chain.extended()).isEmpty();
  }

  @Test
  void loopEndsTheListAndIsReported() {
    extended(0x100, 0x0001, 0x148);
    extended(0x148, 0x000f, 0x100);

    CapabilityChain chain = walk();

    assertThat(offsets(chain.extended())).containsExactly(0x100, 0x148);
    assertThat(chain.anomalies()).contains(new Anomaly(Anomaly.Kind.LOOP, 0x148, 0x100));
  }

  @Test
  void standardLoopEndsTheListAndIsReported() {
    bytes.put(0x41, (byte) 0x40);

    assertThat(walk().anomalies()).contains(new Anomaly(Anomaly.Kind.LOOP, 0x40, 0x40));
  }

  @Test
  void reservedPointerBitsAreIgnoredAndReported() {
    bytes.put(0x34, (byte) 0x43);
    extended(0x100, 0x0001, 0x14a);
    extended(0x148, 0x000f, 0);

    CapabilityChain chain = walk();

    assertThat(offsets(chain.standard())).containsExactly(0x40);
    assertThat(offsets(chain.extended())).containsExactly(0x100, 0x148);
    assertThat(chain.anomalies())
        .contains(
            new Anomaly(Anomaly.Kind.UNALIGNED_POINTER, 0x34, 0x43),
            new Anomaly(Anomaly.Kind.UNALIGNED_POINTER, 0x100, 0x14a));
  }

  @Test
  void pointerIntoTheHeaderEndsTheList() {
    bytes.put(0x41, (byte) 0x20);
    extended(0x100, 0x0001, 0x040);

    CapabilityChain chain = walk();

    assertThat(offsets(chain.extended())).containsExactly(0x100);
    assertThat(kinds(chain)).containsOnly("POINTER_INTO_HEADER").hasSize(2);
  }

  @Test
  void chainIntoZerosAndIntoAllOnesEndsTheList() {
    extended(0x100, 0x0001, 0x300);
    assertThat(walk().anomalies())
        .containsExactly(new Anomaly(Anomaly.Kind.CHAIN_INTO_ZEROS, 0x300, 0x100));
    assertThat(offsets(walk().extended())).containsExactly(0x100);

    bytes.putInt(0x300, -1);
    assertThat(walk().anomalies())
        .containsExactly(new Anomaly(Anomaly.Kind.CHAIN_INTO_ALL_ONES, 0x300, 0x100));
    assertThat(offsets(walk().extended())).containsExactly(0x100);
  }

  @Test
  void standardChainIntoZerosAndIntoAllOnesEndsTheList() {
    bytes.put(0x41, (byte) 0x80);
    assertThat(walk().anomalies())
        .containsExactly(new Anomaly(Anomaly.Kind.CHAIN_INTO_ZEROS, 0x80, 0x40));
    assertThat(offsets(walk().standard())).containsExactly(0x40);

    bytes.put(0x80, (byte) 0xff);
    assertThat(walk().anomalies())
        .containsExactly(new Anomaly(Anomaly.Kind.CHAIN_INTO_ALL_ONES, 0x80, 0x40));
    assertThat(offsets(walk().standard())).containsExactly(0x40);
  }

  @Test
  void standardNullCapabilityIsWalkedThrough() {
    bytes.put(0x41, (byte) 0x80);
    bytes.putShort(0x80, (short) 0x9000);
    bytes.putShort(0x90, (short) 0x0011);

    assertThat(offsets(walk().standard())).containsExactly(0x40, 0x80, 0x90);
    assertThat(walk().anomalies())
        .containsExactly(new Anomaly(Anomaly.Kind.NULL_CAPABILITY, 0x80, 0x9000));
  }

  @Test
  void versionAndNextPointerAreThoseOfTheHeader() {
    bytes.put(0x41, (byte) 0x83);
    bytes.putShort(0x80, (short) 0x0011);
    bytes.putInt(0x100, 0x14a20001);
    bytes.putInt(0x148, 0x000f000f);

    CapabilityChain chain = walk();

    assertThat(chain.extended()).extracting(Capability::version).containsExactly(2, 15);
    assertThat(chain.extended()).extracting(Capability::next).containsExactly(0x148, 0);
    assertThat(chain.standard()).extracting(Capability::version).containsExactly(0, 0);
    assertThat(chain.standard()).extracting(Capability::next).containsExactly(0x80, 0);
  }

  @Test
  void headOfOnesInASpaceThatAnswersEndsTheList() {
    bytes.putInt(0x100, -1);

    assertThat(kinds(walk())).containsExactly("CHAIN_INTO_ALL_ONES");

    for (int at = 0x100; at < 0xff8; at++) {
      bytes.put(at, (byte) 0xff);
    }
    assertThat(kinds(walk())).containsExactly("CHAIN_INTO_ALL_ONES");
  }

  @Test
  void onlyTheHeadIsAPlaceholder() {
    bytes.putInt(0x100, 0x1480ffff);
    bytes.putInt(0x148, 0x2000000f);
    bytes.putInt(0x200, 0x0001ffff);

    CapabilityChain chain = walk();

    assertThat(chain.anomalies())
        .containsExactly(
            new Anomaly(Anomaly.Kind.PLACEHOLDER_HEAD, 0x100, 0x1480ffff),
            new Anomaly(Anomaly.Kind.DUPLICATE_ID, 0x200, 0x100));
    assertThat(chain.extended().getFirst().extent().range().length()).isEqualTo(4);
    assertThat(chain.extended().getLast().extent().range().length()).isEqualTo(0xe00);
  }

  @Test
  void nullCapabilityWithAVersionAtTheHeadIsNoPlaceholder() {
    bytes.putInt(0x100, 0x14810000);
    extended(0x148, 0x000f, 0);

    assertThat(kinds(walk())).containsExactly("NULL_CAPABILITY");
  }

  /// A capability whose length no register tells reaches to the next header, wherever the list
  /// goes.
  @Test
  void openEndReachesToTheNextHeaderInMemory() {
    extended(0x100, 0x0123, 0x400);
    extended(0x400, 0x0124, 0x200);
    extended(0x200, 0x000f, 0);

    assertThat(walk().extended())
        .extracting(c -> c.extent().range())
        .containsExactly(
            ByteRange.between(0x100, 0x200),
            ByteRange.between(0x400, 0x1000),
            new ByteRange(0x200, 8));
  }

  @Test
  void openEndOfAStandardCapabilityIsTheEndOfTheStandardSpace() {
    bytes.put(0x41, (byte) 0x80);
    bytes.putShort(0x80, (short) 0x007f);
    extended(0x100, 0x000f, 0);

    assertThat(walk().standard().getLast().extent().range())
        .isEqualTo(ByteRange.between(0x80, 0x100));
  }

  @Test
  void everyIdIsFoundInItsOwnList() {
    bytes.put(0x41, (byte) 0x80);
    bytes.putShort(0x80, (short) 0x000f);
    extended(0x100, 0x0010, 0);

    assertThat(walk().find(CapabilityId.PCI_EXPRESS).orElseThrow().offset()).isEqualTo(0x40);
    assertThat(walk().find(CapabilityId.SR_IOV).orElseThrow().offset()).isEqualTo(0x100);
    assertThat(walk().find(CapabilityId.ATS)).isEmpty();
    assertThat(walk().find(Anomaly.Kind.LOOP)).isEmpty();
    extended(0x100, 0x0010, 0x100);
    assertThat(walk().find(Anomaly.Kind.LOOP))
        .contains(new Anomaly(Anomaly.Kind.LOOP, 0x100, 0x100));
  }

  @Test
  void nullCapabilityInALiveChainIsWalkedThrough() {
    extended(0x100, 0x0001, 0x148);
    extended(0x148, 0x0000, 0x200);
    extended(0x200, 0x000f, 0);

    CapabilityChain chain = walk();

    assertThat(offsets(chain.extended())).containsExactly(0x100, 0x148, 0x200);
    assertThat(kinds(chain)).containsExactly("NULL_CAPABILITY");
  }

  @Test
  void placeholderHeadIsWalkedThroughAndOwnsItsHeaderOnly() {
    bytes.putInt(0x100, 0x14800000);
    extended(0x148, 0x000f, 0);

    CapabilityChain chain = walk();

    assertThat(offsets(chain.extended())).containsExactly(0x100, 0x148);
    assertThat(chain.extended().getFirst().extent().range().length()).isEqualTo(4);
    assertThat(kinds(chain)).containsExactly("PLACEHOLDER_HEAD");
  }

  @Test
  void capabilityThatIsThereTwiceIsReported() {
    extended(0x100, 0x000f, 0x148);
    extended(0x148, 0x000f, 0);

    assertThat(walk().anomalies())
        .containsExactly(new Anomaly(Anomaly.Kind.DUPLICATE_ID, 0x148, 0x100));
  }

  @Test
  void overlappingCapabilitiesAreReported() {
    extended(0x100, 0x0001, 0x108);
    extended(0x108, 0x000f, 0);

    assertThat(walk().anomalies()).containsExactly(new Anomaly(Anomaly.Kind.OVERLAP, 0x108, 0x100));
  }

  @Test
  void capabilitiesThatTouchDoNotOverlap() {
    extended(0x100, 0x000f, 0x108);
    extended(0x108, 0x000e, 0);

    assertThat(walk().anomalies()).isEmpty();
  }

  @Test
  void overlapIsReportedWithTheCapabilityThatReachesFurthest() {
    extended(0x100, 0x0010, 0x108); // SR-IOV, 0x40 bytes
    extended(0x108, 0x000f, 0x120); // ATS, 8 bytes
    extended(0x120, 0x000e, 0);

    assertThat(walk().anomalies())
        .containsExactly(
            new Anomaly(Anomaly.Kind.OVERLAP, 0x108, 0x100),
            new Anomaly(Anomaly.Kind.OVERLAP, 0x120, 0x100));
  }

  @Test
  void capabilitiesThatMayRepeatAreNoDuplicates() {
    bytes.put(0x41, (byte) 0x80);
    bytes.putInt(0x80, 0x00039009); // vendor-specific, 3 bytes
    bytes.putInt(0x90, 0x00030009);
    extended(0x100, 0x0023, 0x200);
    bytes.putInt(0x104, 0x01000000);
    extended(0x200, 0x0023, 0);
    bytes.putInt(0x204, 0x01000000);

    assertThat(walk().anomalies()).isEmpty();
  }

  @Test
  void eachRepetitionIsReportedWithTheFirst() {
    bytes.put(0x41, (byte) 0x80);
    bytes.putShort(0x80, (short) 0x0010);
    extended(0x100, 0x000f, 0x148);
    extended(0x148, 0x000f, 0x200);
    extended(0x200, 0x000f, 0);

    assertThat(walk().anomalies())
        .contains(
            new Anomaly(Anomaly.Kind.DUPLICATE_ID, 0x80, 0x40),
            new Anomaly(Anomaly.Kind.DUPLICATE_ID, 0x148, 0x100),
            new Anomaly(Anomaly.Kind.DUPLICATE_ID, 0x200, 0x100));
  }

  private CapabilityChain walkWithout(int first, int last) {
    BitSet missing = new BitSet();
    missing.set(first, last + 1);
    return CapabilityChain.walk(new PartialSpace(bytes.array(), missing));
  }

  @Test
  void headerThatTheDumpDoesNotHaveEndsTheList() {
    bytes.put(0x41, (byte) 0x80);
    extended(0x100, 0x000f, 0x200);
    extended(0x200, 0x000e, 0);

    assertThat(walkWithout(0x81, 0x81).anomalies())
        .contains(new Anomaly(Anomaly.Kind.NOT_IN_DUMP, 0x80, 0x40));
    CapabilityChain chain = walkWithout(0x203, 0x203);
    assertThat(chain.anomalies()).contains(new Anomaly(Anomaly.Kind.NOT_IN_DUMP, 0x200, 0x100));
    assertThat(offsets(chain.extended())).containsExactly(0x100);
    assertThat(offsets(walkWithout(0x204, 0xfff).extended())).containsExactly(0x100, 0x200);
  }

  @Test
  void lengthThatDependsOnWhatTheDumpDoesNotHaveIsALowerBound() {
    extended(0x100, 0x000b, 0); // VSEC, its length in the dword behind the header
    bytes.putInt(0x104, 0x02000000);

    assertThat(walkWithout(0x800, 0xfff).extended().getFirst().extent().isLowerBound()).isFalse();
    Extent open = walkWithout(0x104, 0x107).extended().getFirst().extent();
    assertThat(open.isLowerBound()).isTrue();

    extended(0x100, 0x000d, 0); // ACS, Egress Control Vector Size in its second byte
    Extent acs = walkWithout(0x104, 0x105).extended().getFirst().extent();
    assertThat(acs.range()).isEqualTo(new ByteRange(0x100, 8));
    assertThat(acs.isLowerBound()).isTrue();
    assertThat(acs.rule()).endsWith("; registers that decide are not in the dump");
  }

  @Test
  void isWordedWithPlaceAndMeaning() {
    assertThat(new Anomaly(Anomaly.Kind.LOOP, 0x148, 0x100))
        .hasToString("at 0x148: pointer 0x100 leads back into the list");
    extended(0x100, 0x001b, 0);
    assertThat(walk().extended().getFirst()).hasToString("[100] Process Address Space ID (PASID)");
    assertThat(CapabilityId.PASID).hasToString("PASID");
  }

  @Test
  void capabilityIsDescribedWithoutAWalkFromItsHeader() {
    bytes.putInt(0x100, 0x14b1001b);
    ConfigSpace config = ConfigSpace.of(bytes.array());

    assertThat(Capability.at(config, CapabilityId.PASID, 1, 0x100, 0x1000).next()).isEqualTo(0x148);
    bytes.put(0x41, (byte) 0x83);
    assertThat(
            Capability.at(ConfigSpace.of(bytes.array()), CapabilityId.PCI_EXPRESS, 0, 0x40, 0x100)
                .next())
        .isEqualTo(0x80);
  }

  @Test
  void extendedListWithoutPciExpressIsReported() {
    bytes.put(0x40, (byte) 0x01);
    extended(0x100, 0x000f, 0);

    assertThat(kinds(walk())).containsExactly("EXTENDED_WITHOUT_PCI_EXPRESS");
  }

  @Test
  void spaceThatRepeatsEvery256BytesHasNoExtendedList() {
    byte[] first = new byte[256];
    bytes.get(0, first);
    for (int at = 0x100; at < 0x1000; at += 0x100) {
      bytes.put(at, first);
    }

    CapabilityChain chain = walk();

    assertThat(chain.extended()).isEmpty();
    assertThat(chain.anomalies()).containsExactly(new Anomaly(Anomaly.Kind.MIRRORED, 0x100, 0x100));
  }

  @Test
  void spaceWithoutAnIdIsNoMirrorOfItself() {
    bytes.putInt(0x00, 0);
    assertThat(walk().anomalies()).isEmpty();

    bytes.putInt(0x00, -1);
    for (int at = 0x100; at < 0x1000; at += 0x100) {
      bytes.putInt(at, -1);
    }
    assertThat(kinds(walk())).containsExactly("CHAIN_INTO_ALL_ONES");
  }

  @Test
  void spaceWhoseIdIsThereOnlyOnceMoreIsNoMirror() {
    extended(0x100, 0x000f, 0);
    bytes.putInt(0x800, bytes.getInt(0));
    assertThat(kinds(walk())).containsExactly("MIRRORED");

    bytes.putInt(0x800, 0);
    bytes.putInt(0x400, bytes.getInt(0));
    bytes.putInt(0xc00, bytes.getInt(0));
    assertThat(walk().anomalies()).isEmpty();
  }

  @Test
  void spaceThatRepeatsEvery1024BytesKeepsItsExtendedList() {
    extended(0x100, 0x000f, 0);
    byte[] first = new byte[0x400];
    bytes.get(0, first);
    for (int at = 0x400; at < 0x1000; at += 0x400) {
      bytes.put(at, first);
    }

    CapabilityChain chain = walk();

    assertThat(offsets(chain.extended())).containsExactly(0x100);
    assertThat(chain.anomalies()).containsExactly(new Anomaly(Anomaly.Kind.MIRRORED, 0x100, 0x400));
  }

  @Test
  void unreadableExtendedSpaceIsReported() {
    for (int at = 0x100; at < 0x1000; at++) {
      bytes.put(at, (byte) 0xff);
    }

    assertThat(kinds(walk())).containsExactly("UNREADABLE");
  }

  @Test
  void longestPossibleChainIsWalkedWhole() {
    for (int at = 0x100; at < 0x1000; at += 4) {
      extended(at, 0x000b, at + 4 < 0x1000 ? at + 4 : 0);
    }

    assertThat(walk().extended()).hasSize(960);
  }

  /// Invariant I8: no bytes make the walk throw, go on for ever or grow without bound.
  @Test
  void i8AnyBytesEndTheWalk() {
    Seeds.forAll(
        20_000,
        seed -> {
          Random random = new Random(seed);
          byte[] any = new byte[random.nextInt(10) == 0 ? 256 : 4096];
          random.nextBytes(any);
          any[0x06] |= 0x10;
          CapabilityChain chain = CapabilityChain.walk(ConfigSpace.of(any));
          assertThat(chain.standard().size()).isLessThanOrEqualTo(48);
          assertThat(chain.extended().size()).isLessThanOrEqualTo(960);
          assertThat(chain.anomalies().size()).isLessThanOrEqualTo(4 * 1008);
        });
  }
}
