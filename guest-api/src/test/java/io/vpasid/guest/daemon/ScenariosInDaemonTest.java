package io.vpasid.guest.daemon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.vpasid.guest.cli.run.ScenarioBatch;
import io.vpasid.guest.config.DaemonConfig;
import io.vpasid.guest.config.LogStyle;
import io.vpasid.guest.control.ControlClient;
import io.vpasid.guest.emulator.IommuPort;
import io.vpasid.guest.scenario.DaemonMachines;
import io.vpasid.guest.scenario.Machine;
import io.vpasid.guest.scenario.Scenario;
import io.vpasid.guest.scenario.ScenarioFiles;
import io.vpasid.guest.scenario.ScenarioResult;
import io.vpasid.guest.scenario.ScenarioResult.Verdict;
import io.vpasid.guest.scenario.Setup;
import io.vpasid.guest.scenario.junit.ScenarioTest;
import io.vpasid.vmm.iommufd.Pasid;
import io.vpasid.vmm.iommufd.simulated.Request;
import io.vpasid.vmm.linux.Errno;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.SortedMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// A scenario comes to the same in this process and in a daemon: every answer that its guests and
/// its host get, in order, and every event.
class ScenariosInDaemonTest {
  private static final Duration PATIENCE = Duration.ofSeconds(20);
  private static final Path LIBRARY = Path.of("../scenarios").toAbsolutePath().normalize();

  @TempDir private Path folder;
  private DaemonLog log;
  private Daemon daemon;

  @BeforeEach
  void start() throws IOException {
    Path config =
        Files.writeString(
            folder.resolve("serve.json"),
            "{ \"format\": 1, \"control\": { \"socket\": \"control.sock\" } }");
    log = DaemonLog.to(OutputStream.nullOutputStream(), LogStyle.DEFAULT, false);
    daemon = Daemon.start(DaemonConfig.read(config), "0.1.0", log, new CountDownLatch(1));
  }

  @AfterEach
  void end() {
    daemon.close();
    log.close();
  }

  private Path control() {
    return folder.resolve("control.sock");
  }

  /// Nothing of a run is left: no function, no address space, no socket.
  private void assertDaemonIsAsBefore() throws IOException {
    try (ControlClient client = ControlClient.connect(control(), PATIENCE)) {
      assertThat(client.execute("query-functions", Map.of())).isEmpty();
      assertThat(client.execute("address-space-list", Map.of())).isEmpty();
    }
    try (Stream<Path> files = Files.list(folder)) {
      assertThat(files.filter(f -> f.toString().endsWith(".sock"))).containsExactly(control());
    }
  }

  @ScenarioTest("../scenarios")
  void everyAnswerOfTheLibraryIsTheSame(Scenario scenario) throws IOException {
    assertSameInBoth(scenario, 7).requirePassed();
  }

  private ScenarioResult assertSameInBoth(Scenario scenario, long seed) throws IOException {
    Map<Integer, List<String>> here = new ConcurrentSkipListMap<>();
    Map<Integer, List<String>> there = new ConcurrentSkipListMap<>();
    ScenarioResult inProcess = scenario.run(seed, traced(Scenario.simulated(), here));
    ScenarioResult inDaemon;
    try (DaemonMachines machines = DaemonMachines.connect(control())) {
      inDaemon = scenario.run(seed, traced(machines, there));
      assertDaemonIsAsBefore();
    }

    assertThat(told(there, scenario)).isEqualTo(told(here, scenario)).hasSize(scenario.guests());
    assertThat(inDaemon.steps()).isEqualTo(inProcess.steps());
    assertThat(verdict(inDaemon)).isEqualTo(verdict(inProcess));
    return inDaemon;
  }

  /// What guests were told. Which entries a hostile one has attached for a moment depends on when
  /// the unit reads them, so the events of that are left out.
  private static Map<Integer, List<String>> told(
      Map<Integer, List<String>> traces, Scenario scenario) {
    if (!scenario.name().startsWith("iommu-hostile")) {
      return traces;
    }
    Map<Integer, List<String>> told = new HashMap<>();
    traces.forEach((guest, trace) ->
        told.put(guest, trace.stream().filter(line -> !line.startsWith("events")).toList()));
    return told;
  }

