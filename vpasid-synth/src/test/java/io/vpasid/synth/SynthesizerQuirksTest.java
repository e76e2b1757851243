package io.vpasid.synth;

import static org.assertj.core.api.Assertions.assertThat;

import io.vpasid.pci.ByteRange;
import io.vpasid.pci.ConfigSpace;
import io.vpasid.pci.capability.CapabilityId;
import io.vpasid.pci.emulation.ConfigPatch;
import io.vpasid.pci.occupancy.OccupancyMap;
import io.vpasid.pci.occupancy.Use;
import io.vpasid.pci.vfio.VfioView;
import io.vpasid.synth.placement.PassedOver;
import io.vpasid.synth.placement.Placement;
import io.vpasid.synth.placement.Strategy;
import io.vpasid.synth.quirk.FunctionKind;
import io.vpasid.synth.quirk.QuirkTable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// What quirks, and the user beside them, make of a placement.
class SynthesizerQuirksTest {
  private static final PlacementPolicy SHADOWING =
      new PlacementPolicy(Optional.empty(), List.of(), true);

  @TempDir Path folder;

  private final ByteBuffer bytes = ByteBuffer.allocate(4096).order(ByteOrder.LITTLE_ENDIAN);

  /// An endpoint with ATS at 0x100.
  @BeforeEach
  void describeAnEndpoint() {
    bytes.putInt(0x00, 0x0001f00d);
    bytes.putShort(0x06, (short) 0x0010);
    bytes.put(0x34, (byte) 0x40);
    bytes.putInt(0x40, 0x00020010);
    bytes.putInt(0x100, 0x0001000f);
  }

  private SynthesisRequest request(PlacementPolicy policy, String effects) throws IOException {
    Path file =
        Files.writeString(
            folder.resolve("site.json"),
            """
            { "format": 1, "quirks": [ { "id": "board", "name": "n", "source": "s",
              "match": { "vendor": "0xf00d" }, %s } ] }
            """
                .formatted(effects));
    return new SynthesisRequest(
        VfioView.of(ConfigSpace.of(bytes.array())),
        FunctionKind.PHYSICAL,
        HardwareInfo.parse("width=20"),
        QuirkTable.empty().with(file, QuirkTable.COMMAND_LINE),
        policy,
        List.of());
  }

  private Placement placement(PlacementPolicy policy, String effects) throws IOException {
    return ((Synthesis) Synthesizer.synthesize(request(policy, effects))).placement();
  }

  private SynthesisResult.Declined declined(PlacementPolicy policy, String effects)
      throws IOException {
    return (SynthesisResult.Declined) Synthesizer.synthesize(request(policy, effects));
  }

  private String quirk() {
    return "board (" + folder.resolve("site.json") + ")";
  }

  private static String hidden(String offset, int length) {
    return """
    { "offset": "%s", "length": %d, "access": "rw", "evidence": "documented", "what": "doorbell" }
    """
        .formatted(offset, length);
  }

  @Test
  void pinnedOffsetIsUsedAndTheQuirkNamed() throws IOException {
    Placement placement = placement(PlacementPolicy.DEFAULT, "\"place\": \"0x400\"");

    assertThat(placement.range()).isEqualTo(new ByteRange(0x400, 8));
    assertThat(placement.strategy()).isEqualTo(Strategy.PINNED);
    assertThat(placement.reasons()).containsExactly("The quirk " + quirk() + " names it.");
  }

  @Test
  void rangesOfTheUserComeBeforeThoseOfQuirks() throws IOException {
    String available = "\"available\": [\"0x500-0x50f\"]";
    PlacementPolicy users =
        new PlacementPolicy(Optional.empty(), List.of(ByteRange.between(0x600, 0x610)), false);

    assertThat(placement(users, available).offset()).isEqualTo(0x600);
    assertThat(placement(PlacementPolicy.DEFAULT, available).reasons().getFirst())
        .isEqualTo(
            "It is the first free place in 0x500-0x50f, which the quirk "
                + quirk()
                + " declares available.");
  }

