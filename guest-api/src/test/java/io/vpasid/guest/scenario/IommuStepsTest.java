package io.vpasid.guest.scenario;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vpasid.guest.emulator.IommuPort;
import io.vpasid.guest.scenario.ScenarioResult.Verdict;
import io.vpasid.synth.json.JsonFileException;
import io.vpasid.vmm.frontend.GuestMemory;
import io.vpasid.vmm.iommufd.Pasid;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.SortedMap;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Steps of a guest with a virtual IOMMU that do not come to what they must fail, with the place
/// and both.
class IommuStepsTest {
  @TempDir private Path folder;

  private Scenario scenario(String mode, String steps) {
    return Scenario.read(ScenarioFile.withIommuSteps(folder, mode, steps)).getFirst();
  }

  private static Verdict.Failed failure(ScenarioResult result) {
    assertThat(result.verdict()).isInstanceOf(Verdict.Failed.class);
    return (Verdict.Failed) result.verdict();
  }

  /// The last of the steps is the one that fails; each is a line.
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      textBlock =
          """
          { "unmap": { "table": "a", "address": "0x400000" } } | 0x400000 must be mapped in a to be unmapped, and is not
          { "touch": { "table": "a", "address": "0x400000", "read": 0 } } | a must have 0x400000 mapped, and has not
          { "map": { "table": "a", "address": "0x400000" } }; { "touch": { "table": "a", "address": "0x400000", "read": 1 } } | a must read 0x1, and reads 0x0
          { "map": { "table": "a", "address": "0x400000", "pages": 1024 } }; { "map": { "table": "a", "address": "0x800000", "pages": 1024 } } | the guest's 16 MiB of memory are full; map less, or unmap
          { "bind": { "pasid": 7, "table": "a", "expect": "refused" } } | the host must refuse to bind PASID 7 to a, and the IOMMU has recorded no such fault; the host has {7=a}
          { "fail": { "request": "attach-pasid", "errno": "EIO" } }; { "bind": { "pasid": 7, "table": "a" } } | after bind PASID 7 to a the host must have {7=a} attached, and has {}; the IOMMU has recorded refused (0x5b) at 0x0 for PASID 7
          { "bind": { "pasid": 7, "table": "a" } }; { "fail": { "request": "detach-pasid", "errno": "EIO" } }; { "unbind": { "pasid": 7 } } | the IOMMU's queue has stopped at 0x180: what is behind it has failed (ITE)
          { "bind": { "pasid": 7, "table": "a", "tell": "nothing" } }; { "fail": { "request": "attach-pasid", "errno": "EIO" } }; { "invalidate": { } } | after invalidate everything the host must have {7=a} attached, and has {}
          { "iommuDisable": { } }; { "invalidate": { "pasid": 7 } } | translation must be on for the IOMMU to be told anything
          { "dma": { "pasid": 7, "address": "0x400000", "read": 0 } } | DMA of PASID 7 at 0x400000 must be done, and faults, no-entry (0x51) at 0x400000
          { "dma": { "address": "0x400000", "write": 0, "expect": "waits" } } | DMA of the function itself at 0x400000 must wait for a page, and faults, no-entry (0x51) at 0x400000
          { "bind": { "pasid": 7, "table": "pass-through" } }; { "dma": { "pasid": 7, "address": "0x2000", "read": 9 } } | PASID 7 must read 0x9, and reads 0x0
          { "dmaEnd": { } } | there must be DMA that can end
          { "bind": { "pasid": 7, "table": "a" } }; { "dma": { "pasid": 7, "address": "0x400000", "read": 0, "pageRequests": true, "expect": "waits" } }; { "pageRequest": { "pasid": 7, "address": "0x400000", "answer": "invalid-request" } }; { "dmaEnd": { } } | DMA of PASID 7 at 0x400000 must be done, and is refused with code 1 at 0x400000
          { "pageRequest": { "pasid": 7, "address": "0x400000" } } | PASID 7 must have asked for the page 0x400000, and nobody has asked for any
          { "bind": { "pasid": 7, "table": "a" } }; { "dma": { "pasid": 7, "address": "0x400000", "read": 0, "pageRequests": true, "expect": "waits" } }; { "pageRequest": { "pasid": 7, "address": "0x400000", "to": "write" } } | PASID 7 must have asked for the page 0x400000 to write, and the request is to read the page 0x400000 by PASID 7
          { "fault": { "pasid": 7, "reason": "no-entry" } } | the IOMMU must have recorded a fault of PASID 7, no-entry, and has recorded none
          { "dma": { "pasid": 7, "address": "0x400000", "read": 0, "expect": "fault" } }; { "fault": { "pasid": 7, "reason": "no-write" } } | the IOMMU must have recorded a fault of PASID 7, no-write, and has recorded no-entry (0x51) at 0x400000 for PASID 7
          { "dma": { "pasid": 7, "address": "0x400000", "read": 0, "expect": "fault" } }; { "fault": { "pasid": 8, "reason": "no-entry" } } | the IOMMU must have recorded a fault of PASID 8, no-entry, and has recorded no-entry (0x51) at 0x400000 for PASID 7
          { "dma": { "pasid": 7, "address": "0x400000", "read": 0, "expect": "fault" } }; { "fault": { "pasid": 7, "reason": "no-entry", "address": "0x1000" } } | no-entry at 0x1000, and has recorded no-entry (0x51) at 0x400000 for PASID 7
          { "dma": { "pasid": 7, "address": "0x400000", "read": 0, "expect": "fault" } }; { "check": { } } | the IOMMU has recorded what no step expects: no-entry (0x51) at 0x400000 for PASID 7
          { "dma": { "pasid": 7, "address": "0x400000", "read": 0, "expect": "fault" } } | the IOMMU has recorded what no step expects: no-entry (0x51) at 0x400000 for PASID 7
          { "bind": { "pasid": 7, "table": "a" } }; { "check": { "attached": { "7": "b" } } } | there must be attached {7=b}, and there are {7=a}
          """)
  void wrongExpectationsFail(String steps, String message) {
    String lines = steps.strip().replace("; {", ",\n{");

    Verdict.Failed failed = failure(scenario("nested", lines).run(1));

    assertThat(failed.message()).contains(message);
    assertThat(failed.place()).endsWith(":" + (5 + lines.lines().count()) + ":1");
  }

  @Test
  void queueOfAGuestThatNeverWaitsIsFull() {
    Scenario scenario =
        scenario(
            "nested",
            """
            { "repeat": { "times": 60, "steps": [
              { "bind": { "pasid": 7, "table": "a", "tell": "queue" } } ] } }
            """);

    assertThat(failure(scenario.run(1)).message())
        .isEqualTo(
            "the invalidation queue is full with 126 descriptors; let the guest wait before");
  }

  @Test
  void pageRequestsAreForNestedTablesOnly() {
    Scenario scenario =
        scenario("shadow", "{ \"pageRequest\": { \"pasid\": 7, \"address\": \"0x400000\" } }");

    assertThat(failure(scenario.run(1)).message())
        .isEqualTo(
            "the IOMMU must take page requests, and does not offer to: only a nested one does");
  }

  @Test
  void functionWithoutAnEngineDoesNoDma() {
    Path file =
        ScenarioFile.write(
            folder,
            """
            { "format": 1, "title": "t", "function": "%s", "vmm": { "iommu": "shadow" },
              "steps": [ { "dma": { "address": "0x0", "read": 0 } } ] }
            """
                .formatted(ScenarioFile.ACCELERATOR));

    assertThat(failure(Scenario.read(file).getFirst().run(1)).message())
        .isEqualTo("the function must have a DMA engine; describe one with \"dmaEngine\"");
  }

  /// The first of the further steps is in line 6.
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      textBlock =
          """
          { "iommuEnabel": { } }                             | 6:3: unknown key "iommuEnabel"; did you mean "iommuEnable"?
          { "iommuDisable": { "tell": "wait" } }             | 6:21: unknown key "tell"
          { "map": { "table": "a", "address": "0x400800" } } | 6:37: "address" must be a multiple of 0x1000, not 0x400800
          { "map": { "table": "a" } }                        | 6:1: "map" has no "address"; add it
          { "map": { "table": "a", "address": "0x0", "pages": 1025 } } | 6:53: "pages" must be a whole number from 1 to 1024
          { "unmap": { "table": "pass-through", "address": "0x0" } } | 6:23: "table" pass-through maps everything; name a page table
          { "touch": { "table": "a", "address": "0x1004", "read": 1 } } | 6:39: "address" must be a multiple of 0x8, not 0x1004
          { "touch": { "table": "a", "address": "0x1000" } } | 6:1: "touch" neither reads nor writes; add "read" or "write"
          { "bind": { "pasid": 1048576, "table": "a" } }     | 6:22: "pasid" must be a whole number from 0 to 1048575
          { "bind": { "pasid": 1, "tabel": "a" } }           | 6:25: unknown key "tabel"; did you mean "table"?
          { "bind": { "table": "a", "tell": "queu" } }       | 6:35: "tell" must be one of wait, queue, nothing, not "queu"; did you mean "queue"?
          { "bind": { "table": "a", "tell": "queue", "expect": "refused" } } | 6:1: the host refuses what it is told; leave "tell" out, or "expect"
          { "unbind": { "table": "a" } }                     | 6:15: unknown key "table"
          { "invalidate": { "pasid": "${p}" } }              | 6:28: nothing here is called "p"
          { "dma": { "address": "0x0", "read": 0, "write": 0 } } | 6:1: "dma" both reads and writes; leave "read" or "write" out
          { "dma": { "address": "0x0", "read": 0, "expect": "faults" } } | 6:51: "expect" must be one of done, fault, refused, no-memory, waits, not "faults"; did you mean "fault"?
          { "dmaEnd": { "pasid": 1 } }                       | 6:15: unknown key "pasid"
          { "pageRequest": { "pasid": 1 } }                  | 6:1: "pageRequest" has no "address"; add it
          { "pageRequest": { "address": "0x0", "answer": "sucess" } } | 6:48: "answer" must be one of success, invalid-request, response-failure, not "sucess"; did you mean "success"?
          { "fault": { "reason": "present" } }               | 6:24: "reason" must be one of no-context, no-entry, refused, not-present
          { "hostile": { "entries": 0 } }                    | 6:27: "entries" must be a whole number from 1 to 100000
          { "attach": { "pasid": 1, "space": "a" } }         | 6:1: "attach" is nothing that a guest with an IOMMU does; it has "bind"
          { "detach": { "pasid": 1 } }                       | 6:1: "detach" is nothing that a guest with an IOMMU does; it has "unbind"
          { "failEachCall": { "steps": [ { "enable": { } } ] } } | 6:1: "failEachCall" is nothing that a guest with an IOMMU does; it has "fail"
          """)
  void wrongStepsAreShownWithTheirPlace(String step, String message) {
    Path file = ScenarioFile.withIommuSteps(folder, "nested", step.strip());

    assertThatThrownBy(() -> Scenario.read(file))
        .isInstanceOf(JsonFileException.class)
        .hasMessageStartingWith(file + ":")
        .hasMessageContaining(message)
        .message()
        .hasLineCount(1);
  }

  @Test
  void guestWithoutAnIommuHasNoSuchSteps() {
    Path file = ScenarioFile.withSteps(folder, "{ \"bind\": { \"pasid\": 1, \"table\": \"a\" } }");

    assertThatThrownBy(() -> Scenario.read(file))
        .hasMessageContaining(
            ":4:1: \"bind\" needs \"vmm\": { \"iommu\": … }; there is \"nested\" and \"shadow\"");
  }

  @Test
  void hostThatCannotNestMakesNoSuchMachine() {
    Path file =
        ScenarioFile.write(
            folder,
            """
            { "format": 1, "title": "t", "function": "%s",
              "host": { "iommu": "arm" }, "vmm": { "iommu": "nested" },
              "steps": [ { "iommuEnable": { } } ] }
            """
                .formatted(ScenarioFile.ACCELERATOR));

    assertThat(failure(Scenario.read(file).getFirst().run(1)).message())
        .isEqualTo("the machine cannot be made: Page tables can be nested on VT-d only.");
  }

  @Test
  void machineWithoutAnIommuSkips() {
    Scenario scenario = scenario("nested", "{ \"bind\": { \"table\": \"a\" } }");

    ScenarioResult result =
        scenario.run(
            1,
            (setup, guest) ->
                new Wrapped(setup, guest) {
                  @Override
                  public Optional<IommuPort> iommu() {
                    return Optional.empty();
                  }
                });

    assertThat(result.verdict())
        .isEqualTo(new Verdict.Skipped("this machine has no virtual IOMMU"));
  }

  /// A host that leaves a PASID on its old page table when the guest has taken the entry away.
  @Test
  void hostThatForgetsToDetachIsFound() {
    Scenario scenario =
        scenario(
            "nested",
            """
            { "bind": { "pasid": 1, "table": "a" } },
            { "unbind": { "pasid": 1 } }
            """);

    ScenarioResult result =
        scenario.run(
            1,
            (setup, guest) ->
                new Wrapped(setup, guest) {
                  private final SortedMap<Integer, String> once = new TreeMap<>();

                  @Override
                  public SortedMap<Integer, String> attachedOnHost() {
                    once.putAll(super.attachedOnHost());
                    return once;
                  }
                });

    assertThat(failure(result).message())
        .isEqualTo("after unbind PASID 1 the host must have {} attached, and has {1=a}");
  }

  /// A copy of a page table in which a page is missing.
  @Test
  void copyThatIsNotKeptEqualIsFound() {
    Scenario scenario =
        scenario(
            "shadow",
            """
            { "bind": { "pasid": 1, "table": "a" } },
            { "map": { "table": "a", "address": "0x400000", "pages": 2, "tell": "nothing" } },
            { "map": { "table": "a", "address": "0x500000" } }
            """);

    ScenarioResult result =
        scenario.run(
            1,
            (setup, guest) ->
                new Wrapped(setup, guest) {
                  @Override
                  public OptionalLong mappedOnHost(Pasid pasid) {
                    OptionalLong all = super.mappedOnHost(pasid);
                    return all.orElse(0) == 0 ? all : OptionalLong.of(all.getAsLong() - 4096);
                  }
                });

    assertThat(failure(result).message())
        .isEqualTo("the host's copy of a for PASID 1 must map 12288 bytes, and maps 8192");
    assertThat(failure(result).place()).endsWith(":8:1");
    assertThat(scenario.run(1).verdict()).isEqualTo(new Verdict.Passed());
  }

  /// An IOMMU that is told nothing of what a hostile guest has made it attach.
  @Test
  void whatAHostileGuestLeavesAttachedIsFound() {
    Scenario scenario = scenario("nested", "{ \"hostile\": { \"entries\": 50 } }");

    ScenarioResult result =
        scenario.run(
            1,
            (setup, guest) ->
                new Wrapped(setup, guest) {
                  private int asked;

                  @Override
                  public SortedMap<Integer, String> attachedOnHost() {
                    return asked++ == 0
                        ? super.attachedOnHost()
                        : new TreeMap<>(Map.of(9, "something"));
                  }
                });

    assertThat(failure(result).message())
        .isEqualTo("after a hostile guest the host must have {} attached, and has {9=something}");
  }

  @Test
  void whatAHostileGuestLeavesInTheKernelIsFound() {
    Scenario scenario = scenario("nested", "{ \"hostile\": { \"entries\": 50 } }");

    ScenarioResult result =
        scenario.run(
            1,
            (setup, guest) ->
                new Wrapped(setup, guest) {
                  private int objects = 3;

                  @Override
                  public OptionalInt objectsOnHost() {
                    return OptionalInt.of(objects += 1);
                  }
                });

    assertThat(failure(result).message())
        .isEqualTo(
            "a hostile guest must leave nothing in the host's kernel, which had 4 objects, and has 5");
  }

  /// A unit whose queue stands still.
  @Test
  void unitThatDoesNotGetDoneIsFound() {
    Scenario scenario = scenario("nested", "{ \"hostile\": { \"entries\": 50, \"seconds\": 1 } }");

    ScenarioResult result =
        scenario.run(
            1,
            (setup, guest) ->
                new Wrapped(setup, guest) {
                  @Override
                  public Optional<IommuPort> iommu() {
                    return super.iommu().map(Stuck::new);
                  }
                });

    assertThat(failure(result).message())
        .startsWith("the IOMMU does not get done with what a hostile guest asks for");
  }

  /// A port of which the head of the invalidation queue reads as somewhere else.
  private record Stuck(IommuPort port) implements IommuPort {
    private static final int HEAD = 0x80;

    @Override
    public GuestMemory memory() {
      return port.memory();
    }

    @Override
    public long readRegister(int offset, int width) {
      return offset == HEAD ? 0x7ffe0 : port.readRegister(offset, width);
    }

    @Override
    public void writeRegister(int offset, int width, long value) {
      port.writeRegister(offset, width, value);
    }

    @Override
    public long readBar(int bar, int offset, int width) {
      return port.readBar(bar, offset, width);
    }

    @Override
    public void writeBar(int bar, int offset, int width, long value) {
      port.writeBar(bar, offset, width, value);
    }
  }
}
