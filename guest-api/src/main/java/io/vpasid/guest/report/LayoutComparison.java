package io.vpasid.guest.report;

import java.io.PrintWriter;
import java.util.List;
import java.util.Map;

/// How the layout of a function compares with the one that was expected.
///
/// @param function its address
/// @param differences each a line; none if the two are equal
public record LayoutComparison(String function, List<String> differences) {

  public boolean isEqual() {
    return differences.isEmpty();
  }

  /// Writes a line for each difference, or that there is none.
  ///
  /// @param file the file with the expected layout
  public void print(PrintWriter out, String file) {
    if (isEqual()) {
      out.printf("%s has the layout of %s%n", function, file);
    } else {
      out.printf("%s does not have the layout of %s%n", function, file);
      differences.forEach(d -> out.printf("  %s%n", d));
    }
  }

  public Map<String, Object> toJson() {
    Map<String, Object> json = Json.object();
    json.put("function", function);
    json.put("equal", isEqual());
    json.put("differences", differences);
    return json;
  }
}
