package io.vpasid.pci.vfio;

import static org.assertj.core.api.Assertions.assertThat;

import io.vpasid.pci.ConfigSpace;
import io.vpasid.pci.PciId;
import io.vpasid.pci.capability.Capability;
import io.vpasid.pci.capability.CapabilityId;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class VfioViewTest {

  private final ByteBuffer bytes = ByteBuffer.allocate(4096).order(ByteOrder.LITTLE_ENDIAN);

  VfioViewTest() {
    bytes.putInt(0x00, 0x0001f00d);
    bytes.putShort(0x06, (short) 0x0010);
    bytes.put(0x34, (byte) 0x40);
    bytes.putInt(0x40, 0x00020010);
  }

  private void extended(int offset, int id, int next) {
    bytes.putInt(offset, id | 1 << 16 | next << 20);
  }

  private ConfigSpace config() {
    return ConfigSpace.of(bytes.array());
  }

  private static List<Integer> offsets(List<Capability> capabilities) {
    return capabilities.stream().map(Capability::offset).toList();
  }

  /// What Linux 7.3 showed of an Intel DSA: the pointer at 0x220 skips PASID at 0x230, whose bytes
  /// stay readable.
  @Test
  void pasidIsSkippedAndItsBytesStay() {
    extended(0x100, 0x0001, 0x220);
    extended(0x220, 0x000f, 0x230);
    extended(0x230, 0x001b, 0x240);
    bytes.putInt(0x234, 0x00051404);
    extended(0x240, 0x0013, 0);

    VfioView view = VfioView.of(config());

    assertThat(view.config().u32(0x220)).isEqualTo(0x2401000f);
    assertThat(view.config().u32(0x230)).isEqualTo(0x2401001b);
    assertThat(view.config().u32(0x234)).isEqualTo(0x00051404);
    assertThat(offsets(view.hidden())).containsExactly(0x230);
  }

  @Test
  void hiddenHeadLeavesAPlaceholderThatKeepsItsPointer() {
    extended(0x100, 0x001b, 0x148);
    extended(0x148, 0x001e, 0x200);
    extended(0x200, 0x000f, 0);

    VfioView view = VfioView.of(config());

    assertThat(view.config().u32(0x100)).isEqualTo(0x20000000);
    assertThat(offsets(view.hidden())).containsExactly(0x100, 0x148);
  }

  @Test
  void withoutAnyShownCapabilityTheHeadReadsZero() {
    extended(0x100, 0x001b, 0x148);
    extended(0x148, 0x001e, 0);

    assertThat(VfioView.of(config()).config().u32(0x100)).isZero();
  }

  @Test
  void unknownStandardCapabilitiesAreSkipped() {
    bytes.put(0x41, (byte) 0x80);
    bytes.putShort(0x80, (short) 0x900d); // subsystem ids, hidden
    bytes.putShort(0x90, (short) 0xa009); // vendor-specific of length 0, hidden
    bytes.putShort(0xa0, (short) 0x0011);

    VfioView view = VfioView.of(config());

    assertThat(view.config().u8(0x41)).isEqualTo(0xa0);
    assertThat(offsets(view.hidden())).containsExactly(0x80, 0x90);
  }

  @Test
  void statusBitGoesWhenEveryStandardCapabilityIsHidden() {
    bytes.put(0x40, (byte) 0x0d);

    VfioView view = VfioView.of(config());

    assertThat(view.config().u16(0x06)).isZero();
    assertThat(view.config().u8(0x34)).isZero();
  }

  @Test
  void vendorCapabilitiesOfLengthZeroAreSkipped() {
    extended(0x100, 0x0001, 0x148);
    extended(0x148, 0x0023, 0x200);
    extended(0x200, 0x000b, 0);
    bytes.putInt(0x204, 0x01000000);

    assertThat(offsets(VfioView.of(config()).hidden())).containsExactly(0x148);
  }

  @Test
  void viewOfAViewIsTheSame() {
    extended(0x100, 0x001b, 0x148);
    extended(0x148, 0x000f, 0);
    ConfigSpace once = VfioView.of(config()).config();

    VfioView twice = VfioView.of(once);

    assertThat(twice.config()).isEqualTo(once);
    assertThat(twice.hidden()).isEmpty();
  }

  @Test
  void hiddenHeadersAreFoundInAViewThatWasRead() {
    extended(0x100, 0x0001, 0x1f0);
    extended(0x1f0, 0x001d, 0x220);
    extended(0x220, 0x000f, 0x230);
    extended(0x230, 0x001b, 0x240);
    bytes.putInt(0x234, 0x00051404);
    extended(0x240, 0x0013, 0);
    bytes.putInt(0x500, 0x6661001b); // looks like PASID, but leads to nothing

    VfioView read = VfioView.read(VfioView.of(config()).config());

    assertThat(offsets(read.hidden())).containsExactly(0x1f0, 0x230);
    assertThat(read.hidden().getLast().id()).isEqualTo(CapabilityId.PASID);
    assertThat(read.hidden().getLast().extent().range().length()).isEqualTo(8);
  }

  @Test
  void hiddenHeadersAreFoundInAViewWhoseListIsEmpty() {
    extended(0x100, 0x001d, 0x230);
    extended(0x230, 0x001b, 0);
    bytes.putInt(0x234, 0x00051404);

    VfioView read = VfioView.read(VfioView.of(config()).config());

    assertThat(read.config().u32(0x100)).isZero();
    assertThat(offsets(read.hidden())).containsExactly(0x230);
  }

  @Test
  void registerInFrontOfACapabilityIsNoPasidHeader() {
    extended(0x100, 0x000f, 0x10c);
    bytes.putInt(0x108, 0x0001001b);
    extended(0x10c, 0x000e, 0);

    assertThat(VfioView.read(config()).hidden()).isEmpty();
  }

  @Test
  void virtualFunctionGetsTheIdsThatTheKernelKnows() {
    bytes.putInt(0x00, -1);

    assertThat(VfioView.of(config(), new PciId(0x8086, 0x1520)).config().id())
        .isEqualTo(new PciId(0x8086, 0x1520));
  }

  @Test
  void functionWithIdsOfItsOwnKeepsThem() {
    VfioView view = VfioView.of(config(), new PciId(0x8086, 0x1520));

    assertThat(view).isEqualTo(VfioView.of(config()));
    assertThat(view.config().id()).isEqualTo(new PciId(0xf00d, 0x0001));
  }

  @Test
  void vendorSpecificCapabilityWithALengthIsShown() {
    bytes.put(0x41, (byte) 0x80);
    bytes.putInt(0x80, 0x00030009);

    VfioView view = VfioView.of(config());

    assertThat(view.config()).isEqualTo(config());
    assertThat(view.hidden()).isEmpty();
  }

  @Test
  void everyBitOfThePointerThatSkipsIsSet() {
    extended(0x100, 0x000f, 0x148);
    extended(0x148, 0x001b, 0xabc);
    extended(0xabc, 0x000e, 0);

    assertThat(VfioView.of(config()).config().u32(0x100)).isEqualTo(0xabc1000f);
  }

  /// Linux clears the whole header then, wherever the last pointer leads.
  @Test
  void headOfAListOfHiddenCapabilitiesReadsZeroThoughTheLastPointerLeadsOn() {
    extended(0x100, 0x001b, 0x148);
    extended(0x148, 0x001e, 0x300);
    bytes.putInt(0x104, 0x12345678);

    VfioView view = VfioView.of(config());

    assertThat(view.config().u32(0x100)).isZero();
    assertThat(view.config().u32(0x104)).isEqualTo(0x12345678);
  }

  @Test
  void vendorCapabilityWithoutRoomForALengthIsHidden() {
    extended(0x100, 0x000f, 0xffc);
    extended(0xffc, 0x000b, 0);

    assertThat(offsets(VfioView.of(config()).hidden())).containsExactly(0xffc);
  }

  private List<Integer> foundIn() {
    return offsets(VfioView.read(config()).hidden());
  }

  @Test
  void headerInTheLastDwordOfAGapIsFound() {
    extended(0x100, 0x000f, 0x10c);
    extended(0x108, 0x001d, 0);
    extended(0x10c, 0x000e, 0);
    extended(0xffc, 0x001e, 0);

    assertThat(foundIn()).containsExactly(0x108, 0xffc);
  }

  @Test
  void registersOfAListedCapabilityAreNoHeaders() {
    extended(0x100, 0x0023, 0);
    bytes.putInt(0x104, 0x00e00000); // DVSEC of 14 bytes
    extended(0x108, 0x001d, 0);
    bytes.putInt(0x10c, 0x0001001d);
    extended(0x400, 0x001d, 0x108);
    extended(0x500, 0x001d, 0x10c);

    assertThat(foundIn()).isEmpty();
  }

  @Test
  void headersThatLeadToNoHeaderFallOneAfterTheOther() {
    extended(0x100, 0x000f, 0);
    extended(0x400, 0x001d, 0x500);
    extended(0x500, 0x001e, 0x600);
    extended(0x600, 0x001b, 0x664);
    extended(0x700, 0x001d, 0x800);
    extended(0x800, 0x001e, 0x100);

    assertThat(foundIn()).containsExactly(0x700, 0x800);
  }

  @ParameterizedTest
  @ValueSource(ints = {0x0001001b, 0x0004001b, 0x0001003a})
  void plausibleHeadersAreFound(int header) {
    extended(0x100, 0x000f, 0);
    bytes.putInt(0x400, header);

    assertThat(foundIn()).containsExactly(0x400);
  }

  /// Versions, reserved bits of the pointer, ids that are not assigned or that vfio-pci shows.
  @ParameterizedTest
  @ValueSource(ints = {0x0000001b, 0x0005001b, 0x0021001b, 0x0001003b, 0x00010000, 0x0001000f})
  void otherDwordsAreNoHeaders(int dword) {
    extended(0x100, 0x000f, 0);
    bytes.putInt(0x400, dword);

    assertThat(foundIn()).isEmpty();
  }

  @Test
  void standardSpaceAloneHidesNoExtendedCapability() {
    byte[] first = new byte[256];
    bytes.get(0, first);

    assertThat(VfioView.read(ConfigSpace.of(first)).hidden()).isEmpty();
  }
}
