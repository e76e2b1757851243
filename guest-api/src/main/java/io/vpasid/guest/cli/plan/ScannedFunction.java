package io.vpasid.guest.cli.plan;

import com.fasterxml.jackson.annotation.JsonUnwrapped;
import io.vpasid.pci.PciAddress;
import io.vpasid.pci.PciId;
import io.vpasid.pci.dump.HostFunction;
import io.vpasid.synth.DeclineReason;
import io.vpasid.synth.Synthesis;
import io.vpasid.synth.SynthesisRequest;
import io.vpasid.synth.SynthesisResult;
import io.vpasid.synth.Synthesizer;
import io.vpasid.synth.json.Unprintable;
import io.vpasid.synth.placement.Strategy;
import java.util.Optional;

/// A function as a scan keeps it: without its bytes.
///
/// @param file where it was read
/// @param line its first line there, from 1; 0 where there are no lines
/// @param function where it sits
/// @param id vendor and device
/// @param bytes size of its configuration space
/// @param outcome what becomes of it
/// @param qemu what is at the place that QEMU takes; empty if QEMU takes none
record ScannedFunction(
    String file,
    int line,
    PciAddress function,
    PciId id,
    int bytes,
    @JsonUnwrapped Outcome outcome,
    Optional<Clash> qemu) {

  /// The plan of a function, in short.
  sealed interface Outcome {
    /// It does.
    boolean placed();

    /// It does.
    ///
    /// @param strategy how the place was found
    /// @param vpasid what is at the place
    record Placed(boolean placed, Strategy strategy, Clash vpasid) implements Outcome {}

    /// It does not.
    record Declined(boolean placed, DeclineReason reason, String explanation) implements Outcome {}
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
                  true, s.placement().strategy(), Clash.at(s.offset(), function, request));
          case SynthesisResult.Declined d ->
              new Outcome.Declined(false, d.reason(), d.explanation());
        },
        QemuPlacement.of(function, request));
  }

  /// The function and the file that it is of.
  String name() {
    return file + (line == 0 ? "" : ":" + line) + ": " + function + " " + id;
  }

  /// One line for people.
  String summary() {
    return Unprintable.marked(name())
        + ": "
        + switch (outcome) {
          case Outcome.Placed p -> "vPASID at " + p.vpasid().offset() + ", " + p.strategy().title();
          case Outcome.Declined d -> "no vPASID. " + d.explanation();
        };
  }
}
