package io.vpasid.guest.scenario;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vpasid.guest.scenario.ScenarioResult.Verdict;
import io.vpasid.vmm.iommufd.Pasid;
import io.vpasid.vmm.iommufd.simulated.Request;
import io.vpasid.vmm.linux.Errno;
import java.nio.file.Path;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// What does not come to what it must fails, with the place and both.
class ScenarioRunTest {
  @TempDir private Path folder;

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      textBlock =
          """
          { "enumerate": { "pasid": "0x200" } }   | the guest must find a PASID capability at 0x200, and finds a PASID capability at 0x160
          { "enumerate": { "pasid": "none" } }    | the guest must find no PASID capability, and finds a PASID capability at 0x160
          { "enumerate": { "size": 256 } }        | the guest must find 256 bytes of configuration space, and finds 4096
          { "enumerate": { "offsets": ["0x100"] } } | finds them at [0x100, 0x150, 0x160, 0x170]
          { "enable": { "expect": "refused" } }   | the guest must not be able to enable PASIDs, and can
          { "enable": { "width": 19 } }           | PASIDs must have 19 bits, and have 20
          { "enable": { "exec": true } }          | Execute must be enabled, and is off
          { "read": { "register": "pasid-control", "value": "0x0001" } } | pasid-control must be 0x0001 in the bits 0xffff, and is 0x0000
          { "attach": { "pasid": 1, "space": "a" } } | attach PASID 1 to a must be ok, and is EPERM: the guest has not enabled PASIDs
          { "detach": { "pasid": 1, "from": "a" } } | detach PASID 1 must take it from a, and takes it from nothing
          { "reset": { "by": "host", "expect": "EAGAIN" } } | the reset must be EAGAIN, and is ok
          { "check": { "attached": { "1": "a" } } } | there must be attached {1=a}, and there are {}
          { "check": { "count": 1 } }             | there must be 1 PASIDs attached, and there are 0
          { "migrate": { "to": "accelerator.txt", "layout": "different" } } | the target must differ, and shows the guest the same
          { "migrate": { "to": "accelerator-next.txt", "layout": "equal" } } | the target must show the guest the same, and differs in
          """)
  void wrongExpectationsFail(String step, String message) {
    String steps =
        step.replace("\"accelerator", "\"" + ScenarioFile.ACCELERATOR.getParent() + "/accelerator");
    Scenario scenario = only(ScenarioFile.withSteps(folder, steps.strip()));

    ScenarioResult result = scenario.run(1);

    assertThat(result.verdict()).isInstanceOf(Verdict.Failed.class);
    Verdict.Failed failed = (Verdict.Failed) result.verdict();
    assertThat(failed.message()).contains(message);
    assertThat(failed.place()).isEqualTo(scenario.file() + ":4:1");
    assertThatThrownBy(result::requirePassed)
        .isInstanceOf(AssertionError.class)
        .hasMessageContaining(message)
        .hasMessageContaining("seed 1");
  }

  @Test
  void nothingFollowsAnUnpluggedFunction() {
    Scenario scenario =
        only(ScenarioFile.withSteps(folder, "{ \"unplug\": { } }, { \"enable\": { } }"));

    assertThat(scenario.run(1).verdict())
        .isInstanceOfSatisfying(
            Verdict.Failed.class,
            f -> assertThat(f.message()).contains("was unplugged in an earlier step"));
  }

  @Test
  void hostThatForgetsToDetachIsFound() {
    Scenario scenario =
        only(
            ScenarioFile.withSteps(
                folder,
                """
                { "enable": { } },
                { "attach": { "pasid": 1, "space": "a" } },
                { "detach": { "pasid": 1 } }
                """));

    ScenarioResult result = scenario.run(1, Forgetful::new);

    assertThat(result.verdict())
        .isInstanceOfSatisfying(
            Verdict.Failed.class,
            f ->
                assertThat(f.message())
                    .contains("detach PASID 1 must reach the host, whose kernel has {1=a}"));
  }

  @Test
  void failedRequestThatChangesSomethingIsFound() {
    Scenario scenario =
        only(
            ScenarioFile.withSteps(
                folder,
                """
                { "enable": { } },
                { "fail": { "request": "attach-pasid", "errno": "EIO" } },
                { "attach": { "pasid": 1, "space": "a", "expect": "EIO" } }
                """));

    ScenarioResult result = scenario.run(1, Careless::new);

    assertThat(result.verdict())
        .isInstanceOfSatisfying(
            Verdict.Failed.class,
            f -> assertThat(f.message()).contains("failed and must change nothing"));
  }

  @Test
  void machineThatCannotFailRequestsSkips() {
    Scenario scenario =
        only(
            ScenarioFile.withSteps(
                folder, "{ \"fail\": { \"request\": \"reset\", \"errno\": \"EIO\" } }"));

    ScenarioResult result = scenario.run(1, RealKernel::new);

    assertThat(result.verdict()).isEqualTo(new Verdict.Skipped("a real kernel"));
    assertThat(result.isGood()).isTrue();
  }

  @Test
  void sameSeedDrawsTheSameNumbers() {
    Scenario scenario =
        only(
            ScenarioFile.withSteps(
                folder,
                """
                { "enable": { } },
                { "repeat": { "times": 3, "random": { "p": [1, 1048575] }, "steps": [
                  { "attach": { "pasid": "${p}", "space": "a" } } ] } },
                { "check": { "attached": { } } }
                """));

    assertThat(scenario.run(5).verdict()).isEqualTo(scenario.run(5).verdict());
    assertThat(scenario.run(5).verdict()).isNotEqualTo(scenario.run(6).verdict());
  }

  @Test
  void matrixMakesAScenarioOfEachCombination() {
    Path file =
        ScenarioFile.write(
            folder,
            """
            { "format": 1, "title": "t", "matrix": { "iommu": ["intel", "arm"], "width": [1, 8] },
              "function": "%s",
              "host": { "iommu": "${iommu}", "width": "${width}" },
              "steps": [ { "enable": { "width": "${width}" } } ] }
            """
                .formatted(ScenarioFile.ACCELERATOR));

    List<Scenario> scenarios = Scenario.read(file);

    assertThat(scenarios)
        .extracting(Scenario::name)
        .containsExactly(
            "test[iommu=intel width=1]",
            "test[iommu=intel width=8]",
            "test[iommu=arm width=1]",
            "test[iommu=arm width=8]");
    assertThat(scenarios).allMatch(s -> s.run(1).verdict() instanceof Verdict.Passed);
  }

  private static Scenario only(Path file) {
    return Scenario.read(file).getFirst();
  }

  /// Whose host still has what was detached.
  private static final class Forgetful extends Wrapped {
    private final SortedMap<Integer, String> once = new TreeMap<>();

    Forgetful(Setup setup, int guest) {
      super(setup, guest);
    }

    @Override
    public SortedMap<Integer, String> attachedOnHost() {
      once.putAll(sound.attachedOnHost());
      return once;
    }
  }

  /// Which tells the guest of an attachment that failed.
  private static final class Careless extends Wrapped {
    private final SortedMap<Integer, String> asked = new TreeMap<>();

    Careless(Setup setup, int guest) {
      super(setup, guest);
    }

    @Override
    public Answer attach(Pasid pasid, String space) {
      asked.put(pasid.value(), space);
      return sound.attach(pasid, space);
    }

    @Override
    public SortedMap<Integer, String> attached() {
      return new TreeMap<>(asked);
    }
  }

  /// Whose kernel does not fail when told.
  private static final class RealKernel extends Wrapped {
    RealKernel(Setup setup, int guest) {
      super(setup, guest);
    }

    @Override
    public void fail(Request request, Errno errno, boolean every) {
      throw new ImpossibleException("a real kernel");
    }
  }
}
