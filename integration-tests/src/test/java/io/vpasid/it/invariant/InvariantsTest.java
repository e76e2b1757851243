package io.vpasid.it.invariant;

import static org.assertj.core.api.Assertions.assertThat;

import io.vpasid.it.space.CapturedFunctions;
import io.vpasid.it.space.HostSpace;
import io.vpasid.it.space.HostSpaces;
import io.vpasid.pci.ConfigSpace;
import io.vpasid.pci.PciAddress;
import io.vpasid.pci.capability.CapabilityId;
import io.vpasid.pci.dump.HostFunction;
import io.vpasid.pci.dump.LspciText;
import io.vpasid.synth.FurtherCapability;
import io.vpasid.synth.HardwareInfo;
import io.vpasid.synth.PlacementPolicy;
import io.vpasid.synth.SynthesisResult;
import io.vpasid.synth.Synthesizer;
import io.vpasid.testing.Need;
import io.vpasid.testing.Needs;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Consumer;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// What must always hold, over functions that are made, damaged and random, and over captured ones.
/// A failure names the [seed][Seeds] of its case and shows the smallest function that was found to
/// fail; [InvariantsTarget] goes on for as long as one wants.
class InvariantsTest {
  private static final int CASES = 100_000;
  private static final int CASES_IN_ANOTHER_THREAD = 20_000;
  private static final int CASES_THROUGH_A_DUMP = 2_000;
  private static final int CAPTURED_CASES = 20_000;

  private static final FurtherCapability MAILBOX =
      new FurtherCapability(CapabilityId.DVSEC, 1, 0x20, List.of());

  private static List<KnownQuirks> quirks;
  private static Trials trials;

  @BeforeAll
  static void makeQuirks(@TempDir Path folder) {
    quirks = KnownQuirks.tables(24, folder);
    trials = new Trials(HostSpaces.made(), quirks);
  }

  private static void forAllCases(Consumer<Trial> property) {
    trials.forAll(CASES, property);
  }

  @Tag("I1")
  @Test
  void i1EveryCapabilityOfTheViewIsInTheGuestViewAsItWas() {
    forAllCases(Invariants::i1);
  }

  @Tag("I2")
  @Test
  void i2LinuxAndEdk2AndLspciReachTheCapability() {
    forAllCases(Invariants::i2);
  }

  @Tag("I3")
  @Test
  void i3TheHoleTouchesNothingThatLives() {
    forAllCases(Invariants::i3);
  }

  /// A broken list, in which a PASID capability is removed from the guest's view, whose bytes then
  /// look free.
  @Tag("I3")
  @Test
  void i3RemovedPasidCapabilityIsNoHole() {
    Trials.attempt("case 41389554461", trials.of(41389554461L), Invariants::all);
  }

  @Tag("I4")
  @Test
  void i4NoGuestAccessReachesTheDeviceInAnEmulatedRange() {
    forAllCases(Invariants::i4);
  }

  @Tag("I5")
  @Test
  void i5NothingBeyondTheHostIsShown() {
    forAllCases(Invariants::i5);
  }

  @Tag("I6")
  @Test
  void i6EqualInputGivesAnEqualResult() {
    forAllCases(Invariants::i6);
  }

  @Tag("I6")
  @Test
  void i6AnotherThreadGivesAnEqualResult() {
    try (ExecutorService thread = Executors.newSingleThreadExecutor()) {
      trials.forAll(
          CASES_IN_ANOTHER_THREAD,
          trial -> {
            Future<SynthesisResult> there =
                thread.submit(() -> Synthesizer.synthesize(trial.request()));
            assertThat(there)
                .succeedsWithin(java.time.Duration.ofMinutes(1))
                .isEqualTo(trial.result());
          });
    }
  }

  @Tag("I6")
  @Test
  void i6FunctionThatWentThroughADumpGivesAnEqualResult() {
    trials.forAll(
        CASES_THROUGH_A_DUMP,
        trial -> {
          Case input = trial.input();
          byte[] read = throughADump(input.host().config()).toByteArray();
          assertThat(Synthesizer.synthesize(input.with(input.host().with(read)).request()))
              .isEqualTo(trial.result());
        });
  }

  private static ConfigSpace throughADump(ConfigSpace config) {
    StringBuilder text = new StringBuilder();
    LspciText.write(List.of(new HostFunction(new PciAddress(0, 1, 2, 3), "made", config)), text);
    return LspciText.parse("made", text.toString()).getFirst().config();
  }

  /// The first dword again at every 0x100: for Linux one of 256 bytes, for EDK2 the head of a list.
  @Tag("I5")
  @Test
  void i5WhatOnlyLooksLikeAListShowsNoPasid() {
    byte[] bytes = FunctionBytes.express();
    FunctionBytes.put32(bytes, 0x00, 0x2e0c_f00d);
    for (int at = 0x100; at < bytes.length; at += 0x100) {
      FunctionBytes.put32(bytes, at, 0x2e0c_f00d);
    }
    FunctionBytes.put32(bytes, 0x2e0, 0x0001_001b);

    Trials.attempt("a list for EDK2 only", FunctionBytes.on(bytes), Invariants::all);
  }

  @Tag("I8")
  @Test
  void i8NoFunctionMakesItThrow() {
    forAllCases(trial -> Synthesizer.occupancy(trial.request()).segments());
  }

  @Tag("I1")
  @Tag("I2")
  @Tag("I3")
  @Tag("I4")
  @Tag("I5")
  @Tag("I6")
  @Needs(Need.CAPTURES)
  @Test
  void allHoldForDamagedCapturedFunctions() {
    new Trials(HostSpaces.captured(), quirks).forAll(CAPTURED_CASES, Invariants::all);
  }

  @Tag("I1")
  @Tag("I2")
  @Tag("I3")
  @Tag("I4")
  @Tag("I5")
  @Tag("I6")
  @Needs(Need.CAPTURES)
  @Test
  void allHoldForCapturedFunctions() {
    for (HostSpace host : CapturedFunctions.extended()) {
      for (String hardware : List.of("none", "width=1", "width=16,exec", "width=20,exec,priv")) {
        for (boolean fromRegion : new boolean[] {false, true}) {
          Case input =
              new Case(
                  host,
                  fromRegion,
                  HardwareInfo.parse(hardware),
                  KnownQuirks.NONE,
                  PlacementPolicy.DEFAULT,
                  List.of(),
                  List.of(MAILBOX, MAILBOX));
          Trials.attempt(host.origin(), input, Invariants::all);
        }
      }
    }
  }
}
