package io.vpasid.synth.json;

import java.util.List;
import java.util.Locale;
import java.util.Optional;

/// Finds the word that a misspelt one was meant to be.
public final class Spelling {
  /// Longer words are no slip of the finger; also the bound of the work.
  private static final int LONGEST = 40;

  private Spelling() {}

  /// The nearest of `words`, if it is near: at most one edit in three letters.
  ///
  /// An edit puts in, leaves out or changes a letter, or swaps two neighbours; upper and lower case
  /// are the same.
  public static Optional<String> nearest(String written, List<String> words) {
    if (written.length() > LONGEST) {
      return Optional.empty();
    }
    String nearest = "";
    int fewest = Integer.MAX_VALUE;
    for (String word : words) {
      int edits = edits(written.toLowerCase(Locale.ROOT), word.toLowerCase(Locale.ROOT));
      if (edits < fewest) {
        fewest = edits;
        nearest = word;
      }
    }
    return fewest <= Math.max(1, nearest.length() / 3) ? Optional.of(nearest) : Optional.empty();
  }

  /// The optimal string alignment distance.
  static int edits(String from, String to) {
    int[][] cost = new int[from.length() + 1][to.length() + 1];
    for (int i = 0; i <= from.length(); i++) {
      cost[i][0] = i;
    }
    for (int j = 0; j <= to.length(); j++) {
      cost[0][j] = j;
    }
    for (int i = 1; i <= from.length(); i++) {
      for (int j = 1; j <= to.length(); j++) {
        int change = from.charAt(i - 1) == to.charAt(j - 1) ? 0 : 1;
        int best =
            Math.min(cost[i - 1][j - 1] + change, Math.min(cost[i - 1][j] + 1, cost[i][j - 1] + 1));
        if (i > 1
            && j > 1
            && from.charAt(i - 1) == to.charAt(j - 2)
            && from.charAt(i - 2) == to.charAt(j - 1)) {
          best = Math.min(best, cost[i - 2][j - 2] + 1);
        }
        cost[i][j] = best;
      }
    }
    return cost[from.length()][to.length()];
  }
}
