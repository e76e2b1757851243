package io.vpasid.it.lspci;

import static org.assertj.core.api.Assertions.assertThat;

import io.vpasid.it.space.CapturedFunctions;
import io.vpasid.it.space.HostSpace;
import io.vpasid.it.space.HostSpaces;
import io.vpasid.it.walker.LspciWalker;
import io.vpasid.it.walker.Step;
import io.vpasid.it.walker.Walk;
import io.vpasid.pci.capability.Capability;
import io.vpasid.pci.capability.CapabilityChain;
import io.vpasid.pci.capability.CapabilityId;
import io.vpasid.pci.dump.HostFunction;
import io.vpasid.testing.Need;
import io.vpasid.testing.Needs;
import io.vpasid.testing.Seeds;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@Needs(Need.LSPCI)
class LspciCapabilitiesTest {
  private static final CapabilityId VIRTUAL_CHANNEL_BESIDE_MFVC = CapabilityId.extended(0x09);
  private static final CapabilityId VIRTUAL_CHANNEL = CapabilityId.extended(0x02);

  @TempDir private Path folder;

  private record Found(int offset, CapabilityId id) {}

  /// One function differs, an AMD host bridge: its ids appear again at 0x100, where they look like
  /// a header with the id 0x1022. It has no PCI Express capability, without which lspci does not
  /// look there; Linux does for host bridges, and so does the walk, which reports that.
  @Needs(Need.CAPTURES)
  @Test
  void capturedCapabilitiesAreThoseThatLspciShows() {
    List<HostFunction> functions = CapturedFunctions.all();
    List<List<Lspci.Shown>> shown =
        Lspci.show(functions.stream().map(HostFunction::config).toList(), "-v", folder);
    List<String> different = new ArrayList<>();
    for (int i = 0; i < functions.size(); i++) {
      CapabilityChain chain = CapabilityChain.walk(functions.get(i).config());
      if (!shown(shown.get(i)).equals(walked(chain))) {
        different.add(functions.get(i).id() + " " + walked(chain));
      }
    }

    assertThat(functions).hasSizeGreaterThan(900);
    assertThat(different)
        .containsExactly("1022:1480 [Found[offset=256, id=" + CapabilityId.extended(0x1022) + "]]");
  }

  private static List<Found> walked(CapabilityChain chain) {
    return Stream.concat(chain.standard().stream(), chain.extended().stream())
        .map(LspciCapabilitiesTest::found)
        .toList();
  }

  /// lspci has one title for the two ids of Virtual Channel.
  private static Found found(Capability capability) {
    boolean isBesideMfvc = capability.id().equals(VIRTUAL_CHANNEL_BESIDE_MFVC);
    return new Found(capability.offset(), isBesideMfvc ? VIRTUAL_CHANNEL : capability.id());
  }

  private static List<Found> shown(List<Lspci.Shown> capabilities) {
    return capabilities.stream()
        .filter(s -> !s.isEnd())
        .map(s -> new Found(s.offset(), LspciTitles.idOf(s)))
        .toList();
  }

  /// The oracle that other tests use is lspci's walk, broken lists and random bytes included.
  @Test
  void lspciWalkerStopsWhereLspciDoes() {
    HostSpaces spaces = HostSpaces.made();
    List<Long> seeds = Seeds.all(1500).boxed().toList();
    List<HostSpace> hosts =
        seeds.stream().map(seed -> spaces.next(new SplittableRandom(seed))).toList();

    List<List<Lspci.Shown>> shown =
        Lspci.show(hosts.stream().map(HostSpace::config).toList(), "-v", folder);

    for (int i = 0; i < hosts.size(); i++) {
      Walk walk = new LspciWalker().walk(hosts.get(i).bytes());
      assertThat(shown.get(i).stream().filter(s -> !s.isEnd()).map(Lspci.Shown::offset))
          .as("seed %d, %s", seeds.get(i), hosts.get(i).origin())
          .isEqualTo(
              Stream.concat(walk.standard().stream(), walk.extended().stream())
                  .map(Step::offset)
                  .toList());
    }
  }
}
