package io.vpasid.synth;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.vpasid.pci.ConfigSpace;
import io.vpasid.pci.capability.CapabilityChain;
import io.vpasid.pci.capability.CapabilityId;
import io.vpasid.pci.emulation.ConfigPatch;
import io.vpasid.pci.emulation.DeviceConfig;
import io.vpasid.pci.emulation.GuestConfigSpace;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class ExtendedListTest {
  private final ByteBuffer bytes = ByteBuffer.allocate(4096).order(ByteOrder.LITTLE_ENDIAN);

  private void header(int offset, int header) {
    bytes.putInt(offset, header);
  }

  private ConfigSpace view() {
    return ConfigSpace.of(bytes.array());
  }

  private ExtendedList list() {
    return new ExtendedList(view(), CapabilityChain.walk(view()));
  }

  private List<ConfigPatch> removal(int offset) {
    return ExtendedList.remove(view(), CapabilityChain.walk(view()), offset);
  }

  private static ConfigPatch dword(int offset, int value) {
    return ConfigPatch.readOnly(offset, value);
  }

  @Test
  void capabilityGoesBetweenThoseAroundItAndTheRestIsLeftAlone() {
    header(0x100, 0x14810001);
    header(0x148, 0x20010003);
    header(0x200, 0x0001000f);
    ExtendedList list = list();

    list.insert(0x180, CapabilityId.PASID, 1);

    assertThat(list.patches()).containsExactly(dword(0x148, 0x18010003), dword(0x180, 0x2001001b));
    assertThat(list.linkOf(0x180))
        .isEqualTo(new ChainLink(0x2001001b, Optional.of(0x148), 0x20010003, 0x200));
  }

  @Test
  void inAListThatTurnsBackItGoesToTheFirstPlaceThatAscends() {
    header(0x100, 0x30010001);
    header(0x300, 0x20010003);
    header(0x200, 0x4001000f);
    header(0x400, 0x00010002);
    ExtendedList list = list();

    list.insert(0x280, CapabilityId.PASID, 1);

    assertThat(list.linkOf(0x280).predecessor()).contains(0x100);
    assertThat(list.linkOf(0x280).next()).isEqualTo(0x300);
  }

  /// Software ignores the two low bits of a pointer, so a pointer that has them leads where it
  /// should.
  @Test
  void reservedBitsOfAPointerThatStaysAreKept() {
    header(0x100, 0x14a10001);
    header(0x148, 0x0001000f);
    ExtendedList list = list();

    list.insert(0x200, CapabilityId.PASID, 1);

    assertThat(list.patches()).containsExactly(dword(0x148, 0x2001000f), dword(0x200, 0x0001001b));
  }

  @Test
  void lastPointerWithReservedBitsIsEnded() {
    header(0x100, 0x14810001);
    header(0x148, 0x0021000f);
    ExtendedList list = list();

    assertThat(list.patches()).containsExactly(dword(0x148, 0x0001000f));
  }

  @Test
  void adoptedHeaderIsOursThoughItStaysAsItIs() {
    header(0x100, 0x14810001);
    header(0x148, 0x0001001b);
    ExtendedList list = list();

    list.adopt(0x148);

    assertThat(list.patches()).containsExactly(dword(0x148, 0x0001001b));
  }

  @Test
  void firstCapabilityOfAnEmptyListLeavesNoHeadUnlessItIsTheHead() {
    ExtendedList elsewhere = list();
    assertThat(elsewhere.isWithoutHead()).isTrue();

    elsewhere.insert(0x200, CapabilityId.PASID, 1);
    assertThat(elsewhere.isWithoutHead()).isTrue();
    assertThat(elsewhere.patches())
        .containsExactly(dword(0x100, 0x20000000), dword(0x200, 0x0001001b));

    ExtendedList there = list();
    there.insert(0x100, CapabilityId.PASID, 1);
    assertThat(there.isWithoutHead()).isFalse();
    assertThat(there.linkOf(0x100)).isEqualTo(new ChainLink(0x0001001b, Optional.empty(), 0, 0));
  }

  @Test
  void capabilityThatIsNotInTheListHasNoLink() {
    header(0x100, 0x00010001);

    assertThatIllegalArgumentException()
        .isThrownBy(() -> list().linkOf(0x104))
        .withMessageContaining("260");
  }

  @Test
  void removedHeadStaysAsAPlaceholderThatLeadsOn() {
    header(0x100, 0x1481001b);
    header(0x148, 0x0001000f);

    assertThat(removal(0x100)).containsExactly(dword(0x100, 0x14800000));
  }

  @Test
  void removedMemberIsPassedByAndItsHeaderReadsZero() {
    header(0x100, 0x14810001);
    header(0x148, 0x2001001b);
    header(0x200, 0x0001000f);

    assertThat(removal(0x148)).containsExactly(dword(0x148, 0), dword(0x100, 0x20010001));
    ConfigSpace after =
        GuestConfigSpace.over(DeviceConfig.readOnly(view()))
            .patch(removal(0x148))
            .build()
            .toConfigSpace();
    assertThat(CapabilityChain.walk(after).extended())
        .extracting(c -> c.offset())
        .containsExactly(0x100, 0x200);
  }

  @Test
  void removedLastMemberEndsTheListBeforeIt() {
    header(0x100, 0x14810001);
    header(0x148, 0x0001001b);

    assertThat(removal(0x148)).containsExactly(dword(0x148, 0), dword(0x100, 0x00010001));
    assertThat(removal(0x200)).isEmpty();
  }
}
