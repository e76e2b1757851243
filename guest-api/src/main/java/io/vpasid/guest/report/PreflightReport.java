package io.vpasid.guest.report;

import io.vpasid.synth.preflight.Answer;
import io.vpasid.synth.preflight.Check;
import io.vpasid.synth.preflight.Evidence;
import io.vpasid.synth.preflight.Preflight;
import io.vpasid.synth.preflight.Verdict;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/// What `plan` says of the checks that the guest makes before it enables PASIDs.
///
/// @param preflight the checks
/// @param all whether to print them all, with the registers that decided
public record PreflightReport(Preflight preflight, boolean all) {

  /// Prints the answer, and the checks that fail or are open, or all.
  ///
  /// @param placed whether the function gets a vPASID: without one, only what is asked for is
  ///   printed
  void print(PrintWriter out, boolean placed) {
    if (!placed && !all) {
      return;
    }
    line(out, "Linux guest", summary());
    for (Check check : preflight.checks()) {
      if (all) {
        printWhole(out, check);
      } else if (check.verdict() == Verdict.FAIL || check.verdict() == Verdict.UNKNOWN) {
        // What is open is explained by what would close it.
        boolean fails = check.verdict() == Verdict.FAIL;
        line(
            out,
            label(check),
            title(check) + (fails ? check.explanation() + " " : "") + check.remedy().orElse(""));
      }
    }
    if (!all && preflight.answer() == Answer.UNKNOWN) {
      line(out, "", "--port, --viommu and --assume tell plan of the guest.");
    }
  }

  private static void printWhole(PrintWriter out, Check check) {
    line(out, label(check), title(check) + check.explanation());
    check.remedy().ifPresent(remedy -> line(out, "", remedy));
    for (Evidence evidence : check.evidence()) {
      line(out, "", evidence.toString());
    }
  }

  private String summary() {
    List<String> counts = new ArrayList<>();
    count(counts, Verdict.FAIL, "fails", "fail");
    count(counts, Verdict.UNKNOWN, "is open", "are open");
    count(counts, Verdict.PASS, "passes", "pass");
    String answer =
        switch (preflight.answer()) {
          case YES -> "enables PASIDs";
          case NO -> "does not enable PASIDs";
          case UNKNOWN -> "may enable PASIDs";
        };
    return answer + ": of its checks " + String.join(", ", counts);
  }

  private void count(List<String> counts, Verdict verdict, String one, String several) {
    long count =
        preflight.checks().stream()
            .filter(c -> c.id().decidesPasid() && c.verdict() == verdict)
            .count();
    if (count > 0) {
      counts.add(count + " " + (count == 1 ? one : several));
    }
  }

  private static String label(Check check) {
    return check.id()
        + switch (check.verdict()) {
          case PASS -> " passes";
          case FAIL -> " fails";
          case UNKNOWN -> " open";
          case NOT_APPLICABLE -> " n/a";
        };
  }

  private static String title(Check check) {
    return check.name() + (check.id().decidesPasid() ? ": " : ", which PASIDs do without: ");
  }

  private static void line(PrintWriter out, String label, String text) {
    out.printf("  %-12s %s%n", label, text);
  }

  Map<String, Object> toJson() {
    return PreflightJson.of(preflight);
  }
}
