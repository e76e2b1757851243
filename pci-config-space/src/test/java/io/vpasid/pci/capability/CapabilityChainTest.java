package io.vpasid.pci.capability;

import static org.assertj.core.api.Assertions.assertThat;

import io.vpasid.pci.ConfigSpace;
import io.vpasid.testing.Seeds;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
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
    assertThat(kinds(walk())).containsExactly("CHAIN_INTO_ZEROS");

    bytes.putInt(0x300, -1);
    assertThat(kinds(walk())).containsExactly("CHAIN_INTO_ALL_ONES");
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