  /// Invariant I3: what lives is covered only if the user allows it.
  @Test
  void whatAQuirkAllowsToShadowIsShadowedOnlyIfTheUserAllowsItToo() throws IOException {
    String everything =
        "\"hidden\": [" + hidden("0x100", 0xf00) + "], \"shadow\": [\"0x700-0x707\"]";

    SynthesisResult.Declined without = declined(PlacementPolicy.DEFAULT, everything);
    assertThat(without.reason()).isEqualTo(DeclineReason.NO_HOLE);
    assertThat(without.explanation()).isEqualTo("No 8 bytes of the extended space are free.");
    assertThat(without.passedOver()).extracting(PassedOver::strategy).hasSize(4);
    assertThat(placement(SHADOWING, everything).range()).isEqualTo(new ByteRange(0x700, 8));
  }

  @Test
  void registerWhereAnEmptyListHasToStartLeavesNoPlace() throws IOException {
    bytes.putInt(0x100, 0);

    SynthesisResult.Declined declined =
        declined(PlacementPolicy.DEFAULT, "\"hidden\": [" + hidden("0x103", 1) + "]");

    assertThat(declined.reason()).isEqualTo(DeclineReason.HEAD_OCCUPIED);
    assertThat(declined.explanation()).contains("a quirk knows a register at 0x100");
  }

  @Test
  void registerBehindTheHeadOfAnEmptyListLeavesRoomForANullHeader() throws IOException {
    bytes.putInt(0x100, 0);

    assertThat(
            placement(PlacementPolicy.DEFAULT, "\"hidden\": [" + hidden("0x104", 4) + "]").offset())
        .isEqualTo(0xd80);
  }

  @Test
  void mapNamesWhatAQuirkKnows() throws IOException {
    OccupancyMap map =
        Synthesizer.occupancy(
            request(PlacementPolicy.DEFAULT, "\"hidden\": [" + hidden("0xff8", 8) + "]"));

    assertThat(map.useAt(0xff7)).isEqualTo(Use.FREE);
    assertThat(map.useAt(0xff8)).isEqualTo(Use.QUIRK);
    assertThat(map.ownerAt(0xfff)).isEqualTo("doorbell (" + quirk() + ")");
    assertThat(map.useAt(0x100)).isEqualTo(Use.CAPABILITY);
  }

  @Test
  void pasidCapabilityWhoseRegistersEndWithTheSpaceIsTheDevicesOwn() throws IOException {
    bytes.putInt(0x100, 0xff81000f);
    bytes.putInt(0xff8, 0x0001001b);
    bytes.putInt(0xffc, 0x00001400);

    assertThat(placement(PlacementPolicy.DEFAULT, "\"exec\": false").offset()).isEqualTo(0xff8);
  }

  @Test
  void pasidHeaderWithoutRoomForRegistersIsNoPlace() throws IOException {
    bytes.putInt(0x100, 0xffc1000f);
    bytes.putInt(0xffc, 0x0001001b);

    assertThat(placement(PlacementPolicy.DEFAULT, "\"exec\": false").strategy())
        .isEqualTo(Strategy.ZERO_HOLE);
  }

  @Test
  void headerOfACapabilityThatIsThereIsServedByUsToo() throws IOException {
    bytes.putInt(0x100, 0x2001000f);
    bytes.putInt(0x200, 0x0001001b);
    bytes.putInt(0x204, 0x00001400);
    SynthesisRequest request = request(PlacementPolicy.DEFAULT, "\"exec\": false");
    SynthesisRequest shown =
        new SynthesisRequest(
            new VfioView(ConfigSpace.of(bytes.array()), List.of()),
            request.kind(),
            request.hardware(),
            request.quirks(),
            request.policy(),
            List.of());

    assertThat(Synthesizer.synthesize(shown).patches())
        .contains(ConfigPatch.readOnly(0x200, 0x0001001b));
  }

  @Test
  void furtherCapabilitiesAreAllThatChangesInARequestWithThem() throws IOException {
    SynthesisRequest request = request(SHADOWING, "\"exec\": false");
    FurtherCapability further = new FurtherCapability(CapabilityId.DVSEC, 1, 8, List.of());

    SynthesisRequest with = request.withFurther(List.of(further));

    assertThat(with.further()).containsExactly(further);
    assertThat(with.withFurther(List.of())).isEqualTo(request);
  }
}