  /// What a verdict says, without the words that a host finds for its reasons.
  private static String verdict(ScenarioResult result) {
    return switch (result.verdict()) {
      case Verdict.Passed _ -> "passed";
      case Verdict.Failed f -> f.place() + ": " + f.message().split(": ", 2)[0];
      case Verdict.Skipped s -> "skipped: " + s.reason();
    };
  }

  /// Each kind of host and function, with steps of which some fail.
  @Test
  void everyHostAndEveryDecisionComesToTheSame() throws IOException {
    Files.writeString(
        folder.resolve("quirk.json"),
        """
        { "format": 1, "quirks": [
          { "id": "test-place", "name": "Made up", "source": "this test",
            "match": { "vendor": "0xf00d" }, "place": "0x400" } ] }
        """);
    List<String> decisions =
        List.of(
            "",
            "\"vmm\": { \"quirks\": \"quirk.json\" },",
            "\"vmm\": { \"offset\": \"0x800\", \"quota\": 1 },",
            "\"vmm\": { \"available\": [\"0x800-0x80f\", \"0x900-0x9ff\"], \"shadowing\": true },",
            "\"vmm\": { \"beforeEnable\": \"allow\" },");
    int passed = 0;
    int failed = 0;
    for (String decision : decisions) {
      for (Scenario scenario : Scenario.read(manyHosts(decision))) {
        switch (assertSameInBoth(scenario, 3).verdict()) {
          case Verdict.Passed _ -> passed++;
          case Verdict.Failed _ -> failed++;
          case Verdict.Skipped s -> throw new AssertionError(s.reason());
        }
      }
    }
    assertThat(passed).isPositive();
    assertThat(failed).isPositive();
  }

  private Path manyHosts(String decision) throws IOException {
    return Files.writeString(
        folder.resolve("hosts.json"),
        """
        { "format": 1, "title": "t",
          "matrix": {
            "iommu": ["intel", "intel-legacy", "arm", "amd", "none"],
            "kernel": ["6.14", "7.3"],
            "kind": ["physical", "virtual"],
            "width": [0, 20] },
          "function": { "dump": "%s", "kind": "${kind}" },
          "host": { "iommu": "${iommu}", "kernel": "${kernel}", "width": "${width}", "priv": true,
                    "ats": false },
          %s
          "steps": [
            { "enumerate": { } },
            { "read": { "offset": "0xffe", "width": 4, "value": "0xffff0000", "mask": "0xffff0000" } },
            { "write": { "offset": "0xffe", "width": 4, "value": "0xffffffff" } },
            { "scribble": { "writes": 300 } },
            { "reset": { "by": "host" } },
            { "read": { "register": "command", "value": "0x0000" } },
            { "attach": { "pasid": 5, "space": "a space", "expect": "EPERM" } },
            { "enable": { "width": 20, "priv": true } },
            { "attach": { "pasid": 5, "space": "a space" } },
            { "fail": { "request": "detach-pasid", "errno": "EIO", "every": true } },
            { "detach": { "pasid": 5, "expect": "EIO" } },
            { "reset": { "by": "guest" } },
            { "enable": { } },
            { "attach": { "pasid": 6, "space": "another" } } ] }
        """
            .formatted(LIBRARY.resolve("functions/virtual-function.txt"), decision));
  }

  /// Behind an IOMMU too, a host that does not let go stops no run, and nothing is left of it.
  @ParameterizedTest
  @ValueSource(strings = {"detach-pasid", "detach", "destroy", "unmap"})
  void hostThatDoesNotLetGoComesToTheSame(String request) throws IOException {
    Path file =
        Files.writeString(
            folder.resolve("scenario.json"),
            """
            { "format": 1, "title": "t", "function": "%s", "vmm": { "iommu": "nested" },
              "steps": [
                { "iommuEnable": { } },
                { "bind": { "table": "a" } },
                { "bind": { "pasid": 7, "table": "a" } },
                { "fail": { "request": "%s", "errno": "EIO", "every": true } } ] }
            """
                .formatted(LIBRARY.resolve("functions/dma-engine.json"), request));

    assertSameInBoth(Scenario.read(file).getFirst(), 1).requirePassed();
  }

