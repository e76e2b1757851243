package io.vpasid.guest.scenario;

import static io.vpasid.guest.scenario.Unexpected.require;

import io.vpasid.guest.emulator.vtd.DriverException;
import io.vpasid.guest.scenario.Machine.Event;
import io.vpasid.pci.dump.HostFunction;
import io.vpasid.pci.vfio.VfioView;
import io.vpasid.synth.Layout;
import io.vpasid.synth.SynthesisRequest;
import io.vpasid.synth.Synthesizer;
import io.vpasid.synth.json.JsonCursor.Place;
import io.vpasid.vmm.iommufd.IommufdException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.Random;

/// One guest's way through the steps of a scenario.
final class ScenarioRun {
  /// How long an event may take to come, on machines where it does not come at once.
  private static final Duration PATIENCE = Duration.ofSeconds(10);

  private static final Duration BETWEEN_LOOKS = Duration.ofMillis(5);

  /// Steps that are told of a run that failed.
  private static final int TRACED = 24;

  /// A step that was begun.
  private record Done(Step step, Bindings bindings) {}

  private final Scenario scenario;
  private final Machine machine;
  private final Random random;
  private final List<Event> events = new ArrayList<>();

  /// The last steps, the one that is under way included, and what the names in them meant.
  private final Deque<Done> trace = new ArrayDeque<>(TRACED);

  /// The steps of a guest with a virtual IOMMU.
  private final Optional<IommuSteps> iommu;

  private final ConfigSteps config;
  private final PasidSteps pasids;
  private Bindings bindings;
  private long done;

  /// @throws ImpossibleException if the scenario needs what the machine has not
  ScenarioRun(Scenario scenario, Machine machine, long seed) {
    this.scenario = scenario;
    this.machine = machine;
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
    config = new ConfigSteps(machine, random);
    pasids = new PasidSteps(machine, iommu);
  }

  /// Performs all steps; a scenario that does not unplug its function ends with that.
  ///
  /// @throws Unexpected if a step came to something else than it must
  void all() {
    all(scenario.steps());
    if (!pasids.isUnplugged()) {
      Place last = scenario.steps().getLast().place();
      iommu.ifPresent(its -> its.requireNoFaults(last));
      pasids.unplug(last);
    }
  }

  /// The number of steps that were begun.
  long done() {
    return done;
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
  List<String> traced() {
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

  private void perform(Step step) {
    if (pasids.isUnplugged() && !(step instanceof Step.Check)) {
      throw new Unexpected(step.place(), "the function was unplugged in an earlier step");
    }
    switch (step) {
      case Step.Enumerate s -> config.enumerate(s);
      case Step.Enable s -> config.enable(s, bindings);
      case Step.Disable _ -> config.disable();
      case Step.Read s -> config.read(s);
      case Step.Write s -> config.write(s, bindings);
      case Step.Scribble s -> config.scribble(s);
      case Step.Attach s -> pasids.attach(s, bindings);
      case Step.Detach s -> pasids.detach(s, bindings);
      case Step.Check s -> pasids.check(s, bindings);
      case Step.Unplug s -> pasids.unplug(s.place());
      case Step.FailEachCall s -> pasids.failEachCall(s, () -> all(s.steps()));
      case Step.Fail s -> machine.fail(s.request(), s.errno(), s.every());
      case Step.Reset s -> {
        if (s.byGuest()) {
          config.reset(s.place());
        } else {
          pasids.reset(s);
        }
      }
      case Step.Await s -> await(s);
      case Step.Repeat s -> repeat(s);
      case Step.Migrate s -> migrate(s);
      case Step.OfIommu s -> {
        iommu.orElseThrow().perform(s, bindings, random);
        if (s instanceof Step.Hostile) {
          events.clear();
        }
      }
    }
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
}
