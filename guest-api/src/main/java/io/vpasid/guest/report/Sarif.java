package io.vpasid.guest.report;

import com.fasterxml.jackson.annotation.JsonProperty;
import io.vpasid.synth.quirk.LintFinding.Severity;
import java.net.URI;
import java.net.URISyntaxException;
import java.util.List;
import java.util.Optional;

/// Findings as a log in the Static Analysis Results Interchange Format (SARIF 2.1.0, OASIS).
///
/// Names of files stay relative where they are, because the services that read it know the folder
/// that the program ran in as the root of the repository.
record Sarif(@JsonProperty("$schema") String schema, String version, List<Run> runs) {
  private static final String SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json";

  private record Run(Tool tool, String columnKind, List<Result> results) {}

  private record Tool(Driver driver) {}

  private record Driver(String name, List<Rule> rules) {}

  private record Rule(String id, Text shortDescription) {}

  private record Text(String text) {}

  /// @param level `error`, `warning` or `note`
  private record Result(String ruleId, Severity level, Text message, List<Location> locations) {}

  private record Location(Place physicalLocation) {}

  private record Place(Artifact artifactLocation, Optional<Region> region) {}

  private record Artifact(String uri) {}

  private record Region(int startLine, Optional<Integer> startColumn) {}

  static Sarif of(List<Finding> findings) {
    List<Rule> rules =
        findings.stream().map(f -> new Rule(f.rule(), new Text(f.about()))).distinct().toList();
    Driver driver = new Driver("vpasid", rules);
    List<Result> results = findings.stream().map(Sarif::result).toList();
    return new Sarif(
        SCHEMA, "2.1.0", List.of(new Run(new Tool(driver), "utf16CodeUnits", results)));
  }

  private static Result result(Finding finding) {
    Optional<Integer> column =
        finding.column() > 0 ? Optional.of(finding.column()) : Optional.empty();
    Optional<Region> region =
        finding.line() > 0 ? Optional.of(new Region(finding.line(), column)) : Optional.empty();
    return new Result(
        finding.rule(),
        finding.severity(),
        new Text(finding.message()),
        List.of(new Location(new Place(new Artifact(uri(finding.file())), region))));
  }

  /// The name of a file as a reference, absolute where it is.
  private static String uri(String file) {
    try {
      String name =
          new URI(null, null, file.startsWith("/") ? file : "./" + file, null).toASCIIString();
      return name.startsWith("./") ? name.substring(2) : "file://" + name;
    } catch (URISyntaxException e) {
      throw new IllegalArgumentException(file, e);
    }
  }
}
