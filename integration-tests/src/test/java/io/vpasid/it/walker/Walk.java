package io.vpasid.it.walker;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// What a program finds that looks for a capability that is not there, which takes it through all
/// of both lists.
///
/// @param express whether it takes the function for one with an extended list
/// @param standard the headers of the standard list, each once, in the order of the visits
/// @param extended those of the extended list; also headers that are none, where the program does
///   not notice
/// @param standardEnds whether the search of the standard list ends by itself
/// @param extendedEnds whether that of the extended list does
public record Walk(
    boolean express,
    List<Step> standard,
    List<Step> extended,
    boolean standardEnds,
    boolean extendedEnds) {

  /// Whether the search ends by itself.
  public boolean ends() {
    return standardEnds && extendedEnds;
  }

  /// The capabilities of the extended list: what comes before the walk leaves the extended space or
  /// meets all ones, without null capabilities and placeholders. What lies behind that are bytes
  /// that happen to look like headers.
  public List<Step> capabilities() {
    List<Step> capabilities = new ArrayList<>(extended.size());
    for (Step step : extended) {
      if (!step.isInList()) {
        break;
      }
      if (step.isNamed()) {
        capabilities.add(step);
      }
    }
    return capabilities;
  }

  /// Where a search for this extended capability ends, if it does.
  public Optional<Step> find(int extendedId) {
    for (Step step : extended) {
      if (step.extendedId() == extendedId) {
        return Optional.of(step);
      }
    }
    return Optional.empty();
  }
}
