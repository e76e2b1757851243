package io.vpasid.guest.cli.plan;

import io.vpasid.guest.report.Json;
import io.vpasid.pci.PciAddress;
import io.vpasid.pci.PciId;
import io.vpasid.pci.dump.HostFunction;
import io.vpasid.synth.DeclineReason;
import io.vpasid.synth.Synthesis;
import io.vpasid.synth.SynthesisRequest;
import io.vpasid.synth.SynthesisResult;
import io.vpasid.synth.Synthesizer;
import io.vpasid.synth.placement.Strategy;
import java.util.Map;
import java.util.Optional;

/// What a scan keeps of one function: not its bytes.
///
/// @param file where it was read
/// @param line its first line there, from 1; 0 where there are no lines
/// @param address where it sits
/// @param id vendor and device
/// @param bytes size of its configuration space
/// @param outcome what becomes of it
/// @param qemu what is at the place that QEMU takes; empty if QEMU takes none
record ScannedFunction(
    String file,
    int line,
    PciAddress address,
    PciId id,
    int bytes,
    Outcome outcome,
    Optional<Clash> qemu) {

  /// Whether a function gets a vPASID.
  sealed interface Outcome {
    /// It does.
    ///
    /// @param offset where
    /// @param strategy how the place was found
    /// @param here what is there
    record Placed(int offset, Strategy strategy, Clash here) implements Outcome {}

    /// It does not.
    record Declined(DeclineReason reason, String explanation) implements Outcome {}
  }

  static ScannedFunction of(HostFunction function, SynthesisRequest request) {
    return new ScannedFunction(
        function.source(),
        function.line(),
        function.address(),
        function.id(),
        function.config().size(),
        switch (Synthesizer.synthesize(request)) {
          case Synthesis s ->
              new Outcome.Placed(
                  s.offset(), s.placement().strategy(), Clash.at(s.offset(), function, request));
          case SynthesisResult.Declined d -> new Outcome.Declined(d.reason(), d.explanation());
        },
        QemuPlacement.of(function, request));
  }

  /// Which function of which file.
  String name() {
    return file + (line == 0 ? "" : ":" + line) + ": " + address + " " + id;
  }

  /// One line for people.
  String summary() {
    return printable(name())
        + ": "
        + switch (outcome) {
          case Outcome.Placed p ->
              "vPASID at " + Json.hex(p.offset()) + ", " + p.strategy().title();
          case Outcome.Declined d -> "no vPASID. " + d.explanation();
        };
  }

  /// The name of a file may have been chosen to do something to a terminal.
  private static String printable(String text) {
    return text.replaceAll("[\\p{Cc}\\p{Cf}\\p{Cs}\\p{Zl}\\p{Zp}]", "?");
  }

  Map<String, Object> toJson() {
    Map<String, Object> json = Json.object();
    json.put("file", file);
    json.put("line", line);
    json.put("function", address.toString());
    json.put("id", id.toString());
    json.put("bytes", bytes);
    switch (outcome) {
      case Outcome.Placed p -> {
        json.put("placed", true);
        json.put("strategy", Json.word(p.strategy()));
        json.put("vpasid", p.here().toJson(p.offset()));
      }
      case Outcome.Declined d -> {
        json.put("placed", false);
        json.put("reason", Json.word(d.reason()));
        json.put("explanation", d.explanation());
      }
    }
    qemu.ifPresent(clash -> json.put("qemu", clash.toJson(QemuPlacement.OFFSET)));
    return json;
  }
}
