package io.vpasid.testing;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Comparator;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.parsers.ParserConfigurationException;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;
import org.xml.sax.SAXException;

/// How many tests of all modules ran in a build, and how many were skipped for which reason, from
/// the reports that Surefire writes. A class that is skipped as a whole counts as one.
///
/// @param run tests that ran
/// @param failed those of them that did not pass
/// @param skipped the number of those that did not run, by reason
record TestTally(int run, int failed, Map<String, Integer> skipped) {

  private static final String OTHER = "for a reason of its own";

  TestTally {
    skipped = Map.copyOf(skipped);
  }

  /// Prints the last line of a build; nothing if it ran no tests.
  ///
  /// @param arguments the folder of the modules, and when the build began, in ISO 8601: older
  ///   reports are of tests that it did not run
  public static void main(String[] arguments) throws IOException {
    TestTally tally = of(Path.of(arguments[0]), Instant.parse(arguments[1]));
    if (tally.run() > 0 || !tally.skipped().isEmpty()) {
      System.out.println("[INFO] Tests of all modules: " + tally);
    }
  }

  /// Counts what the reports of all modules say that are no older than `begin`.
  static TestTally of(Path modules, Instant begin) throws IOException {
    int run = 0;
    int failed = 0;
    Map<String, Integer> skipped = new TreeMap<>();
    try (Stream<Path> folders = Files.list(modules)) {
      for (Path folder : folders.map(m -> m.resolve("target/surefire-reports")).toList()) {
        if (!Files.isDirectory(folder)) {
          continue;
        }
        try (Stream<Path> files = Files.list(folder)) {
          for (Path file : files.filter(f -> isReport(f.getFileName().toString())).toList()) {
            if (Files.getLastModifiedTime(file).toInstant().isBefore(begin)) {
              continue;
            }
            Document report = parse(file);
            NodeList reasons = report.getElementsByTagName("skipped");
            for (int i = 0; i < reasons.getLength(); i++) {
              skipped.merge(reason((Element) reasons.item(i)), 1, Integer::sum);
            }
            Element suite = report.getDocumentElement();
            run += Integer.parseInt(suite.getAttribute("tests")) - reasons.getLength();
            failed += Integer.parseInt(suite.getAttribute("failures"));
            failed += Integer.parseInt(suite.getAttribute("errors"));
          }
        }
      }
    }
    return new TestTally(run, failed, skipped);
  }

  private static boolean isReport(String name) {
    return name.startsWith("TEST-") && name.endsWith(".xml");
  }

  /// Of a test that was skipped the message; of one that ended itself the first line of the text,
  /// which is a stack trace. JUnit's own words before ours say what is already known.
  private static String reason(Element skipped) {
    return Stream.of(skipped.getAttribute("message"), skipped.getTextContent())
        .flatMap(String::lines)
        .map(line -> line.replaceFirst("^(org\\.\\S+: )?(Assumption failed: )?", "").strip())
        .filter(line -> !line.isEmpty())
        .findFirst()
        .orElse("no reason given");
  }

  private static Document parse(Path file) throws IOException {
    try {
      return DocumentBuilderFactory.newDefaultInstance().newDocumentBuilder().parse(file.toFile());
    } catch (ParserConfigurationException | SAXException e) {
      throw new IOException(file + ": " + e.getMessage(), e);
    }
  }

  /// `812 run, 2 failed, 6 skipped (4 needs lspci; 1 needs root; 1 for a reason of its own)`, the
  /// commonest need first. A reason that is no [Need] is in the report of the test.
  @Override
  public String toString() {
    int sum = skipped.values().stream().mapToInt(Integer::intValue).sum();
    Map<String, Integer> needs = new TreeMap<>();
    skipped.forEach((reason, count) ->
        needs.merge(reason.startsWith("needs ") ? reason : OTHER, count, Integer::sum));
    String reasons =
        needs.entrySet().stream()
            .sorted(
                Comparator.<Map.Entry<String, Integer>>comparingInt(e -> -e.getValue())
                    .thenComparing(Map.Entry::getKey))
            .map(e -> e.getValue() + " " + e.getKey())
            .collect(Collectors.joining("; "));
    return String.format(Locale.ROOT, "%,d run, %,d failed, %,d skipped", run, failed, sum)
        + (sum == 0 ? "" : " (" + reasons + ")");
  }
}
