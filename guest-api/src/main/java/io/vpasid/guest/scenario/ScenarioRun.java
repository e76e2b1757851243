package io.vpasid.guest.scenario;

import io.vpasid.guest.emulator.EmulatedGuest;
import io.vpasid.guest.emulator.EnableOutcome;
import io.vpasid.guest.emulator.Enumeration;
import io.vpasid.guest.emulator.vtd.DriverException;
import io.vpasid.guest.scenario.Machine.Answer;
import io.vpasid.guest.scenario.Machine.Event;
import io.vpasid.guest.scenario.Machine.Observed;
import io.vpasid.guest.scenario.ScenarioResult.Verdict;
import io.vpasid.pci.dump.HostFunction;
import io.vpasid.pci.vfio.VfioView;
import io.vpasid.synth.Layout;
import io.vpasid.synth.SynthesisRequest;
import io.vpasid.synth.Synthesizer;
import io.vpasid.synth.json.JsonCursor.Place;
import io.vpasid.synth.json.JsonFileException;
import io.vpasid.vmm.iommufd.IommufdException;
import io.vpasid.vmm.iommufd.Pasid;
import io.vpasid.vmm.linux.Errno;
import java.io.Serial;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Random;
import java.util.SortedMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/// One guest's way through the steps of a scenario.
final class ScenarioRun {
  private static final int PASID_CAPABILITY = 0x1b;
  private static final int PCI_EXPRESS = 0x10;
  private static final int DEVICE_CONTROL = 0x08;
  private static final int INITIATE_FLR = 0x8000;

  /// How long an event may take to come, on machines where it does not come at once.
  private static final Duration PATIENCE = Duration.ofSeconds(10);

  private static final Duration BETWEEN_LOOKS = Duration.ofMillis(5);

  /// More requests than any list of steps makes; a bound for [Step.FailEachCall].
  private static final int MAX_CALLS = 10_000;

  /// Steps that are told of a run that failed.
  private static final int TRACED = 24;

  /// A step that was begun.
  private record Done(Step step, Bindings bindings) {}

  private final Scenario scenario;
  private final Machine machine;
  private final EmulatedGuest guest;
  private final Random random;
  private final List<Event> events = new ArrayList<>();

  /// The last steps, the one that is under way included, and what the names in them meant.
  private final Deque<Done> trace = new ArrayDeque<>(TRACED);

  /// What a guest with a virtual IOMMU does with it.
  private final Optional<IommuSteps> iommu;

  private Bindings bindings;
  private boolean unplugged;
  private long done;

  /// What requests are planned to fail with; a step that fails so is as good as one that does not.
  private Optional<Errno> injected = Optional.empty();

  private ScenarioRun(Scenario scenario, Machine machine, long seed) {
    this.scenario = scenario;
    this.machine = machine;
    guest = new EmulatedGuest(machine);
    random = new Random(seed);
    bindings = scenario.bindings();
    iommu =
        scenario.setup().virtualIommu().isEmpty()
            ? Optional.empty()
            : Optional.of(
                new IommuSteps(
                    machine,
                    machine
                        .iommu()
                        .orElseThrow(
                            () -> new ImpossibleException("this machine has no virtual IOMMU")),
                    scenario.setup()));
  }

  static ScenarioResult run(Scenario scenario, long seed, Scenario.Machines machines) {
    long start = System.nanoTime();
    Tally tally =
        scenario.guests() == 1
            ? one(scenario, seed, machines, 0)
            : several(scenario, seed, machines);
    return new ScenarioResult(
        scenario, seed, tally.steps, Duration.ofNanos(System.nanoTime() - start), tally.verdict);
  }

  /// What a guest came to.
  private record Tally(long steps, Verdict verdict) {}

