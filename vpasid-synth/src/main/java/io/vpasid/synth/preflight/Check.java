package io.vpasid.synth.preflight;

import java.util.List;
import java.util.Optional;

/// One check and its result.
///
/// @param id which check
/// @param verdict the result
/// @param explanation what decided, or what is missing for a decision; whole sentences
/// @param evidence the registers that were looked at, in order
/// @param remedy what to do about it; empty where nothing is to be done
public record Check(
    CheckId id,
    Verdict verdict,
    String explanation,
    List<Evidence> evidence,
    Optional<String> remedy) {

  public Check {
    evidence = List.copyOf(evidence);
  }

  /// The check's name, [CheckId#title].
  public String name() {
    return id.title();
  }

  static Check pass(CheckId id, String explanation, Evidence... evidence) {
    return new Check(id, Verdict.PASS, explanation, List.of(evidence), Optional.empty());
  }

  static Check fail(CheckId id, String explanation, String remedy, Evidence... evidence) {
    return new Check(id, Verdict.FAIL, explanation, List.of(evidence), Optional.of(remedy));
  }

  static Check unknown(CheckId id, String explanation, String remedy, Evidence... evidence) {
    return new Check(id, Verdict.UNKNOWN, explanation, List.of(evidence), Optional.of(remedy));
  }

  static Check notApplicable(CheckId id, String reason, Evidence... evidence) {
    return new Check(id, Verdict.NOT_APPLICABLE, reason, List.of(evidence), Optional.empty());
  }

  /// The same as [Verdict#PASS] on the caller's word, if it is open; a failure stays one.
  Check assumed() {
    return verdict == Verdict.UNKNOWN
        ? new Check(
            id, Verdict.PASS, "Taken for granted. " + explanation, evidence, Optional.empty())
        : this;
  }

  /// The same verdict with more registers to show.
  Check with(List<Evidence> more) {
    return new Check(id, verdict, explanation, more, remedy);
  }
}
