package io.vpasid.it.walker;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// Where three programs that every guest runs, or that people check guests with, differ.
///
/// | list has | Linux 7.3 | EDK2 `PciBusDxe` | pciutils 3.9 |
/// |---|---|---|---|
/// | standard: pointer with low bits set | aligned | the list ends | aligned |
/// | standard: pointer below 0x40 | the list ends | the list ends | followed, but for 0 |
/// | standard: id 0xff | the list ends | a capability | the list ends |
/// | standard: header of zeros | a capability, the last | likewise | likewise |
/// | standard: loop | 48 steps | no end; one onto itself ends | ends where it was |
/// | header layout not 0, 1, 2 | no lists | lists | no lists |
/// | no PCI Express capability | host bridges only | no extended list | no extended list |
/// | PCI-X capability instead | at 266 or 533 MHz | no extended list | extended list |
/// | ids again at every 0x100 | no extended list | extended list | extended list |
/// | extended: pointer with low bits set | aligned | aligned | aligned |
/// | extended: pointer below 0x100 | the list ends | followed, to 0 too | followed, but for 0 |
/// | extended: header of zeros | the list ends | a step, the last | the list ends |
/// | extended: all ones at 0x100 | no extended list | the list ends | the list ends |
/// | extended: all ones further on | followed to 0xffc | the list ends | the list ends |
/// | extended: null capability | followed | followed | followed |
/// | extended: placeholder, id 0 or 0xffff | followed | followed | followed |
/// | extended: loop | 480 steps | no end | ends where it was |
///
/// OVMF has a second walk, `BasePciCapLib`, for its own drivers. It aligns and follows as EDK2 does
/// here, and gives up on the whole function at a loop or at a pointer below 0x100.
class WalkersTest {
  private static final Walker LINUX = new LinuxWalker();
  private static final Walker EDK2 = new Edk2Walker();
  private static final Walker LSPCI = new LspciWalker();

  private final ByteBuffer bytes = ByteBuffer.allocate(4096).order(ByteOrder.LITTLE_ENDIAN);

  /// Power management at 0x40, PCI Express at 0x70; ATS at 0x100, PRI at 0x200.
  @BeforeEach
  void describeAnEndpoint() {
    bytes.putInt(0x00, 0x0001f00d);
    bytes.putShort(0x06, (short) 0x0010);
    bytes.put(0x34, (byte) 0x40);
    standard(0x40, 0x01, 0x70);
    standard(0x70, 0x10, 0);
    extended(0x100, 0x0001000f, 0x200);
    extended(0x200, 0x00010013, 0);
  }

  private void standard(int offset, int id, int next) {
    bytes.putShort(offset, (short) (id | next << 8));
  }

  private void extended(int offset, int idAndVersion, int next) {
    bytes.putInt(offset, idAndVersion | next << 20);
  }

  private Walk walk(Walker walker) {
    return walker.walk(bytes.array());
  }

  private List<Integer> standardOf(Walker walker) {
    return offsets(walk(walker).standard());
  }

  private List<Integer> extendedOf(Walker walker) {
    return offsets(walk(walker).extended());
  }

  private static List<Integer> offsets(List<Step> steps) {
    return steps.stream().map(Step::offset).toList();
  }

  @Test
  void allAgreeOnSaneLists() {
    assertThat(Walker.ALL)
        .extracting(walker -> walk(walker))
        .containsOnly(
            new Walk(
                true,
                List.of(new Step(0x40, 0x7001), new Step(0x70, 0x0010)),
                List.of(new Step(0x100, 0x2001000f), new Step(0x200, 0x00010013)),
                true,
                true));
  }

  @Test
  void withoutStatusBitNobodyLooks() {
    bytes.putShort(0x06, (short) 0);

    assertThat(Walker.ALL).allSatisfy(w -> assertThat(standardOf(w)).isEmpty());
    assertThat(Walker.ALL).allSatisfy(w -> assertThat(extendedOf(w)).isEmpty());
  }

  @Test
  void unalignedStandardPointerHidesPciExpressFromEdk2Alone() {
    standard(0x40, 0x01, 0x71);

    assertThat(standardOf(LINUX)).containsExactly(0x40, 0x70);
    assertThat(standardOf(EDK2)).containsExactly(0x40);
    assertThat(standardOf(LSPCI)).containsExactly(0x40, 0x70);
    assertThat(walk(EDK2).express()).isFalse();
    assertThat(extendedOf(EDK2)).isEmpty();
  }

