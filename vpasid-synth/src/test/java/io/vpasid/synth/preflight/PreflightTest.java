package io.vpasid.synth.preflight;

import static io.vpasid.synth.preflight.FunctionBytes.ROOT_PORT;
import static io.vpasid.synth.preflight.FunctionBytes.endpoint;
import static io.vpasid.synth.preflight.FunctionBytes.integrated;
import static io.vpasid.synth.preflight.FunctionBytes.port;
import static io.vpasid.synth.preflight.Row.IOMMU;
import static io.vpasid.synth.preflight.Row.below;
import static io.vpasid.synth.preflight.Row.onRootBus;
import static io.vpasid.synth.preflight.Row.request;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vpasid.pci.ConfigSpace;
import io.vpasid.pci.dump.Dumps;
import io.vpasid.pci.dump.HostFunction;
import io.vpasid.pci.emulation.DeviceConfig;
import io.vpasid.pci.emulation.GuestConfigSpace;
import io.vpasid.pci.vfio.VfioView;
import io.vpasid.synth.HardwareInfo;
import io.vpasid.synth.Synthesis;
import io.vpasid.synth.SynthesisRequest;
import io.vpasid.synth.SynthesisResult;
import io.vpasid.synth.Synthesizer;
import io.vpasid.synth.quirk.FunctionKind;
import io.vpasid.testing.Captures;
import io.vpasid.testing.Need;
import io.vpasid.testing.Needs;
import io.vpasid.testing.Seeds;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class PreflightTest {

  /// What no register tells.
  private static final Set<CheckId> MACHINE =
      EnumSet.of(CheckId.P1, CheckId.P2, CheckId.P5, CheckId.P13);

  @Test
  void checksComeInOrderOnePerId() {
    assertThat(Preflight.of(request(endpoint())).checks())
        .extracting(Check::id)
        .containsExactly(CheckId.values());
  }

  @ParameterizedTest
  @EnumSource
  void everyCheckSaysWhatLinuxDoesAndWhere(CheckId id) {
    assertThat(id.title()).isNotBlank();
    assertThat(id.rule()).endsWith(".");
    assertThat(id.source()).startsWith("drivers/");
  }

  @ParameterizedTest
  @EnumSource(names = {"P1", "P2"})
  void kernelIsNeverKnownFromBytes(CheckId id) {
    assertThat(Preflight.of(onRootBus(integrated()).behind(IOMMU)).check(id).verdict())
        .isEqualTo(Verdict.UNKNOWN);
  }

  @Test
  void withoutAFailureTheAnswerIsUnknownWhileAnythingIsOpen() {
    Preflight preflight = Preflight.of(onRootBus(integrated()).behind(IOMMU));

    assertThat(preflight.answer()).isEqualTo(Answer.UNKNOWN);
    assertThat(preflight.with(Verdict.UNKNOWN))
        .extracting(Check::id)
        .containsExactlyElementsOf(MACHINE);
  }

  @Test
  void answerIsYesOnceNothingIsOpen() {
    Preflight preflight = Preflight.of(onRootBus(integrated()).behind(IOMMU).assuming(MACHINE));

    assertThat(preflight.answer()).isEqualTo(Answer.YES);
    assertThat(preflight.check(CheckId.P1).explanation()).startsWith("Taken for granted.");
  }

  @Test
  void belowARootPortTheAnswerIsYesToo() {
    Preflight preflight =
        Preflight.of(below(endpoint(), port(ROOT_PORT)).behind(IOMMU).assuming(MACHINE));

    assertThat(preflight.answer()).isEqualTo(Answer.YES);
    assertThat(preflight.check(CheckId.P23).verdict()).isEqualTo(Verdict.UNKNOWN);
  }

  @Test
  void oneFailureMakesTheAnswerNo() {
    Preflight preflight = Preflight.of(onRootBus(endpoint()).behind(IOMMU).assuming(MACHINE));

    assertThat(preflight.answer()).isEqualTo(Answer.NO);
    assertThat(preflight.with(Verdict.FAIL)).extracting(Check::id).containsExactly(CheckId.P19);
  }

  @Test
  void failureIsNotAssumedAway() {
    Preflight preflight =
        Preflight.of(onRootBus(endpoint()).assuming(EnumSet.allOf(CheckId.class)));

    assertThat(preflight.check(CheckId.P19).verdict()).isEqualTo(Verdict.FAIL);
    assertThat(preflight.answer()).isEqualTo(Answer.NO);
  }

  @Test
  void failedAtsDoesNotKeepPasidsOff() {
    Preflight preflight =
        Preflight.of(onRootBus(integrated().word(0x154, 0)).behind(IOMMU).assuming(MACHINE));

    assertThat(preflight.with(Verdict.FAIL))
        .extracting(Check::id)
        .containsExactly(CheckId.P23, CheckId.P24);
    assertThat(preflight.answer()).isEqualTo(Answer.YES);
  }

  @Test
  void virtualFunctionAloneIsAFunctionLikeAnyOther() {
    Preflight preflight =
        Preflight.of(
            PreflightRequest.of(integrated().space(), FunctionKind.VIRTUAL, Row.HOST)
                .at(GuestPlace.onRootBus())
                .behind(IOMMU)
                .assuming(MACHINE));

    assertThat(preflight.check(CheckId.P17).verdict()).isEqualTo(Verdict.NOT_APPLICABLE);
    assertThat(preflight.answer()).isEqualTo(Answer.YES);
  }

  private static PreflightRequest virtual(FunctionBytes physical) {
    return PreflightRequest.of(endpoint().withoutPrefixes().space(), FunctionKind.VIRTUAL, Row.HOST)
        .withPhysicalFunction(physical.space())
        .at(GuestPlace.onRootBus())
        .behind(IOMMU);
  }

  @Test
  void virtualFunctionHasPasidsIfItsPhysicalFunctionHas() {
    Preflight preflight = Preflight.of(virtual(integrated()).assuming(MACHINE));

    assertThat(preflight.check(CheckId.P17).verdict()).isEqualTo(Verdict.PASS);
    assertThat(preflight.with(Verdict.NOT_APPLICABLE))
        .extracting(Check::id)
        .contains(CheckId.P4, CheckId.P8, CheckId.P18, CheckId.P19, CheckId.P21, CheckId.P22);
    assertThat(preflight.answer()).isEqualTo(Answer.YES);
  }

  @Test
  void virtualFunctionHasNoneIfItsPhysicalFunctionHasNone() {
    Preflight preflight = Preflight.of(virtual(integrated().withoutPrefixes()).assuming(MACHINE));

    assertThat(preflight.check(CheckId.P17).verdict()).isEqualTo(Verdict.FAIL);
    assertThat(preflight.check(CheckId.P17).explanation()).contains("which fails P19");
    assertThat(preflight.answer()).isEqualTo(Answer.NO);
  }

  @Test
  void virtualFunctionIsOpenWhileItsPhysicalFunctionIs() {
    Preflight preflight = Preflight.of(virtual(integrated()));

    assertThat(preflight.check(CheckId.P17).verdict()).isEqualTo(Verdict.UNKNOWN);
    assertThat(preflight.check(CheckId.P17).explanation()).contains("P1, P2, P5, P13");
  }

  @Test
  void onlyAVirtualFunctionHasAPhysicalFunction() {
    PreflightRequest request = request(endpoint());
    ConfigSpace physical = integrated().space();

    assertThatThrownBy(() -> request.withPhysicalFunction(physical))
        .isInstanceOf(IllegalArgumentException.class);
  }

  private static ConfigSpace guestView(ConfigSpace view, SynthesisResult result) {
    return result
        .applyTo(GuestConfigSpace.over(DeviceConfig.readOnly(view)))
        .build()
        .toConfigSpace();
  }

  /// Linux 7.3 enabled PASIDs, and ATS, on this very function in QEMU.
  @Needs(Need.CAPTURES)
  @Test
  void dataStreamingAcceleratorHasNoFailure() {
    HostFunction dsa = Dumps.read(Captures.file("pciutils-pri-pasid.txt")).getFirst();
    HardwareInfo host = HardwareInfo.parse("width=20,priv");
    SynthesisRequest synthesis = SynthesisRequest.of(VfioView.of(dsa.config()), host);
    ConfigSpace view = guestView(synthesis.view().config(), Synthesizer.synthesize(synthesis));
    PreflightRequest request = PreflightRequest.of(view, FunctionKind.PHYSICAL, host);

    Preflight alone = Preflight.of(request);
    Preflight placed = Preflight.of(request.at(GuestPlace.onRootBus()).behind(IOMMU));

    assertThat(alone.with(Verdict.FAIL)).isEmpty();
    assertThat(alone.check(CheckId.P19).verdict()).isEqualTo(Verdict.PASS);
    assertThat(placed.with(Verdict.FAIL)).isEmpty();
    assertThat(placed.with(Verdict.UNKNOWN))
        .extracting(Check::id)
        .containsExactlyElementsOf(MACHINE);
    assertThat(placed.check(CheckId.P24).verdict()).isEqualTo(Verdict.PASS);
  }

  @Needs(Need.CAPTURES)
  @Test
  void synthesizedCapabilityIsFoundOnEveryCapturedFunctionThatGetsOne() {
    int placed = 0;
    for (Path file : Captures.files()) {
      for (HostFunction function : Dumps.read(file)) {
        SynthesisRequest synthesis =
            SynthesisRequest.of(VfioView.of(function.config(), function.id()), Row.HOST);
        if (Synthesizer.synthesize(synthesis) instanceof Synthesis result) {
          ConfigSpace view = guestView(synthesis.view().config(), result);
          Preflight preflight =
              Preflight.of(PreflightRequest.of(view, FunctionKind.PHYSICAL, Row.HOST));
          assertThat(
                  List.of(
                      preflight.check(CheckId.P8).verdict(),
                      preflight.check(CheckId.P11).verdict(),
                      preflight.check(CheckId.P12).verdict(),
                      preflight.check(CheckId.P22).verdict()))
              .as(file + " " + function.address())
              .containsOnly(Verdict.PASS);
          placed++;
        }
      }
    }
    assertThat(placed).isPositive();
  }

  /// Invariant I8: no bytes make it throw or loop.
  @Test
  void noBytesMakeItThrow() {
    Seeds.forAll(
        5_000,
        seed -> {
          Random random = new Random(seed);
          ConfigSpace view = randomSpace(random);
          PreflightRequest physical =
              PreflightRequest.of(
                  view,
                  FunctionKind.PHYSICAL,
                  new HardwareInfo(
                      random.nextInt(256), random.nextBoolean(), random.nextBoolean(), true));
          PreflightRequest virtual =
              PreflightRequest.of(randomSpace(random), FunctionKind.VIRTUAL, Row.HOST)
                  .withPhysicalFunction(view)
                  .at(
                      new GuestPlace(
                          List.of(randomSpace(random), randomSpace(random)), random.nextInt(8)))
                  .behind(new IommuRegisters(random.nextLong(), random.nextLong()));

          assertThat(Preflight.of(physical).checks()).hasSize(25);
          assertThat(Preflight.of(virtual).checks()).hasSize(25);
        });
  }

  /// Noise, or noise in a function that is otherwise in order; 256 or 4096 bytes.
  private static ConfigSpace randomSpace(Random random) {
    byte[] bytes =
        random.nextBoolean()
            ? integrated().space().toByteArray()
            : new byte[random.nextBoolean() ? 256 : 4096];
    int noise = random.nextInt(64) * random.nextInt(64);
    for (int i = 0; i < noise; i++) {
      bytes[random.nextInt(bytes.length)] = (byte) random.nextInt();
    }
    if (random.nextInt(4) == 0) {
      bytes[0x06] |= 0x10;
      bytes[0x34] = (byte) (random.nextInt(64) << 2);
      int at = Math.max(0x40, bytes[0x34] & 0xfc);
      bytes[at] = 0x10;
      bytes[at + 2] = (byte) random.nextInt();
    }
    return ConfigSpace.of(bytes);
  }

  @Test
  void sameRequestGivesTheSameChecks() {
    PreflightRequest request = below(endpoint(), port(ROOT_PORT)).behind(IOMMU);

    assertThat(Preflight.of(request)).isEqualTo(Preflight.of(request));
  }

  @Test
  void functionNumberHasThreeBits() {
    assertThatThrownBy(() -> new GuestPlace(List.of(), 8))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("0 to 7");
    assertThat(Optional.of(GuestPlace.onRootBus().function())).contains(0);
  }
}
