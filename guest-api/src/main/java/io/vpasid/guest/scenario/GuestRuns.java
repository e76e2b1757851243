package io.vpasid.guest.scenario;

import io.vpasid.guest.emulator.vtd.DriverException;
import io.vpasid.guest.scenario.ScenarioResult.Verdict;
import io.vpasid.synth.json.JsonCursor.Place;
import io.vpasid.synth.json.JsonFileException;
import io.vpasid.vmm.iommufd.IommufdException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/// The guests of a scenario, each on a machine of its own and all at the same time.
final class GuestRuns {
  private GuestRuns() {}

  static ScenarioResult run(Scenario scenario, long seed, Scenario.Machines machines) {
    long start = System.nanoTime();
    Tally tally =
        scenario.guests() == 1
            ? one(scenario, seed, machines, 0)
            : several(scenario, seed, machines);
    return new ScenarioResult(
        scenario, seed, tally.steps, Duration.ofNanos(System.nanoTime() - start), tally.verdict);
  }

  /// The result of one guest.
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
        run.all();
        return new Tally(run.done(), new Verdict.Passed());
      } catch (Unexpected e) {
        String who = scenario.guests() == 1 ? "" : "guest " + index + ": ";
        return new Tally(
            run.done(),
            new Verdict.Failed(placeOf(scenario, e.place()), who + e.problem(), run.traced()));
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
}