  private static Tally several(Scenario scenario, long seed, Scenario.Machines machines) {
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<Tally>> guests = new ArrayList<>();
      for (int i = 0; i < scenario.guests(); i++) {
        int index = i;
        guests.add(threads.submit(() -> one(scenario, seed + index, machines, index)));
      }
      long steps = 0;
      Verdict verdict = new Verdict.Passed();
      for (Future<Tally> future : guests) {
        Tally tally = future.get();
        steps += tally.steps;
        if (verdict instanceof Verdict.Passed) {
          verdict = tally.verdict;
        }
      }
      return new Tally(steps, verdict);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("Interrupted while guests were running.", e);
    } catch (ExecutionException e) {
      if (e.getCause() instanceof UncheckedIOException gone) {
        throw gone;
      }
      throw new IllegalStateException("A guest failed unexpectedly.", e.getCause());
    }
  }

  private static Tally one(Scenario scenario, long seed, Scenario.Machines machines, int index) {
    Place first = scenario.steps().getFirst().place();
    Machine opened;
    try {
      opened = machines.open(scenario.setup(), index);
    } catch (ImpossibleException e) {
      return new Tally(0, new Verdict.Skipped(String.valueOf(e.getMessage())));
    } catch (IommufdException | MachineException e) {
      return new Tally(
          0,
          new Verdict.Failed(
              placeOf(scenario, first),
              "the machine cannot be made: " + e.getMessage(),
              List.of()));
    }
    try (Machine machine = opened) {
      ScenarioRun run = new ScenarioRun(scenario, machine, seed);
      try {
        run.all(scenario.steps());
        run.end();
        return new Tally(run.done, new Verdict.Passed());
      } catch (Unexpected e) {
        String who = scenario.guests() == 1 ? "" : "guest " + index + ": ";
        return new Tally(
            run.done,
            new Verdict.Failed(placeOf(scenario, e.place), who + e.problem, run.traced()));
      }
    } catch (ImpossibleException e) {
      return new Tally(0, new Verdict.Skipped(String.valueOf(e.getMessage())));
    } catch (DriverException | MachineException e) {
      return new Tally(
          0,
          new Verdict.Failed(placeOf(scenario, first), String.valueOf(e.getMessage()), List.of()));
    }
  }

  private static String placeOf(Scenario scenario, Place place) {
    return JsonFileException.nameOf(scenario.file()) + ':' + place.line() + ':' + place.column();
  }

  /// A step that came to something else than it must.
  static final class Unexpected extends RuntimeException {
    @Serial private static final long serialVersionUID = 1;

    private final transient Place place;
    private final String problem;

    Unexpected(Place place, String problem) {
      super(problem, null, false, false);
      this.place = place;
      this.problem = problem;
    }
  }

  private void all(List<Step> steps) {
    for (Step step : steps) {
      done++;
      if (trace.size() == TRACED) {
        trace.removeFirst();
      }
      trace.addLast(new Done(step, bindings));
      try {
        perform(step);
      } catch (IommufdException | MachineException e) {
        throw new Unexpected(step.place(), "the machine breaks: " + e.getMessage());
      } catch (DriverException e) {
        throw new Unexpected(step.place(), String.valueOf(e.getMessage()));
      }
    }
  }

  /// The last steps in words.
  private List<String> traced() {
    List<String> lines = new ArrayList<>();
    if (done > trace.size()) {
      lines.add("… after %d other steps".formatted(done - trace.size()));
    }
    for (Done last : trace) {
      Place place = last.step.place();
      lines.add(
          "%d:%d  %s"
              .formatted(place.line(), place.column(), StepText.of(last.step, last.bindings)));
    }
    return lines;
  }

  /// A scenario that does not unplug its function ends with that.
  private void end() {
    if (!unplugged) {
      iommu.ifPresent(its -> its.requireNoFaults(scenario.steps().getLast().place()));
      unplug(scenario.steps().getLast().place());
    }
  }

  private void perform(Step step) {
    if (unplugged && !(step instanceof Step.Check)) {
      throw new Unexpected(step.place(), "the function was unplugged in an earlier step");
    }
    switch (step) {
      case Step.Enumerate s -> enumerate(s);
      case Step.Enable s -> enable(s);
      case Step.Disable _ -> guest.disablePasid();
      case Step.Read s -> read(s);
      case Step.Write s ->
          machine.write(
              offsetOf(s.register(), s.place()), s.register().width(), s.value().in(bindings));
      case Step.Attach s -> attach(s);
      case Step.Detach s -> detach(s);
      case Step.Reset s -> reset(s);
      case Step.Unplug s -> unplug(s.place());
      case Step.Fail s -> machine.fail(s.request(), s.errno(), s.every());
      case Step.Await s -> await(s);
      case Step.Check s -> check(s);
      case Step.Repeat s -> repeat(s);
      case Step.Scribble s -> scribble(s);
      case Step.FailEachCall s -> failEachCall(s);
      case Step.Migrate s -> migrate(s);
      case Step.OfIommu s -> {
        iommu().perform(s, bindings, random);
        if (s instanceof Step.Hostile) {
          events.clear();
        }
      }
    }
  }

  private IommuSteps iommu() {
    return iommu.orElseThrow();
  }

  private void enumerate(Step.Enumerate step) {
    Enumeration seen = guest.enumerate();
    int pasid = seen.extendedCapability(PASID_CAPABILITY).orElse(0);
    require(
        step.place(),
        step.pasid().isEmpty() || step.pasid().get() == pasid,
        "the guest must find %s, and finds %s"
            .formatted(step.pasid().map(ScenarioRun::pasidAt).orElse(""), pasidAt(pasid)));
    require(
        step.place(),
        step.size().isEmpty() || step.size().get() == seen.configSize(),
        "the guest must find %s bytes of configuration space, and finds %s"
            .formatted(step.size().orElse(0), seen.configSize()));
    List<Integer> offsets = seen.extendedCapabilities().stream().map(f -> f.offset()).toList();
    require(
        step.place(),
        step.offsets().isEmpty() || step.offsets().get().equals(offsets),
        "the guest must find extended capabilities at %s, and finds them at %s"
            .formatted(hex(step.offsets().orElse(List.of())), hex(offsets)));
  }

  private static String pasidAt(int offset) {
    return offset == 0
        ? "no PASID capability"
        : String.format(Locale.ROOT, "a PASID capability at 0x%03x", offset);
  }

  private static List<String> hex(List<Integer> offsets) {
    return offsets.stream().map(o -> String.format(Locale.ROOT, "0x%03x", o)).toList();
  }

  private void enable(Step.Enable step) {
    switch (guest.enablePasid()) {
      case EnableOutcome.NotEnabled refused ->
          require(
              step.place(),
              !step.succeeds(),
              "the guest must be able to enable PASIDs, and cannot: " + refused.why());
      case EnableOutcome.Enabled enabled -> {
        require(
            step.place(), step.succeeds(), "the guest must not be able to enable PASIDs, and can");
        step.width()
            .ifPresent(width ->
                require(
                    step.place(),
                    width.in(bindings) == enabled.width(),
                    "PASIDs must have %s bits, and have %s"
                        .formatted(width.in(bindings), enabled.width())));
        step.exec().ifPresent(must -> permission(step, "Execute", must, enabled.exec()));
        step.priv().ifPresent(must -> permission(step, "Privileged Mode", must, enabled.priv()));
      }
    }
  }

  private static void permission(Step.Enable step, String what, boolean must, boolean is) {
    require(
        step.place(),
        must == is,
        what + " must be " + (must ? "enabled" : "off") + ", and is " + (is ? "enabled" : "off"));
  }

  private int offsetOf(Register register, Place place) {
    return register
        .offsetIn(guest.enumerate())
        .orElseThrow(() ->
            new Unexpected(
                place, "the function has no " + register.name() + ": its capability is missing"));
  }

  private void read(Step.Read step) {
    Register register = step.register();
    int value = machine.read(offsetOf(register, step.place()), register.width());
    String form = "0x%0" + 2 * register.width() + "x";
    require(
        step.place(),
        ((value ^ step.value()) & step.mask()) == 0,
        String.format(
            Locale.ROOT,
            "%s must be " + form + " in the bits " + form + ", and is " + form,
            register.name(),
            step.value(),
            step.mask(),
            value));
  }

  private void attach(Step.Attach step) {
    Pasid pasid = new Pasid(step.pasid().in(bindings));
    Observed observed = machine.attachObserved(pasid, step.space());
    Answer answer = observed.answer();
    String what = "attach PASID " + pasid + " to " + step.space();
    if (!expected(step.place(), what, step.expected(), answer)) {
      requireUnchanged(step.place(), what, observed);
      return;
    }
    step.replaces()
        .ifPresent(previous ->
            require(
                step.place(),
                previous.equals(answer.previous()),
                "%s must replace %s, and replaces %s"
                    .formatted(what, space(previous), space(answer.previous()))));
    SortedMap<Integer, String> real = observed.onHost();
    require(
        step.place(),
        step.space().equals(real.get(pasid.value())),
        what + " must reach the host, whose kernel has " + real);
  }

  private void detach(Step.Detach step) {
    Pasid pasid = new Pasid(step.pasid().in(bindings));
    Observed observed = machine.detachObserved(pasid);
    Answer answer = observed.answer();
    String what = "detach PASID " + pasid;
    if (!expected(step.place(), what, step.expected(), answer)) {
      requireUnchanged(step.place(), what, observed);
      return;
    }
    step.from()
        .ifPresent(previous ->
            require(
                step.place(),
                previous.equals(answer.previous()),
                "%s must take it from %s, and takes it from %s"
                    .formatted(what, space(previous), space(answer.previous()))));
    SortedMap<Integer, String> real = observed.onHost();
    require(
        step.place(),
        !real.containsKey(pasid.value()),
        what + " must reach the host, whose kernel has " + real);
  }

  private static String space(String name) {
    return name.isEmpty() ? "nothing" : name;
  }

  /// Whether the request was done; throws if it should not have been, or the other way round.
  private boolean expected(Place place, String what, Errno expected, Answer answer) {
    boolean failedAsPlanned = injected.isPresent() && injected.get().equals(answer.errno());
    require(
        place,
        answer.errno().equals(expected) || failedAsPlanned,
        "%s must be %s, and is %s%s"
            .formatted(
                what,
                verdict(expected),
                verdict(answer.errno()),
                answer.text().isEmpty() ? "" : ": " + answer.text()));
    return answer.isDone();
  }

  private static String verdict(Errno errno) {
    return errno.number() == 0 ? "ok" : errno.name();
  }

  /// A failed request changes nothing (invariant I7).
  private void requireUnchanged(Place place, String what, Observed observed) {
    SortedMap<Integer, String> before = observed.before();
    SortedMap<Integer, String> told = machine.attached();
    require(
        place,
        before.equals(told),
        what + " failed and must change nothing: before " + before + ", now " + told);
    SortedMap<Integer, String> real = observed.onHost();
    require(
        place,
        before.equals(real),
        what + " failed and must change nothing: before " + before + ", now on the host " + real);
  }

  private void reset(Step.Reset step) {
    if (step.byGuest()) {
      int express =
          guest
              .enumerate()
              .capability(PCI_EXPRESS)
              .orElseThrow(
                  () -> new Unexpected(step.place(), "the function has no PCI Express capability"));
      int control = machine.read(express + DEVICE_CONTROL, 2);
      machine.write(express + DEVICE_CONTROL, 2, control | INITIATE_FLR);
    } else {
      expected(step.place(), "the reset", step.expected(), machine.reset());
    }
  }

  private void unplug(Place place) {
    machine.unplug();
    unplugged = true;
    SortedMap<Integer, String> left = machine.attachedOnHost();
    require(place, left.isEmpty(), "unplugging must leave nothing attached, and leaves " + left);
  }

  private void await(Step.Await step) {
    long end = System.nanoTime() + PATIENCE.toNanos();
    while (true) {
      events.addAll(machine.takeEvents());
      for (int i = 0; i < events.size(); i++) {
        Event event = events.get(i);
        if (event.kind() == step.event()
            && (step.pasid().isEmpty() || step.pasid().get().in(bindings) == event.pasid())) {
          events.subList(0, i + 1).clear();
          return;
        }
      }
      if (System.nanoTime() > end) {
        throw new Unexpected(
            step.place(),
            "the event must come within %s s, and does not; there %s"
                .formatted(PATIENCE.toSeconds(), events.isEmpty() ? "was none" : "were " + events));
      }
      pause();
    }
  }

  private static void pause() {
    try {
      Thread.sleep(BETWEEN_LOOKS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("Interrupted while waiting for an event.", e);
    }
  }

  private void check(Step.Check step) {
    SortedMap<Integer, String> told = unplugged ? Collections.emptySortedMap() : told();
    SortedMap<Integer, String> real =
        iommu.map(IommuSteps::onHost).orElseGet(machine::attachedOnHost);
    if (!unplugged) {
      iommu.ifPresent(its -> its.requireNoFaults(step.place()));
    }
    require(
        step.place(),
        told.equals(real),
        "the guest was told that " + told + " are attached, and the host has " + real);
    step.attached()
        .ifPresent(must ->
            require(
                step.place(),
                must.equals(real),
                "there must be attached " + must + ", and there are " + real));
    step.count()
        .ifPresent(count ->
            require(
                step.place(),
                count.in(bindings) == real.size(),
                "there must be %s PASIDs attached, and there are %s"
                    .formatted(count.in(bindings), real.size())));
  }

  private SortedMap<Integer, String> told() {
    return iommu.map(IommuSteps::told).orElseGet(machine::attached);
  }

  private void repeat(Step.Repeat step) {
    Bindings outer = bindings;
    for (int i = 0; i < step.times(); i++) {
      for (Step.RandomNumber number : step.random()) {
        long drawn = random.nextLong(number.min(), (long) number.max() + 1);
        bindings = bindings.with(number.name(), Long.toString(drawn));
      }
      all(step.steps());
      bindings = outer;
    }
  }

  private void scribble(Step.Scribble step) {
    SortedMap<Integer, String> before = machine.attachedOnHost();
    Enumeration seen = guest.enumerate();
    for (int i = 0; i < step.writes(); i++) {
      int width = 1 << random.nextInt(3);
      int offset = random.nextInt(step.from(), step.to() + 1);
      machine.write(offset, width, random.nextInt());
    }
    require(
        step.place(),
        before.equals(machine.attachedOnHost()),
        "writes must attach and detach nothing: before %s, now %s"
            .formatted(before, machine.attachedOnHost()));
    require(
        step.place(),
        seen.extendedCapabilities().equals(guest.enumerate().extendedCapabilities()),
        "writes must not change the list of extended capabilities");
  }

  private void failEachCall(Step.FailEachCall step) {
    SortedMap<Integer, String> start = machine.attachedOnHost();
    injected = Optional.of(step.errno());
    int number = 0;
    boolean failed = true;
    while (failed) {
      if (++number > MAX_CALLS) {
        throw new Unexpected(step.place(), "the steps make more than " + MAX_CALLS + " requests");
      }
      machine.failNth(number, step.errno());
      all(step.steps());
      failed = machine.failNth(0, step.errno());
      for (int pasid : machine.attached().keySet()) {
        if (!start.containsKey(pasid)) {
          machine.detach(new Pasid(pasid));
        }
      }
      require(
          step.place(),
          start.equals(machine.attachedOnHost()),
          "afterwards the host must have %s as before, and has %s"
              .formatted(start, machine.attachedOnHost()));
    }
    injected = Optional.empty();
  }

  private void migrate(Step.Migrate step) {
    List<Layout.Difference> differences =
        layoutOf(step.to()).differencesFrom(layoutOf(scenario.setup()));
    if (step.fits()) {
      require(
          step.place(),
          differences.isEmpty(),
          "the target must show the guest the same, and differs in " + differences);
    } else {
      require(
          step.place(),
          !differences.isEmpty(),
          "the target must differ, and shows the guest the same");
    }
  }

  private static Layout layoutOf(Setup setup) {
    HostFunction captured = setup.function().captured();
    SynthesisRequest request =
        new SynthesisRequest(
            VfioView.of(captured.config(), captured.id()),
            setup.options().kind(),
            setup.hardware(),
            setup.options().quirks(),
            setup.options().policy(),
            List.of());
    return Layout.of(request, Synthesizer.synthesize(request));
  }

  /// @throws Unexpected with the place and the problem, if something does not hold that must
  static void require(Place place, boolean holds, String problem) {
    if (!holds) {
      throw new Unexpected(place, problem);
    }
  }
}
