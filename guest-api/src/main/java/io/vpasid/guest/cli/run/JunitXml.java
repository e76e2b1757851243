package io.vpasid.guest.cli.run;

import io.vpasid.guest.scenario.Scenario;
import io.vpasid.guest.scenario.ScenarioFiles;
import io.vpasid.guest.scenario.ScenarioResult;
import io.vpasid.guest.scenario.ScenarioResult.Verdict;
import java.io.IOException;
import java.io.Writer;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import javax.xml.stream.XMLOutputFactory;
import javax.xml.stream.XMLStreamException;
import javax.xml.stream.XMLStreamWriter;

/// The results of a batch in the XML that JUnit's Ant task made common and every CI reads.
///
/// A `testsuite` stands for each file, a `testcase` for each run. A file that is wrong is a case
/// with an `error`; a run that did not come to its turn is `skipped`, and a suite of its own then
/// has an `error` that says why. Names are the same in every run; the seed is a property.
public final class JunitXml implements BatchReport {
  /// A character that XML 1.0 cannot hold.
  private static final String NOT_XML = "[^\\t\\n\\r\\x20-\\ud7ff\\ue000-\\ufffd]";

  private static final String WHOLE = "vpasid run";

  /// The first characters of each.
  public static final String BEGIN =
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"" + WHOLE + "\">";

  private final List<ScenarioFiles.Broken> broken;
  private final ScenarioBatch batch;
  private final List<ScenarioResult> results = new ArrayList<>();

  /// A `testcase` element.
  ///
  /// @param text what the element inside says besides the message
  private record Case(
      String suite, String name, long nanos, Kind kind, String message, String text) {}

  private enum Kind {
    PASSED(""),
    FAILED("failure"),
    SKIPPED("skipped"),
    ERROR("error");

    /// The element inside.
    private final String element;

    Kind(String element) {
      this.element = element;
    }
  }

  /// No results yet.
  ///
  /// @param broken files that cannot be used
  /// @param batch what is to run
  JunitXml(List<ScenarioFiles.Broken> broken, ScenarioBatch batch) {
    this.broken = List.copyOf(broken);
    this.batch = batch;
  }

  @Override
  public synchronized void add(ScenarioResult result) {
    results.add(result);
  }

  @Override
  public synchronized void write(Writer to, Optional<String> problem) throws IOException {
    Map<String, List<Case>> suites = new LinkedHashMap<>();
    for (Case one : cases(problem)) {
      suites.computeIfAbsent(one.suite, _ -> new ArrayList<>()).add(one);
    }
    try {
      XMLStreamWriter xml = XMLOutputFactory.newFactory().createXMLStreamWriter(to);
      xml.writeStartDocument("UTF-8", "1.0");
      xml.writeCharacters("\n");
      xml.writeStartElement("testsuites");
      xml.writeAttribute("name", WHOLE);
      for (Map.Entry<String, List<Case>> suite : suites.entrySet()) {
        write(xml, suite.getKey(), suite.getValue());
      }
      xml.writeCharacters("\n");
      xml.writeEndElement();
      xml.writeCharacters("\n");
      xml.writeEndDocument();
      xml.flush();
    } catch (XMLStreamException e) {
      throw new IOException(e.getMessage(), e);
    }
  }

  private List<Case> cases(Optional<String> problem) {
    List<Case> cases = new ArrayList<>();
    problem.ifPresent(why -> cases.add(new Case(WHOLE, "all runs", 0, Kind.ERROR, why, why)));
    for (ScenarioFiles.Broken b : broken) {
      cases.add(new Case(b.file(), b.name(), 0, Kind.ERROR, b.message(), b.message()));
    }
    int next = 0;
    for (int round = 0; round < batch.repeat(); round++) {
      for (Scenario scenario : batch.scenarios()) {
        String name = scenario.name() + (round == 0 ? "" : " (round " + (round + 1) + ")");
        cases.add(
            next < results.size()
                ? of(name, results.get(next))
                : new Case(fileOf(scenario), name, 0, Kind.SKIPPED, "not run", ""));
        next++;
      }
    }
    return cases;
  }

  private static String fileOf(Scenario scenario) {
    return scenario.file().toString();
  }

  private static Case of(String name, ScenarioResult result) {
    String suite = fileOf(result.scenario());
    long nanos = result.took().toNanos();
    return switch (result.verdict()) {
      case Verdict.Passed _ -> new Case(suite, name, nanos, Kind.PASSED, "", "");
      case Verdict.Skipped s -> new Case(suite, name, nanos, Kind.SKIPPED, s.reason(), "");
      case Verdict.Failed f ->
          new Case(
              suite,
              name,
              nanos,
              Kind.FAILED,
              f.message(),
              "%s%n%s: %s%nseed %d"
                  .formatted(String.join("\n", f.trace()), f.place(), f.message(), result.seed()));
    };
  }

  private void write(XMLStreamWriter xml, String name, List<Case> cases) throws XMLStreamException {
    xml.writeCharacters("\n  ");
    xml.writeStartElement("testsuite");
    xml.writeAttribute("name", clean(name));
    xml.writeAttribute("tests", Integer.toString(cases.size()));
    xml.writeAttribute("failures", count(cases, Kind.FAILED));
    xml.writeAttribute("errors", count(cases, Kind.ERROR));
    xml.writeAttribute("skipped", count(cases, Kind.SKIPPED));
    xml.writeAttribute("time", seconds(cases.stream().mapToLong(Case::nanos).sum()));
    xml.writeCharacters("\n    ");
    xml.writeStartElement("properties");
    xml.writeEmptyElement("property");
    xml.writeAttribute("name", "seed");
    xml.writeAttribute("value", Long.toString(batch.seed()));
    xml.writeEndElement();
    for (Case one : cases) {
      write(xml, one);
    }
    xml.writeCharacters("\n  ");
    xml.writeEndElement();
  }

  private static void write(XMLStreamWriter xml, Case one) throws XMLStreamException {
    xml.writeCharacters("\n    ");
    xml.writeStartElement("testcase");
    xml.writeAttribute("classname", clean(one.suite));
    xml.writeAttribute("name", clean(one.name));
    xml.writeAttribute("time", seconds(one.nanos));
    if (one.kind != Kind.PASSED) {
      xml.writeStartElement(one.kind.element);
      xml.writeAttribute("message", clean(one.message));
      xml.writeCharacters(clean(one.text));
      xml.writeEndElement();
    }
    xml.writeEndElement();
  }

  private static String count(List<Case> cases, Kind kind) {
    return Long.toString(cases.stream().filter(c -> c.kind == kind).count());
  }

  private static String seconds(long nanos) {
    return String.format(Locale.ROOT, "%.6f", nanos / 1e9);
  }

  private static String clean(String text) {
    return text.replaceAll(NOT_XML, "?");
  }
}
