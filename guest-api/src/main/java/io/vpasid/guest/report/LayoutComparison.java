package io.vpasid.guest.report;

import java.util.List;

/// A comparison of the layout of a function with the one that was expected.
///
/// @param function its address
/// @param equal there is no difference
/// @param differences each a line
public record LayoutComparison(String function, boolean equal, List<String> differences) {

  public LayoutComparison(String function, List<String> differences) {
    this(function, differences.isEmpty(), differences);
  }

  /// Writes a line for each difference, or that there is none.
  ///
  /// @param file the file with the expected layout
  public void print(Page page, String file) {
    page.line(function + (equal ? " has" : " does not have") + " the layout of " + file);
    differences.forEach(d -> page.item("  ", d));
  }
}
