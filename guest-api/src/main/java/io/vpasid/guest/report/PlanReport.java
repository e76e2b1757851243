package io.vpasid.guest.report;

import io.vpasid.pci.ConfigSpace;
import io.vpasid.pci.capability.Capability;
import io.vpasid.pci.capability.CapabilityChain;
import io.vpasid.pci.dump.HostFunction;
import io.vpasid.synth.Layout;
import io.vpasid.synth.Synthesis;
import io.vpasid.synth.SynthesisRequest;
import io.vpasid.synth.SynthesisResult;
import io.vpasid.synth.placement.PassedOver;
import java.io.PrintWriter;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/// What `plan` says of one function.
///
/// @param function the function as it was read
/// @param request what was asked
/// @param result what came of it
/// @param preflight the checks that the guest makes of it
public record PlanReport(
    HostFunction function,
    SynthesisRequest request,
    SynthesisResult result,
    PreflightReport preflight) {

  public boolean isPlaced() {
    return result instanceof Synthesis;
  }

  /// What has to be the same on a host that the guest moves to.
  public Layout layout() {
    return Layout.of(request, result);
  }

  /// One line.
  public String summary() {
    return function.address()
        + " "
        + function.id()
        + ": "
        + switch (result) {
          case Synthesis s ->
              "vPASID at " + Json.hex(s.offset()) + ", " + s.placement().strategy().title();
          case SynthesisResult.Declined d -> "no vPASID. " + d.explanation();
        };
  }

  public void print(PrintWriter out) {
    out.printf("%s %s %s%n", function.address(), function.id(), function.description());
    switch (result) {
      case Synthesis s -> printSynthesis(out, s);
      case SynthesisResult.Declined d -> {
        line(out, "vPASID", "none");
        line(out, "why", d.explanation());
        printPassedOver(out, d.passedOver());
      }
    }
    preflight.print(out, isPlaced());
    out.println();
  }

  private void printSynthesis(PrintWriter out, Synthesis synthesis) {
    line(out, "vPASID", "at " + Json.hex(synthesis.offset()) + ", " + synthesis.capability());
    line(out, "place", synthesis.placement().strategy().title());
    String label = "why";
    for (String reason : synthesis.placement().reasons()) {
      line(out, label, reason);
      label = "";
    }
    line(out, "linked", linkText(synthesis));
    line(out, "bytes", SynthesisJson.bytes(synthesis));
    for (String note : synthesis.notes()) {
      line(out, "note", note);
    }
    printPassedOver(out, synthesis.placement().passedOver());
  }

  private static void printPassedOver(PrintWriter out, List<PassedOver> passedOver) {
    String label = "passed over";
    for (PassedOver place : passedOver) {
      line(out, label, place.toString());
      label = "";
    }
  }

  private static void line(PrintWriter out, String label, String text) {
    out.printf("  %-12s %s%n", label, text);
  }

  private String linkText(Synthesis synthesis) {
    int next = synthesis.link().next();
    String end = next == 0 ? "it ends the list" : "it leads to " + title(next);
    return synthesis
        .predecessor()
        .map(at ->
            "behind "
                + title(at)
                + ", whose next pointer changes from "
                + Json.hex(synthesis.link().predecessorHeader() >>> 20)
                + " to "
                + Json.hex(synthesis.offset())
                + "; "
                + end)
        .orElse("as the head of the list; " + end);
  }

  private String title(int offset) {
    ConfigSpace view = request.view().config();
    return CapabilityChain.walk(view).extended().stream()
        .filter(c -> c.offset() == offset)
        .findFirst()
        .map(Capability::toString)
        .orElse(String.format(Locale.ROOT, "[%03x] a null capability", offset));
  }

  public Map<String, Object> toJson() {
    Map<String, Object> json = Json.object();
    json.put("function", function.address().toString());
    json.put("id", function.id().toString());
    json.put("hwInfo", request.hardware().toString());
    json.putAll(SynthesisJson.of(result));
    json.put("fingerprint", layout().fingerprint());
    json.put("preflight", preflight.toJson());
    return json;
  }
}
