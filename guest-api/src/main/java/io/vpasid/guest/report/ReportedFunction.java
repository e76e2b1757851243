package io.vpasid.guest.report;

import java.util.List;
import java.util.Optional;

/// Everything that a page says of one function.
///
/// @param bytes what is where in it
/// @param plan whether and where it gets a vPASID
/// @param quirks what is known of the device
/// @param qemuDefault what is at 0xff8, where QEMU puts a vPASID unless told: nothing, or one of
///   these in a few words; empty if QEMU puts none
public record ReportedFunction(
    InspectReport bytes,
    PlanReport plan,
    QuirkExplanation quirks,
    Optional<List<String>> qemuDefault) {

  /// QEMU's place would hit something.
  boolean qemuHits() {
    return qemuDefault.map(hits -> !hits.isEmpty()).orElse(false);
  }

  /// The same in a few words.
  String qemuText() {
    return qemuDefault
        .map(hits -> hits.isEmpty() ? "free" : String.join(", ", hits))
        .orElse("puts none");
  }

  /// Where the function was read.
  String source() {
    return bytes.captured().location();
  }
}
