package io.vpasid.guest.report;

import io.vpasid.pci.dump.HostFunction;
import io.vpasid.synth.Synthesis;
import io.vpasid.synth.SynthesisRequest;
import io.vpasid.synth.SynthesisResult;
import io.vpasid.synth.Synthesizer;
import io.vpasid.synth.quirk.FunctionIdentity;
import io.vpasid.synth.quirk.LintFinding.Severity;
import io.vpasid.synth.quirk.Quirk;
import io.vpasid.synth.quirk.QuirkTable;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/// A function that the guest sees with another vPASID, at another place or none any more, because
/// of some quirks.
///
/// @param file the dump that the function is in
/// @param line where in it
/// @param function its address
/// @param by the ids of the quirks that are about it
/// @param before the vPASID without them
/// @param after the vPASID with them
/// @param why that
/// @param lost whether it had a vPASID and has none, which nobody asked for
public record PlacementChange(
    String file,
    int line,
    String function,
    String id,
    List<String> by,
    String before,
    String after,
    String why,
    boolean lost) {

  /// The effect of quirks on a function.
  ///
  /// @param meant whether some of them are about it
  /// @param change what changes, if something does
  /// @param finding the same as something to say of the dump
  public record Comparison(
      boolean meant, Optional<PlacementChange> change, Optional<Finding> finding) {

    private static final Comparison UNTOUCHED =
        new Comparison(false, Optional.empty(), Optional.empty());
  }

  /// Plans a function twice and compares the places.
  ///
  /// @param without asks with the other quirks only
  /// @param with asks with all of them
  public static Comparison compare(
      HostFunction function, SynthesisRequest without, SynthesisRequest with) {
    FunctionIdentity identity = FunctionIdentity.of(with.view().config(), with.kind());
    Set<Quirk> others = Set.copyOf(without.quirks().matching(identity));
    QuirkTable table = with.quirks();
    List<String> by =
        table.matching(identity).stream().filter(q -> !others.contains(q)).map(Quirk::id).toList();
    if (by.isEmpty()) {
      return Comparison.UNTOUCHED;
    }
    SynthesisResult before = Synthesizer.synthesize(without);
    SynthesisResult after = Synthesizer.synthesize(with);
    if (seen(before).equals(seen(after))) {
      return new Comparison(true, Optional.empty(), Optional.empty());
    }
    boolean lost =
        before instanceof Synthesis
            && after instanceof SynthesisResult.Declined
            && table.match(identity).refusal().isEmpty();
    PlacementChange change =
        new PlacementChange(
            function.source(),
            function.line(),
            function.address().toString(),
            function.id().toString(),
            by,
            seen(before),
            seen(after),
            why(after),
            lost);
    return new Comparison(
        true, Optional.of(change), Optional.of(change.finding(message(change, before, after))));
  }

  private Finding finding(String message) {
    return lost
        ? new Finding(
            Severity.ERROR,
            "placement-lost",
            file,
            line,
            0,
            message,
            "A function loses its vPASID though no entry refuses it.")
        : new Finding(
            Severity.NOTE,
            "placement-changes",
            file,
            line,
            0,
            message,
            "A function gets another vPASID, at another place or none.");
  }

  /// The vPASID as the guest sees it.
  private static String seen(SynthesisResult result) {
    return switch (result) {
      case Synthesis s -> Json.hex(s.offset()) + ", " + s.capability();
      case SynthesisResult.Declined _ -> "none";
    };
  }

  private static String place(SynthesisResult result) {
    return switch (result) {
      case Synthesis s -> Json.hex(s.offset());
      case SynthesisResult.Declined _ -> "none";
    };
  }

  private static String why(SynthesisResult result) {
    return switch (result) {
      case Synthesis s -> s.placement().strategy().title();
      case SynthesisResult.Declined d -> d.explanation();
    };
  }

  /// As in `0xd80 (all-zero hole) → 0x180 (declared available), by acme-rocket`.
  private static String message(
      PlacementChange change, SynthesisResult before, SynthesisResult after) {
    boolean samePlace = place(before).equals(place(after));
    return "%s %s: %s (%s) → %s (%s), by %s%s"
        .formatted(
            change.function,
            change.id,
            samePlace ? change.before : place(before),
            why(before),
            samePlace ? change.after : place(after),
            change.why,
            String.join(", ", change.by),
            change.lost ? "; no entry refuses it, so it should have one" : "");
  }
}
