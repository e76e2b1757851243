package io.vpasid.guest.scenario;

import static io.vpasid.guest.scenario.Unexpected.require;

import io.vpasid.guest.scenario.Machine.Answer;
import io.vpasid.guest.scenario.Machine.Observed;
import io.vpasid.synth.json.JsonCursor.Place;
import io.vpasid.vmm.iommufd.Pasid;
import io.vpasid.vmm.linux.Errno;
import java.util.Collections;
import java.util.Optional;
import java.util.SortedMap;

/// The steps that attach and detach PASIDs, and look whether machine and host agree on them.
final class PasidSteps {
  /// More requests than any list of steps makes; a bound for [Step.FailEachCall].
  private static final int MAX_CALLS = 10_000;

  private final Machine machine;

  /// The steps of a guest with a virtual IOMMU.
  private final Optional<IommuSteps> iommu;

  /// The errno that requests are planned to fail with; a step that fails so is as good as one that
  /// does not.
  private Optional<Errno> injected = Optional.empty();

  private boolean unplugged;

  PasidSteps(Machine machine, Optional<IommuSteps> iommu) {
    this.machine = machine;
    this.iommu = iommu;
  }

  /// True if the function is gone, so that only checks can follow.
  boolean isUnplugged() {
    return unplugged;
  }

  void attach(Step.Attach step, Bindings bindings) {
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

  void detach(Step.Detach step, Bindings bindings) {
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

  /// True if the request was done; throws if it should not have been, or the other way round.
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
        "%s failed and must change nothing: before %s, now %s".formatted(what, before, told));
    SortedMap<Integer, String> real = observed.onHost();
    require(
        place,
        before.equals(real),
        "%s failed and must change nothing: before %s, now on the host %s"
            .formatted(what, before, real));
  }

  /// A reset by the machine.
  void reset(Step.Reset step) {
    expected(step.place(), "the reset", step.expected(), machine.reset());
  }

  void unplug(Place place) {
    machine.unplug();
    unplugged = true;
    SortedMap<Integer, String> left = machine.attachedOnHost();
    require(place, left.isEmpty(), "unplugging must leave nothing attached, and leaves " + left);
  }

  void check(Step.Check step, Bindings bindings) {
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

  /// Performs the steps again and again: first with their first request failing, then with the
  /// second, until none is left to fail.
  void failEachCall(Step.FailEachCall step, Runnable steps) {
    SortedMap<Integer, String> start = machine.attachedOnHost();
    injected = Optional.of(step.errno());
    int number = 0;
    boolean failed = true;
    while (failed) {
      if (++number > MAX_CALLS) {
        throw new Unexpected(step.place(), "the steps make more than " + MAX_CALLS + " requests");
      }
      machine.failNth(number, step.errno());
      steps.run();
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
}
