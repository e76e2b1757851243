package io.vpasid.guest.cli.run;

import com.fasterxml.jackson.annotation.JsonIgnore;
import io.vpasid.guest.report.Json;
import java.io.PrintWriter;
import java.util.List;

/// The story of one function: step by step, with what each step came to.
///
/// @param function its address
/// @param good whether every step came to what it should
record Told(
    String function, String id, @JsonIgnore String description, boolean good, List<Step> steps) {

  /// Who does something.
  enum Actor {
    HOST,
    GUEST
  }

  /// One step.
  ///
  /// @param actor who does it
  /// @param action what is done
  /// @param outcome what it came to
  /// @param expected whether that is as it should be
  record Step(Actor actor, String action, String outcome, boolean expected) {}

  Told {
    steps = List.copyOf(steps);
  }

  void print(PrintWriter out) {
    out.printf("%s %s %s%n", function, id, description);
    for (Step step : steps) {
      out.printf(
          "  %-5s  %s → %s%s%n",
          Json.word(step.actor), step.action, step.outcome, step.expected ? "" : "  (!)");
    }
    out.println();
  }
}
