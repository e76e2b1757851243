package io.vpasid.guest.report;

import io.vpasid.pci.dump.HostFunction;
import io.vpasid.synth.Synthesis;
import io.vpasid.synth.SynthesisRequest;
import io.vpasid.synth.SynthesisResult;
import io.vpasid.synth.Synthesizer;
import io.vpasid.synth.quirk.FunctionIdentity;
import io.vpasid.synth.quirk.Quirk;
import io.vpasid.synth.quirk.QuirkTable;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// What becomes of one function without some quirks, and with them.
///
/// @param function the function
/// @param before the result without them
/// @param after the result with them
/// @param by the ids of those that are about the function
/// @param refused whether the table refuses the function a vPASID on purpose
public record PlacementChange(
    HostFunction function,
    SynthesisResult before,
    SynthesisResult after,
    List<String> by,
    boolean refused) {

  /// Plans a function twice and compares the places.
  ///
  /// @param without asks with the other quirks only
  /// @param with asks with all of them
  public static PlacementChange of(
      HostFunction function, SynthesisRequest without, SynthesisRequest with) {
    FunctionIdentity identity = FunctionIdentity.of(with.view().config(), with.kind());
    Set<Quirk> others = Set.copyOf(without.quirks().matching(identity));
    QuirkTable table = with.quirks();
    List<String> by =
        table.matching(identity).stream().filter(q -> !others.contains(q)).map(Quirk::id).toList();
    SynthesisResult before = Synthesizer.synthesize(without);
    return new PlacementChange(
        function,
        before,
        by.isEmpty() ? before : Synthesizer.synthesize(with),
        by,
        table.match(identity).refusal().isPresent());
  }

  /// Whether some of the quirks are about the function.
  public boolean isMeant() {
    return !by.isEmpty();
  }

  /// Whether the guest sees another vPASID, at another place, or none any more.
  public boolean isOne() {
    return !seen(before).equals(seen(after));
  }

  /// Whether the function had a vPASID and has none, which nobody asked for.
  public boolean isLost() {
    return before instanceof Synthesis && after instanceof SynthesisResult.Declined && !refused;
  }

  /// What the guest sees of it.
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
  private String message() {
    boolean samePlace = place(before).equals(place(after));
    return function.address()
        + " "
        + function.id()
        + ": "
        + (samePlace ? seen(before) : place(before))
        + " ("
        + why(before)
        + ") → "
        + (samePlace ? seen(after) : place(after))
        + " ("
        + why(after)
        + "), by "
        + String.join(", ", by)
        + (isLost() ? "; no entry refuses it, so it should have one" : "");
  }

  /// A line, with the place in the dump in front.
  @Override
  public String toString() {
    return function.location() + ": " + message();
  }

  public String annotation() {
    return FindingReport.annotation(
        isLost() ? "error" : "notice",
        function.source(),
        function.line(),
        0,
        isLost() ? "placement-lost" : "placement-changes",
        message());
  }

  public Map<String, Object> toJson() {
    Map<String, Object> json = Json.object();
    json.put("file", function.source());
    json.put("line", function.line());
    json.put("function", function.address().toString());
    json.put("id", function.id().toString());
    json.put("by", by);
    json.put("before", seen(before));
    json.put("after", seen(after));
    json.put("why", why(after));
    json.put("lost", isLost());
    return json;
  }
}