  @Test
  void standardPointerIntoTheHeaderIsFollowedByLspciAlone() {
    standard(0x70, 0x10, 0x2c);

    assertThat(standardOf(LINUX)).containsExactly(0x40, 0x70);
    assertThat(standardOf(EDK2)).containsExactly(0x40, 0x70);
    assertThat(standardOf(LSPCI)).containsExactly(0x40, 0x70, 0x2c);
  }

  @Test
  void brokenStandardIdIsACapabilityForEdk2Alone() {
    standard(0x40, 0xff, 0x70);

    assertThat(standardOf(LINUX)).isEmpty();
    assertThat(standardOf(EDK2)).containsExactly(0x40, 0x70);
    assertThat(standardOf(LSPCI)).isEmpty();
  }

  @Test
  void standardListEndsInZerosForAll() {
    standard(0x70, 0x10, 0x90);

    assertThat(Walker.ALL)
        .allSatisfy(w -> assertThat(standardOf(w)).containsExactly(0x40, 0x70, 0x90));
  }

  @Test
  void standardLoopHasNoEndForEdk2() {
    standard(0x70, 0x10, 0x40);

    assertThat(Walker.ALL).allSatisfy(w -> assertThat(standardOf(w)).containsExactly(0x40, 0x70));
    assertThat(Walker.ALL).extracting(w -> walk(w).ends()).containsExactly(true, false, true);
  }

  @Test
  void standardCapabilityThatPointsToItselfEndsTheListForAll() {
    standard(0x70, 0x10, 0x70);

    assertThat(Walker.ALL).allSatisfy(w -> assertThat(standardOf(w)).containsExactly(0x40, 0x70));
    assertThat(Walker.ALL).extracting(w -> walk(w).ends()).containsOnly(true);
  }

  @Test
  void unknownHeaderLayoutHasListsForEdk2Alone() {
    bytes.put(0x0e, (byte) 0x7f);

    assertThat(standardOf(LINUX)).isEmpty();
    assertThat(standardOf(EDK2)).containsExactly(0x40, 0x70);
    assertThat(standardOf(LSPCI)).isEmpty();
  }

  @Test
  void cardBusBridgeHasItsPointerElsewhereForAll() {
    bytes.put(0x0e, (byte) 0x02);
    bytes.put(0x14, (byte) 0x70);

    assertThat(Walker.ALL).allSatisfy(w -> assertThat(standardOf(w)).containsExactly(0x70));
  }

  @Test
  void withoutPciExpressNobodyLooksForExtendedCapabilities() {
    standard(0x70, 0x09, 0);

    assertThat(Walker.ALL).allSatisfy(w -> assertThat(extendedOf(w)).isEmpty());
  }

  @Test
  void hostBridgeNeedsNoPciExpressForLinuxAlone() {
    standard(0x70, 0x09, 0);
    bytes.putShort(0x0a, (short) 0x0600);

    assertThat(extendedOf(LINUX)).containsExactly(0x100, 0x200);
    assertThat(extendedOf(EDK2)).isEmpty();
    assertThat(extendedOf(LSPCI)).isEmpty();
  }

  @Test
  void slowPciXHasAnExtendedListForLspciAlone() {
    standard(0x70, 0x07, 0);

    assertThat(extendedOf(LINUX)).isEmpty();
    assertThat(extendedOf(EDK2)).isEmpty();
    assertThat(extendedOf(LSPCI)).containsExactly(0x100, 0x200);
  }

  @Test
  void fastPciXHasAnExtendedListForLinuxToo() {
    standard(0x70, 0x07, 0);
    bytes.putInt(0x74, 0x40000000);

    assertThat(extendedOf(LINUX)).containsExactly(0x100, 0x200);
    assertThat(extendedOf(EDK2)).isEmpty();
  }

  @Test
  void spaceThatRepeatsEvery0x100HasNoExtendedListForLinuxAlone() {
    bytes.putInt(0, 0x1001000f);
    for (int offset = 0x100; offset < 0x1000; offset += 0x100) {
      bytes.put(offset, bytes.array(), 0, 0x100);
    }

    assertThat(extendedOf(LINUX)).isEmpty();
    assertThat(extendedOf(EDK2)).containsExactly(0x100);
    assertThat(extendedOf(LSPCI)).containsExactly(0x100);
  }

  @Test
  void reservedBitsOfExtendedPointersAreIgnoredByAll() {
    extended(0x100, 0x0001000f, 0x203);

    assertThat(Walker.ALL).allSatisfy(w -> assertThat(extendedOf(w)).containsExactly(0x100, 0x200));
  }

