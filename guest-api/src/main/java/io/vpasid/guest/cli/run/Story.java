package io.vpasid.guest.cli.run;

import io.vpasid.guest.cli.run.Told.Actor;
import io.vpasid.guest.emulator.ConfigPort;
import io.vpasid.guest.emulator.EmulatedGuest;
import io.vpasid.guest.emulator.EnableOutcome;
import io.vpasid.guest.emulator.Enumeration;
import io.vpasid.guest.emulator.MailboxDriver;
import io.vpasid.guest.host.EmulatedBacking;
import io.vpasid.guest.report.Json;
import io.vpasid.pci.dump.HostFunction;
import io.vpasid.synth.Synthesis;
import io.vpasid.synth.SynthesisResult;
import io.vpasid.vmm.PassthroughFunction;
import io.vpasid.vmm.frontend.mailbox.RequestMailbox;
import io.vpasid.vmm.frontend.mailbox.RequestWorkers;
import io.vpasid.vmm.iommufd.HwptId;
import io.vpasid.vmm.iommufd.Pasid;
import io.vpasid.vmm.linux.Errno;
import io.vpasid.vmm.pasid.AddressSpaces;
import io.vpasid.vmm.pasid.AttachOutcome;
import io.vpasid.vmm.pasid.DetachOutcome;
import io.vpasid.vmm.pasid.Refused;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// The story of an emulated guest that finds and uses the vPASID of one function: step by step,
/// with what each step came to and whether that is as it should be.
final class Story {
  private static final int PASID = 0x1b;

  private final List<Told.Step> steps = new ArrayList<>();

  private Story() {}

  /// Lets it happen.
  ///
  /// @param mailbox whether the guest also asks through the mailbox
  static Told of(HostFunction captured, EmulatedBacking machine, boolean mailbox) {
    Story story = new Story();
    story.tell(machine, mailbox);
    return new Told(
        captured.address().toString(),
        captured.id().toString(),
        captured.description(),
        story.steps.stream().allMatch(Told.Step::expected),
        story.steps);
  }

  private void tell(EmulatedBacking machine, boolean mailbox) {
    PassthroughFunction function = machine.function();
    switch (function.synthesis()) {
      case SynthesisResult.Declined declined ->
          step(Actor.HOST, "synthesize vPASID", "none: " + declined.explanation(), false);
      case Synthesis s -> {
        step(
            Actor.HOST,
            "synthesize vPASID",
            "at " + Json.hex(s.offset()) + ", " + s.placement().strategy().title(),
            true);
        tellOfGuest(machine, s.capability().width());
        if (mailbox) {
          tellOfMailbox(machine);
        }
      }
    }
    function.close();
    boolean clean = machine.host().nothingAttached(function.address());
    machine.close();
    step(Actor.HOST, "close", clean ? "nothing left attached" : "something is left", clean);
  }

  private void tellOfGuest(EmulatedBacking machine, int width) {
    PassthroughFunction function = machine.function();
    EmulatedGuest guest = new EmulatedGuest(new FunctionPort(function));
    Enumeration seen = guest.enumerate();
    boolean found = seen.extendedCapability(PASID).isPresent();
    step(
        Actor.GUEST,
        "enumerate",
        "%s extended capabilities, PASID %s"
            .formatted(
                seen.extendedCapabilities().size(),
                seen.extendedCapability(PASID)
                    .map(at -> "found at " + Json.hex(at))
                    .orElse("missing")),
        found);
    switch (guest.enablePasid()) {
      case EnableOutcome.NotEnabled refused ->
          step(Actor.GUEST, "enable PASID", "not enabled: " + refused.why(), false);
      case EnableOutcome.Enabled enabled -> {
        step(
            Actor.GUEST,
            "enable PASID",
            "enabled, %s bits, Exec%s, Priv%s"
                .formatted(enabled.width(), enabled.exec() ? '+' : '-', enabled.priv() ? '+' : '-'),
            true);
        tellOfRequests(machine, width);
      }
    }
  }

