package io.vpasid.synth.quirk;

import static org.assertj.core.api.Assertions.assertThat;

import io.vpasid.pci.PciId;
import io.vpasid.testing.Seeds;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

class QuirkIndexTest {
  @Test
  void findsWhatLookingAtEveryQuirkFinds() {
    Seeds.forAll(
        200,
        seed -> {
          Random random = new Random(seed);
          List<RankedQuirk> quirks = randomQuirks(random, random.nextInt(60));
          QuirkIndex index = new QuirkIndex(quirks);
          for (int i = 0; i < 50; i++) {
            FunctionIdentity function = randomFunction(random);

            Set<Integer> expected = new HashSet<>();
            for (RankedQuirk ranked : quirks) {
              if (ranked.quirk().matches().stream().anyMatch(m -> m.matches(function))) {
                expected.add(ranked.position());
              }
            }

            assertThat(index.search(function))
                .as("%s", function)
                .extracting(hit -> hit.ranked().position())
                .containsOnlyOnceElementsOf(expected)
                .allMatch(expected::contains);
          }
        });
  }

  @Test
  void tenThousandQuirksForOthersCostFewSteps() {
    List<RankedQuirk> quirks = new ArrayList<>();
    for (int i = 0; i < 10_000; i++) {
      int vendor = 0x1000 + i / 100;
      int device = i % 100 * 8;
      quirks.add(ranked(i, vendor, List.of(new IdRange(device, device + 3))));
    }
    QuirkIndex index = new QuirkIndex(quirks);

    assertThat(index.steps(QuirkFiles.function(0x8086, 0x0b25))).isLessThan(40);
    assertThat(index.steps(QuirkFiles.function(0x1032, 0x0005))).isLessThan(40);
    assertThat(index.steps(QuirkFiles.function(0x1032, 0x0009))).isLessThan(40);
    assertThat(index.search(QuirkFiles.function(0x1032, 0x0009))).hasSize(1);
  }

  @Test
  void wideRangesDoNotMakeTheOthersDear() {
    List<RankedQuirk> quirks = new ArrayList<>();
    quirks.add(ranked(0, QuirkMatch.ANY, List.of()));
    quirks.add(ranked(1, 0x1000, List.of()));
    for (int i = 2; i < 10_000; i++) {
      quirks.add(ranked(i, 0x1000, List.of(new IdRange(i, i))));
    }
    QuirkIndex index = new QuirkIndex(quirks);

    assertThat(index.search(QuirkFiles.function(0x1000, 5_000))).hasSize(3);
    assertThat(index.steps(QuirkFiles.function(0x1000, 5_000))).isLessThan(80);
  }

  private static RankedQuirk ranked(int position, int vendor, List<IdRange> devices) {
    return ranked(
        position,
        new QuirkMatch(
            vendor,
            devices,
            List.of(),
            List.of(new ClassPattern(0x020000, 0xff0000)),
            List.of(),
            Optional.empty()));
  }

  private static RankedQuirk ranked(int position, QuirkMatch match) {
    Quirk quirk =
        new Quirk(
            new QuirkSource("test", "test.json", "q" + position),
            1,
            1,
            "n",
            "s",
            "",
            List.of(match),
            MatchedQuirks.NONE);
    return new RankedQuirk(quirk, 0, position);
  }

  /// Quirks of three vendors and few ids, so that many match.
  private static List<RankedQuirk> randomQuirks(Random random, int count) {
    List<RankedQuirk> quirks = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      boolean anyVendor = random.nextInt(5) == 0;
      List<IdRange> devices = new ArrayList<>();
      int alternatives = anyVendor ? 0 : random.nextInt(3);
      for (int k = 0; k < alternatives; k++) {
        // Alternatives lie apart, so that a match is found once.
        int first = k * 100 + random.nextInt(50);
        devices.add(new IdRange(first, first + random.nextInt(50)));
      }
      quirks.add(
          ranked(
              i,
              new QuirkMatch(
                  anyVendor ? QuirkMatch.ANY : random.nextInt(3),
                  devices,
                  random.nextBoolean() ? List.of() : List.of(new SubsystemMatch(1, QuirkMatch.ANY)),
                  List.of(new ClassPattern(random.nextInt(2) << 16, 0xff0000)),
                  random.nextBoolean() ? List.of() : List.of(new IdRange(0, 1)),
                  random.nextBoolean() ? Optional.empty() : Optional.of(FunctionKind.VIRTUAL))));
    }
    return quirks;
  }

  private static FunctionIdentity randomFunction(Random random) {
    return new FunctionIdentity(
        new PciId(random.nextInt(3), random.nextInt(200)),
        new PciId(random.nextInt(2), 1),
        random.nextInt(2) << 16,
        random.nextInt(3),
        random.nextBoolean() ? FunctionKind.PHYSICAL : FunctionKind.VIRTUAL);
  }
}