  @Test
  void extendedPointerBelow0x100IsFollowedByEdk2AndLspci() {
    extended(0x200, 0x00010013, 0x0f0);
    extended(0x0f0, 0x00010003, 0);

    assertThat(extendedOf(LINUX)).containsExactly(0x100, 0x200);
    assertThat(extendedOf(EDK2)).containsExactly(0x100, 0x200, 0x0f0);
    assertThat(extendedOf(LSPCI)).containsExactly(0x100, 0x200, 0x0f0);
    assertThat(Walker.ALL)
        .allSatisfy(w -> assertThat(offsets(walk(w).capabilities())).containsExactly(0x100, 0x200));
  }

  @Test
  void extendedPointerOfReservedBitsLeadsEdk2ToTheIds() {
    extended(0x200, 0x00010013, 0x003);

    assertThat(extendedOf(LINUX)).containsExactly(0x100, 0x200);
    assertThat(extendedOf(EDK2)).containsExactly(0x100, 0x200, 0x000);
    assertThat(extendedOf(LSPCI)).containsExactly(0x100, 0x200);
  }

  @Test
  void extendedListEndsInZerosForAll() {
    extended(0x200, 0x00010013, 0x300);

    assertThat(extendedOf(LINUX)).containsExactly(0x100, 0x200);
    assertThat(extendedOf(EDK2)).containsExactly(0x100, 0x200, 0x300);
    assertThat(extendedOf(LSPCI)).containsExactly(0x100, 0x200);
  }

  @Test
  void zerosAt0x100HideEverythingFromAll() {
    bytes.putInt(0x100, 0);

    assertThat(Walker.ALL).allSatisfy(w -> assertThat(walk(w).capabilities()).isEmpty());
  }

  @Test
  void allOnesAt0x100HideEverythingFromAll() {
    bytes.putInt(0x100, -1);

    assertThat(Walker.ALL).allSatisfy(w -> assertThat(extendedOf(w)).isEmpty());
  }

  @Test
  void allOnesInTheListAreFollowedByLinuxAlone() {
    bytes.putInt(0x200, -1);
    extended(0xffc, 0x00010003, 0);

    assertThat(extendedOf(LINUX)).containsExactly(0x100, 0x200, 0xffc);
    assertThat(extendedOf(EDK2)).containsExactly(0x100);
    assertThat(extendedOf(LSPCI)).containsExactly(0x100);
    assertThat(Walker.ALL)
        .allSatisfy(w -> assertThat(offsets(walk(w).capabilities())).containsExactly(0x100));
  }

  @Test
  void nullCapabilitiesAreFollowedByAll() {
    extended(0x100, 0x00010000, 0x180);
    extended(0x180, 0x00000000, 0x200);

    assertThat(Walker.ALL)
        .allSatisfy(w -> assertThat(extendedOf(w)).containsExactly(0x100, 0x180, 0x200));
    assertThat(Walker.ALL)
        .allSatisfy(w -> assertThat(offsets(walk(w).capabilities())).containsExactly(0x200));
  }

  @Test
  void placeholdersAreFollowedByAll() {
    extended(0x100, 0x0000ffff, 0x200);

    assertThat(Walker.ALL).allSatisfy(w -> assertThat(extendedOf(w)).containsExactly(0x100, 0x200));
    assertThat(Walker.ALL).extracting(w -> walk(w).find(0x13)).doesNotContain(Optional.empty());
  }

  @Test
  void extendedLoopHasNoEndForEdk2() {
    extended(0x200, 0x00010013, 0x100);

    assertThat(Walker.ALL).allSatisfy(w -> assertThat(extendedOf(w)).containsExactly(0x100, 0x200));
    assertThat(Walker.ALL).extracting(w -> walk(w).ends()).containsExactly(true, false, true);
  }

  @Test
  void linuxTakes480StepsAndTheOthersAll() {
    for (int offset = 0x100; offset < 0xffc; offset += 4) {
      extended(offset, 0x0001000e, offset + 4);
    }

    assertThat(extendedOf(LINUX)).hasSize(480);
    assertThat(extendedOf(EDK2)).hasSize(960);
    assertThat(extendedOf(LSPCI)).hasSize(959);
  }

  @Test
  void spaceOf256BytesHasNoExtendedListForAnybody() {
    byte[] head = Arrays.copyOf(bytes.array(), 256);

    assertThat(Walker.ALL).allSatisfy(w -> assertThat(w.walk(head).extended()).isEmpty());
    assertThat(Walker.ALL).extracting(w -> w.walk(head).express()).containsOnly(true);
  }
}