  private void tellOfRequests(EmulatedBacking machine, int width) {
    PassthroughFunction function = machine.function();
    HwptId own = newPageTable(machine);
    function.device().attach(own);
    step(Actor.HOST, "attach the function itself to page table " + own.value(), "0", true);
    HwptId first = newPageTable(machine);
    HwptId second = newPageTable(machine);
    attach(machine, new Pasid(1), first);
    attach(machine, new Pasid(1), second);
    Pasid beyond = new Pasid(1 << width);
    AttachOutcome refused = function.attachPasid(beyond, first);
    step(
        Actor.GUEST,
        "attach PASID " + beyond + ", beyond the width",
        text(refused),
        refused instanceof Refused && machine.attachedInKernel() == 1);
    DetachOutcome detached = function.detachPasid(new Pasid(1));
    step(
        Actor.GUEST,
        "detach PASID 1",
        text(detached),
        detached instanceof DetachOutcome.Detached && machine.attachedInKernel() == 0);
    attach(machine, new Pasid(2), first);
  }

  /// A page table that PASIDs can be attached to, on an address space of its own.
  private static HwptId newPageTable(EmulatedBacking machine) {
    return machine.function().newPageTable(machine.iommufd().ioasAlloc());
  }

  private void tellOfMailbox(EmulatedBacking machine) {
    PassthroughFunction function = machine.function();
    AddressSpaces spaces = new AddressSpaces();
    int handle = spaces.add("shell").orElseThrow().handle();
    spaces.grant(handle, function.address(), newPageTable(machine));
    step(Actor.HOST, "grant an address space", "handle " + handle, true);
    try (RequestWorkers workers = RequestWorkers.open()) {
      Optional<RequestMailbox> served = RequestMailbox.serve(function, spaces, workers);
      step(
          Actor.HOST,
          "serve the request mailbox",
          served.map(mailbox -> "at " + Json.hex(mailbox.offset())).orElse("no place for it"),
          served.isPresent());
      Optional<MailboxDriver> found = MailboxDriver.find(new FunctionPort(function));
      step(
          Actor.GUEST,
          "look for the mailbox",
          found.map(driver -> "found at " + Json.hex(driver.offset())).orElse("missing"),
          found.isPresent() == served.isPresent());
      found.ifPresent(driver -> tellOfRequests(driver, handle));
    }
  }

  private void tellOfRequests(MailboxDriver driver, int handle) {
    answer("attach PASID 3 to handle " + handle, driver.attach(3, handle), 0);
    answer("query PASID 3", driver.query(3), 0);
    answer("attach PASID 3 to handle 99, which was not granted", driver.attach(3, 99), 2);
    answer("detach PASID 3", driver.detach(3), 0);
  }

  private void answer(String action, MailboxDriver.Answer answer, int expected) {
    String result = answer.result() == 0 ? "" : ", handle " + answer.result();
    step(
        Actor.GUEST,
        "ask the mailbox: " + action,
        (answer.errno() == 0 ? "0" : new Errno(answer.errno()).name()) + result,
        answer.errno() == expected);
  }

  /// Attaches a PASID, which is then the only one.
  private void attach(EmulatedBacking machine, Pasid pasid, HwptId pageTable) {
    AttachOutcome outcome = machine.function().attachPasid(pasid, pageTable);
    step(
        Actor.GUEST,
        "attach PASID " + pasid + " to page table " + pageTable.value(),
        text(outcome),
        !(outcome instanceof Refused) && machine.attachedInKernel() == 1);
  }

  private static String text(AttachOutcome outcome) {
    return switch (outcome) {
      case AttachOutcome.Attached _ -> "0";
      case AttachOutcome.Replaced r -> "0, replaces page table " + r.previous().value();
      case Refused r -> text(r);
    };
  }

  private static String text(DetachOutcome outcome) {
    return switch (outcome) {
      case DetachOutcome.Detached _ -> "0";
      case DetachOutcome.NotAttached _ -> "0, was not attached";
      case Refused r -> text(r);
    };
  }

  private static String text(Refused refused) {
    return "refused, " + refused.reason().errno().name() + ": " + refused.reason().text();
  }

  private void step(Actor actor, String action, String outcome, boolean expected) {
    steps.add(new Told.Step(actor, action, outcome, expected));
  }

  /// The guest's accesses, as a VMM routes them.
  private record FunctionPort(PassthroughFunction function) implements ConfigPort {
    @Override
    public int read(int offset, int width) {
      return function.readConfig(offset, width);
    }

    @Override
    public void write(int offset, int width, int value) {
      function.writeConfig(offset, width, value);
    }
  }
}
