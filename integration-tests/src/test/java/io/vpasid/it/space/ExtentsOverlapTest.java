package io.vpasid.it.space;

import static org.assertj.core.api.Assertions.assertThat;

import io.vpasid.pci.ConfigSpace;
import io.vpasid.pci.capability.Anomaly;
import io.vpasid.pci.capability.Capability;
import io.vpasid.pci.capability.CapabilityChain;
import io.vpasid.pci.dump.HostFunction;
import io.vpasid.testing.Need;
import io.vpasid.testing.Needs;
import io.vpasid.testing.Seeds;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/// Extents share bytes only where the walk reports it. All pairs are compared here.
class ExtentsOverlapTest {

  private static Set<Integer> reported(CapabilityChain chain) {
    return chain.anomalies().stream()
        .filter(a -> a.kind() == Anomaly.Kind.OVERLAP)
        .map(Anomaly::offset)
        .collect(Collectors.toCollection(TreeSet::new));
  }

  /// Offsets of the capabilities that begin inside another.
  private static Set<Integer> insideOthers(CapabilityChain chain) {
    return Stream.of(chain.standard(), chain.extended())
        .flatMap(ExtentsOverlapTest::insideOthers)
        .collect(Collectors.toCollection(TreeSet::new));
  }

  private static Stream<Integer> insideOthers(List<Capability> list) {
    return list.stream()
        .map(Capability::offset)
        .filter(offset ->
            list.stream()
                .anyMatch(c -> c.offset() < offset && c.extent().range().contains(offset)));
  }

  @Needs(Need.CAPTURES)
  @Test
  void capturedExtentsShareNoByte() {
    assertThat(CapturedFunctions.all().stream().map(HostFunction::config))
        .hasSizeGreaterThan(900)
        .map(CapabilityChain::walk)
        .allSatisfy(chain -> assertThat(insideOthers(chain)).isEqualTo(reported(chain)).isEmpty());
  }

  @Test
  void extentsOfDamagedFunctionsShareBytesWhereThatIsReported() {
    HostSpaces spaces = HostSpaces.made();
    List<CapabilityChain> chains =
        Seeds.all(5000)
            .mapToObj(seed -> spaces.next(new SplittableRandom(seed)).config())
            .map((ConfigSpace config) -> CapabilityChain.walk(config))
            .toList();

    assertThat(chains).filteredOn(chain -> !reported(chain).isEmpty()).hasSizeGreaterThan(100);
    assertThat(chains)
        .allSatisfy(chain -> assertThat(insideOthers(chain)).isEqualTo(reported(chain)));
  }
}