  @Test
  void describedFunctionAndOneOfSeveralInADumpComeToTheSame() throws IOException {
    Files.writeString(
        folder.resolve("described.json"),
        """
        { "format": 1, "address": "0000:6a:01.0", "vendor": "0xf00d", "device": "0x0007",
          "class": "0x088000", "ats": true, "pri": true, "pasid": { "width": 20, "priv": true } }
        """);
    DaemonFiles.dump(folder);
    for (String function :
        List.of(
            "\"described.json\"",
            "{ \"dump\": \"machine.txt\", \"address\": \"" + DaemonFiles.VIRTUAL + "\" }")) {
      Path file =
          Files.writeString(
              folder.resolve("scenario.json"),
              """
              { "format": 1, "title": "t", "function": %s,
                "steps": [ { "enable": { } }, { "attach": { "pasid": 1, "space": "a" } } ] }
              """
                  .formatted(function));
      assertSameInBoth(Scenario.read(file).getFirst(), 1).requirePassed();
    }
  }

  @Test
  void manyRunsAtTheSameTimeByTwoRunnersAllPass() throws Exception {
    List<Scenario> library = ScenarioFiles.read(List.of(LIBRARY), "").scenarios();
    try (ExecutorService threads = Executors.newFixedThreadPool(2)) {
      List<Future<List<ScenarioResult>>> runners =
          Stream.of(1, 2).map(seed -> threads.submit(() -> run(library, seed))).toList();
      for (Future<List<ScenarioResult>> runner : runners) {
        assertThat(runner.get())
            .hasSize(library.size())
            .allSatisfy(result -> result.requirePassed());
      }
    }
    assertDaemonIsAsBefore();
  }

  private List<ScenarioResult> run(List<Scenario> library, long seed) throws IOException {
    List<ScenarioResult> results = new ArrayList<>();
    try (DaemonMachines machines = DaemonMachines.connect(control())) {
      new ScenarioBatch(library, 1, seed).run(4, machines, results::add);
    }
    return results;
  }

  @Test
  void runnerThatGoesWithoutAWordLeavesNothing() throws IOException {
    Setup setup = Scenario.read(LIBRARY.resolve("sva.json")).getFirst().setup();
    DaemonMachines machines = DaemonMachines.connect(control());
    Machine machine = machines.open(setup, 0);
    assertThat(machine.attach(new Pasid(1), "a").errno()).isEqualTo(Errno.EPERM);
    try (ControlClient other = ControlClient.connect(control(), PATIENCE)) {
      assertThat(other.execute("query-functions", Map.of())).hasSize(1);
      assertThat(other.execute("address-space-list", Map.of())).hasSize(1);
    }

    machines.close();

    await().atMost(PATIENCE).untilAsserted(this::assertDaemonIsAsBefore);
  }

  @Test
  void daemonThatEndsEndsTheRunWithASentence() throws IOException {
    Scenario scenario = Scenario.read(LIBRARY.resolve("replace-storm.json")).getFirst();
    try (DaemonMachines machines = DaemonMachines.connect(control())) {
      Scenario.Machines ending =
          (setup, guest) -> {
            Machine machine = machines.open(setup, guest);
            daemon.close();
            return machine;
          };

      assertThatThrownBy(() -> new ScenarioBatch(List.of(scenario), 50, 1).run(2, ending, _ -> {}))
          .isInstanceOf(UncheckedIOException.class)
          .hasMessage("the daemon at " + control() + " is gone: it ended the connection");
    }
  }

  @Test
  void functionThatSomebodyDeletesFailsTheScenarioOnly() throws IOException {
    Scenario scenario = Scenario.read(LIBRARY.resolve("sva.json")).getFirst();
    try (DaemonMachines machines = DaemonMachines.connect(control());
        ControlClient other = ControlClient.connect(control(), PATIENCE)) {
      Scenario.Machines robbed =
          (setup, guest) -> {
            Machine machine = machines.open(setup, guest);
            robOf(other);
            return machine;
          };

      Verdict verdict = scenario.run(1, robbed).verdict();

      assertThat(verdict)
          .isInstanceOfSatisfying(
              Verdict.Failed.class,
              f ->
                  assertThat(f.message())
                      .startsWith("the machine breaks: its vfio-user socket does not answer: "));
      assertThat(scenario.run(1, machines).verdict()).isEqualTo(new Verdict.Passed());
    }
  }

