package io.vpasid.guest.report;

import com.fasterxml.jackson.annotation.JsonIgnore;
import io.vpasid.synth.preflight.Answer;
import io.vpasid.synth.preflight.Check;
import io.vpasid.synth.preflight.Evidence;
import io.vpasid.synth.preflight.Preflight;
import io.vpasid.synth.preflight.Verdict;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/// The checks that a guest makes before it enables PASIDs on a function.
///
/// @param answer what they come to
public record PreflightReport(Answer answer, List<CheckReport> checks) {

  static final String TELL_MORE = "--port, --viommu and --assume tell plan of the guest.";

  /// A check and its result.
  ///
  /// @param rule what Linux does
  /// @param source where it does it
  /// @param decidesPasid PASIDs depend on it
  public record CheckReport(
      String id,
      String name,
      Verdict verdict,
      String explanation,
      Optional<String> remedy,
      List<EvidenceReport> evidence,
      String rule,
      String source,
      @JsonIgnore boolean decidesPasid) {

    /// How the label of a check ends that nothing given decides.
    static final String OPEN = " open";

    private static CheckReport of(Check check) {
      return new CheckReport(
          check.id().name(),
          check.name(),
          check.verdict(),
          check.explanation(),
          check.remedy(),
          check.evidence().stream().map(EvidenceReport::of).toList(),
          check.id().rule(),
          check.id().source(),
          check.id().decidesPasid());
    }

    /// True if it keeps PASIDs from being enabled, or may.
    boolean matters() {
      return verdict == Verdict.FAIL || verdict == Verdict.UNKNOWN;
    }

    /// Its id and what became of it.
    String label() {
      return id
          + switch (verdict) {
            case PASS -> " passes";
            case FAIL -> " fails";
            case UNKNOWN -> OPEN;
            case NOT_APPLICABLE -> " n/a";
          };
    }

    /// The reason for people: what is open is explained by what would close it.
    String reason() {
      return ((verdict == Verdict.FAIL ? explanation + " " : "") + remedy.orElse("")).strip();
    }

    private void printWhole(Page page) {
      page.entry(label(), name + ": " + explanation);
      remedy.ifPresent(text -> page.entry("", text));
      evidence.forEach(e -> page.entry("", e.text()));
    }
  }

  /// A register that was looked at.
  ///
  /// @param of whose it is
  public record EvidenceReport(
      String of, Hex offset, String value, String what, @JsonIgnore String text) {

    private static EvidenceReport of(Evidence e) {
      String value = String.format(Locale.ROOT, "0x%0" + 2 * e.bytes() + "x", e.value());
      return new EvidenceReport(e.of(), new Hex(e.offset()), value, e.what(), e.toString());
    }
  }

  public static PreflightReport of(Preflight preflight) {
    return new PreflightReport(
        preflight.answer(), preflight.checks().stream().map(CheckReport::of).toList());
  }

  /// Prints the answer, and the checks that fail or are open.
  ///
  /// @param whole print all checks, with the registers that decided
  void print(Page page, boolean whole) {
    page.entry("Linux guest", summary());
    print(page, deciding(), whole);
    List<CheckReport> further = checks.stream().filter(c -> !c.decidesPasid()).toList();
    if (whole || further.stream().anyMatch(CheckReport::matters)) {
      page.entry("besides", "of ATS, PRI and SVA, which PASIDs do without, " + counts(further));
      print(page, further, whole);
    }
    if (!whole && checks.stream().anyMatch(c -> c.verdict == Verdict.UNKNOWN)) {
      page.entry("", TELL_MORE);
    }
  }

  /// The result of the checks, as a part of a sentence.
  String summary() {
    String words =
        switch (answer) {
          case YES -> "enables PASIDs";
          case NO -> "does not enable PASIDs";
          case UNKNOWN -> "may enable PASIDs";
        };
    return "%s: of its %d checks %s".formatted(words, deciding().size(), counts(deciding()));
  }

  private List<CheckReport> deciding() {
    return checks.stream().filter(CheckReport::decidesPasid).toList();
  }

  private static void print(Page page, List<CheckReport> checks, boolean whole) {
    for (CheckReport check : checks) {
      if (whole) {
        check.printWhole(page);
      } else if (check.matters()) {
        page.entry(check.label(), check.name + ": " + check.reason());
      }
    }
  }

  /// As in `1 fails, 8 are open, 13 pass`.
  private static String counts(List<CheckReport> checks) {
    List<String> counts = new ArrayList<>();
    count(checks, counts, Verdict.FAIL, "fails", "fail");
    count(checks, counts, Verdict.UNKNOWN, "is open", "are open");
    count(checks, counts, Verdict.PASS, "passes", "pass");
    count(checks, counts, Verdict.NOT_APPLICABLE, "does not apply", "do not apply");
    return String.join(", ", counts);
  }

  private static void count(
      List<CheckReport> checks, List<String> counts, Verdict verdict, String one, String several) {
    long count = checks.stream().filter(c -> c.verdict == verdict).count();
    if (count > 0) {
      counts.add(count + " " + (count == 1 ? one : several));
    }
  }
}
