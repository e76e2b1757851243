package io.vpasid.guest.scenario;

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
    };
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

  private static String word(Machine.EventKind kind) {
    return kind.name().toLowerCase(Locale.ROOT);
  }
}
