package io.vpasid.guest.scenario;

import io.vpasid.synth.json.JsonCursor.Place;
import java.io.Serial;

/// A step that came to something else than it must.
final class Unexpected extends RuntimeException {
  @Serial private static final long serialVersionUID = 1;

  private final transient Place place;
  private final String problem;

  /// @param place of the step
  Unexpected(Place place, String problem) {
    super(problem, null, false, false);
    this.place = place;
    this.problem = problem;
  }

  /// @throws Unexpected with the place and the problem, if something does not hold that must
  static void require(Place place, boolean holds, String problem) {
    if (!holds) {
      throw new Unexpected(place, problem);
    }
  }

  Place place() {
    return place;
  }

  String problem() {
    return problem;
  }
}