  /// Deletes the only function.
  private static void robOf(ControlClient client) {
    try {
      String name = client.execute("query-functions", Map.of()).get(0).path("name").asString("");
      client.execute("function-del", Map.of("function", name));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Scenario.Machines traced(
      Scenario.Machines machines, Map<Integer, List<String>> traces) {
    return (setup, guest) -> {
      List<String> trace = new ArrayList<>();
      traces.put(guest, trace);
      return new Traced(machines.open(setup, guest), trace);
    };
  }

  /// A machine that writes down what it is asked and what it answers.
  private static final class Traced implements Machine {
    private final Machine machine;
    private final List<String> trace;
    private final List<Event> events = new ArrayList<>();
    private boolean unplugged;

    Traced(Machine machine, List<String> trace) {
      this.machine = machine;
      this.trace = trace;
    }

    private void note(String line) {
      trace.add(line);
    }

    @Override
    public int read(int offset, int width) {
      int value = machine.read(offset, width);
      note("read %03x %d: %x".formatted(offset, width, value));
      return value;
    }

    @Override
    public void write(int offset, int width, int value) {
      machine.write(offset, width, value);
      note("write %03x %d: %x".formatted(offset, width, value));
    }

    private Answer noted(String what, Answer answer) {
      note("%s: %s, before %s".formatted(what, answer.errno(), answer.previous()));
      return answer;
    }

    @Override
    public Answer attach(Pasid pasid, String space) {
      return noted("attach " + pasid + " to " + space, machine.attach(pasid, space));
    }

    @Override
    public Answer detach(Pasid pasid) {
      return noted("detach " + pasid, machine.detach(pasid));
    }

    private Observed noted(String what, Observed observed) {
      note("attached %s".formatted(observed.before()));
      var _ = noted(what, observed.answer());
      note("host has %s".formatted(observed.onHost()));
      return observed;
    }

    @Override
    public Observed attachObserved(Pasid pasid, String space) {
      return noted("attach " + pasid + " to " + space, machine.attachObserved(pasid, space));
    }

    @Override
    public Observed detachObserved(Pasid pasid) {
      return noted("detach " + pasid, machine.detachObserved(pasid));
    }

    @Override
    public Answer reset() {
      return noted("reset", machine.reset());
    }

    @Override
    public void unplug() {
      noteEvents();
      machine.unplug();
      unplugged = true;
      note("unplug");
    }

    /// All events that there have been: those of a daemon are on their way before the next answer.
    private void noteEvents() {
      var _ = machine.attached();
      takeEvents();
      note("events %s".formatted(events));
    }

    @Override
    public SortedMap<Integer, String> attached() {
      SortedMap<Integer, String> attached = machine.attached();
      note("attached %s".formatted(attached));
      return attached;
    }

    @Override
    public SortedMap<Integer, String> attachedOnHost() {
      SortedMap<Integer, String> attached = machine.attachedOnHost();
      note("host has %s".formatted(attached));
      return attached;
    }

    @Override
    public List<Event> takeEvents() {
      List<Event> taken = machine.takeEvents();
      events.addAll(taken);
      return taken;
    }

    @Override
    public Optional<IommuPort> iommu() {
      return machine.iommu();
    }

    @Override
    public OptionalInt objectsOnHost() {
      OptionalInt objects = machine.objectsOnHost();
      note("the kernel has " + objects);
      return objects;
    }

    @Override
    public OptionalLong mappedOnHost(Pasid pasid) {
      OptionalLong mapped = machine.mappedOnHost(pasid);
      note("mapped for PASID %s: %s".formatted(pasid, mapped));
      return mapped;
    }

    @Override
    public void fail(Request request, Errno errno, boolean every) {
      machine.fail(request, errno, every);
      note("fail %s %s %s".formatted(request, errno, every));
    }

    @Override
    public boolean failNth(int number, Errno errno) {
      boolean failed = machine.failNth(number, errno);
      note("fail %d %s: %s".formatted(number, errno, failed));
      return failed;
    }

    @Override
    public void close() {
      if (!unplugged) {
        noteEvents();
      }
      machine.close();
    }
  }
}
