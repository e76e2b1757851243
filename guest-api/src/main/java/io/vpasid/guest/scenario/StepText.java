package io.vpasid.guest.scenario;

import io.vpasid.guest.emulator.vtd.DmaEngineDriver.End;
import io.vpasid.guest.emulator.vtd.DmaEngineDriver.Outcome;
import io.vpasid.guest.emulator.vtd.VtdDriver;
import io.vpasid.vmm.linux.Errno;
import java.util.Locale;
import java.util.Optional;

/// Steps in a few words, for whoever looks for the reason of a failure.
final class StepText {
  private StepText() {}

  /// As in `attach PASID 3 to a, which must be ENOSPC`.
  ///
  /// @param bindings what the names in the step mean
  static String of(Step step, Bindings bindings) {
    return switch (step) {
      case Step.Enumerate _ -> "enumerate";
      case Step.Enable s -> s.succeeds() ? "enable" : "enable, which must fail";
      case Step.Disable _ -> "disable";
      case Step.Read s -> "read " + s.register().name();
      case Step.Write s -> "write %s to %s".formatted(hex(s, bindings), s.register().name());
      case Step.Attach s ->
          "attach PASID %d to %s%s"
              .formatted(s.pasid().in(bindings), s.space(), must(s.expected()));
      case Step.Detach s ->
          "detach PASID %d%s".formatted(s.pasid().in(bindings), must(s.expected()));
      case Step.Reset s ->
          "reset by the %s%s".formatted(s.byGuest() ? "guest" : "host", must(s.expected()));
      case Step.Unplug _ -> "unplug";
      case Step.Fail s ->
          "let %s %s fail with %s"
              .formatted(s.every() ? "every" : "the next", s.request().title(), s.errno().name());
      case Step.Await s -> "await %s%s".formatted(word(s.event()), of(s.pasid(), bindings));
      case Step.Check _ -> "check";
      case Step.Repeat s -> "repeat %d times".formatted(s.times());
      case Step.Scribble s -> "scribble %d times".formatted(s.writes());
      case Step.FailEachCall s -> "fail each call with " + s.errno().name();
      case Step.Migrate s -> s.fits() ? "migrate" : "migrate, which must not fit";
      case Step.OfIommu s -> ofIommu(s, bindings);
    };
  }

  private static String ofIommu(Step.OfIommu step, Bindings bindings) {
    return switch (step) {
      case Step.IommuEnable _ -> "switch translation on";
      case Step.IommuDisable _ -> "switch translation off";
      case Step.MapPages s ->
          "map %s of %s%s%s"
              .formatted(
                  pages(s.pages(), s.address()),
                  s.table(),
                  s.writable() ? "" : ", to be read only",
                  told(s.tell()));
      case Step.UnmapPages s ->
          "unmap %s of %s%s".formatted(pages(s.pages(), s.address()), s.table(), told(s.tell()));
      case Step.Touch s ->
          s.write()
              ? "%s writes %s to %s"
                  .formatted(s.table(), hex(s.value(), bindings), hex(s.address()))
              : "%s reads %s".formatted(s.table(), hex(s.address()));
      case Step.Bind s ->
          "bind %s to %s%s%s"
              .formatted(
                  who(s.pasid(), bindings),
                  s.table().orElse("the guest's memory"),
                  told(s.tell()),
                  s.succeeds() ? "" : ", which must be refused");
      case Step.Unbind s -> "unbind %s%s".formatted(who(s.pasid(), bindings), told(s.tell()));
      case Step.Invalidate s ->
          "invalidate "
              + s.pasid().map(pasid -> "PASID " + pasid.in(bindings)).orElse("everything");
      case Step.Dma s ->
          "%s %s %s%s%s"
              .formatted(
                  who(s.pasid(), bindings),
                  s.write() ? "writes " + hex(s.value(), bindings) + " to" : "reads",
                  hex(s.address()),
                  s.pageRequests() ? ", asking for the page" : "",
                  s.expected() == End.DONE ? "" : ", which must " + of(s.expected()));
      case Step.DmaEnd s -> "await the end of the DMA, which must " + of(s.expected());
      case Step.PageRequest s ->
          "answer the request of %s for the page %s with %s"
              .formatted(who(s.pasid(), bindings), hex(s.address()), word(s.answer()));
      case Step.Fault s ->
          "find a fault of %s%s, %s"
              .formatted(
                  who(s.pasid(), bindings),
                  s.address().map(address -> " at " + hex(address)).orElse(""),
                  word(s.kind()));
      case Step.Hostile s -> "be hostile with %d queue entries".formatted(s.entries());
    };
  }

  /// The function itself, or a PASID of it.
  static String who(Optional<Value> pasid, Bindings bindings) {
    return pasid
        .map(value -> "PASID " + Integer.toUnsignedString(value.in(bindings)))
        .orElse("the function itself");
  }

  /// As in `no-entry (0x51) at 0x400000 for PASID 7`.
  static String of(VtdDriver.Fault fault) {
    return "%s at %s for %s"
        .formatted(
            reason(fault.reason()),
            hex(fault.address()),
            fault.pasid() == 0 ? "the function itself" : "PASID " + fault.pasid());
  }

  /// As in `faults, no-entry (0x51) at 0x400000`.
  static String of(Outcome outcome) {
    String at = " at " + hex(outcome.address());
    return switch (outcome.end()) {
      case DONE -> "is done";
      case FAULT -> "faults, " + reason(outcome.reason()) + at;
      case REFUSED -> "is refused with code " + outcome.reason() + at;
      case NO_MEMORY -> "finds no memory" + at;
      case WAITS -> "waits for a page";
    };
  }

  /// The end that DMA must come to, behind "must".
  static String of(End end) {
    return switch (end) {
      case DONE -> "be done";
      case FAULT -> "fault";
      case REFUSED -> "be refused";
      case NO_MEMORY -> "find no memory";
      case WAITS -> "wait for a page";
    };
  }

  private static String reason(int code) {
    return Step.FaultKind.of(code)
        .map(kind -> word(kind) + " (" + hex(code) + ")")
        .orElse("reason " + hex(code));
  }

  private static String pages(int count, long address) {
    return "%s at %s".formatted(count == 1 ? "the page" : count + " pages", hex(address));
  }

  private static String told(Step.Tell tell) {
    return switch (tell) {
      case WAIT -> "";
      case QUEUE -> ", told with the next";
      case NOTHING -> ", without a word";
    };
  }

  static String hex(long address) {
    return "0x" + Long.toHexString(address);
  }

  private static String hex(Value value, Bindings bindings) {
    return hex(Integer.toUnsignedLong(value.in(bindings)));
  }

  private static String must(Errno expected) {
    return expected.number() == 0 ? "" : ", which must be " + expected.name();
  }

  private static String of(Optional<Value> pasid, Bindings bindings) {
    return pasid.map(value -> " of PASID " + value.in(bindings)).orElse("");
  }

  private static String hex(Step.Write step, Bindings bindings) {
    return String.format(
        Locale.ROOT,
        "0x%0" + (2 * step.register().width()) + "x",
        step.value().in(bindings) & (-1L >>> (64 - 8 * step.register().width())));
  }

  /// A constant as files have it.
  static String word(Enum<?> constant) {
    return constant.name().toLowerCase(Locale.ROOT).replace('_', '-');
  }
}
