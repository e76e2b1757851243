package io.vpasid.it.walker;

import java.util.List;

/// What the walks of all programs together say.
public final class EveryWalk {
  private EveryWalk() {}

  /// Whether any program goes to a lower offset inside one of the lists.
  public static boolean goesBackward(byte[] config) {
    for (Walker walker : Walker.ALL) {
      Walk walk = walker.walk(config);
      if (goesBackward(walk.standard()) || goesBackward(walk.extended())) {
        return true;
      }
    }
    return false;
  }

  private static boolean goesBackward(List<Step> steps) {
    for (int i = 1; i < steps.size(); i++) {
      if (steps.get(i).offset() < steps.get(i - 1).offset()) {
        return true;
      }
    }
    return false;
  }
}
