package io.vpasid.it.space;

import static org.assertj.core.api.Assertions.assertThat;

import io.vpasid.pci.ConfigSpace;
import io.vpasid.pci.PciAddress;
import io.vpasid.pci.capability.Capability;
import io.vpasid.pci.capability.CapabilityChain;
import io.vpasid.pci.dump.HostFunction;
import io.vpasid.pci.dump.LspciText;
import io.vpasid.testing.Seeds;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/// What holds of any configuration space, made, damaged or random.
class SpacePropertiesTest {
  private static final int SPACES = 100_000;

  /// Every register of 4 bytes can hold one header: 48 behind the header of the function, 960 in
  /// the extended space.
  private static final int MOST_STANDARD = (ConfigSpace.STANDARD_SIZE - 0x40) / 4;

  private static final int MOST_EXTENDED =
      (ConfigSpace.EXTENDED_SIZE - ConfigSpace.STANDARD_SIZE) / 4;

  private final HostSpaces spaces = HostSpaces.made();

  @Test
  void walkVisitsNoHeaderTwiceAndEnds() {
    Seeds.forAll(
        SPACES,
        seed -> {
          CapabilityChain chain =
              CapabilityChain.walk(spaces.next(new SplittableRandom(seed)).config());

          assertThat(offsets(chain.standard())).hasSizeLessThanOrEqualTo(MOST_STANDARD);
          assertThat(offsets(chain.extended())).hasSizeLessThanOrEqualTo(MOST_EXTENDED);
          assertThat(offsets(chain.standard())).hasSameSizeAs(chain.standard());
          assertThat(offsets(chain.extended())).hasSameSizeAs(chain.extended());
        });
  }

  @Test
  void dumpThatIsWrittenAndReadAgainIsEqual() {
    Seeds.forAll(
        SPACES,
        seed -> {
          ConfigSpace config = spaces.next(new SplittableRandom(seed)).config();

          assertThat(throughADump(config)).isEqualTo(config);
        });
  }

  /// Registers beside the list must not look like one: at 0x100 is a capability, or 0.
  @Test
  void intactFunctionHasTheExtendedCapabilitiesThatItWasGiven() {
    Seeds.forAll(
        SPACES,
        seed -> {
          HostSpace host = HostSpaces.intact(new SplittableRandom(seed));

          assertThat(CapabilityChain.walk(host.config()).extended())
              .allMatch(c ->
                  host.config().u16(c.offset()) == 0
                      || host.owned().stream().anyMatch(owned -> owned.offset() == c.offset()));
        });
  }

  private static Set<Integer> offsets(List<Capability> capabilities) {
    Set<Integer> offsets = HashSet.newHashSet(capabilities.size());
    capabilities.forEach(c -> offsets.add(c.offset()));
    return offsets;
  }

  private static ConfigSpace throughADump(ConfigSpace config) {
    StringBuilder text = new StringBuilder();
    LspciText.write(List.of(new HostFunction(new PciAddress(0, 1, 2, 3), "made", config)), text);
    return LspciText.parse("made", text.toString()).getFirst().config();
  }
}
