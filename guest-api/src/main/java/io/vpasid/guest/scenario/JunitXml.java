package io.vpasid.guest.scenario;

import java.io.Writer;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import javax.xml.stream.XMLOutputFactory;
import javax.xml.stream.XMLStreamException;
import javax.xml.stream.XMLStreamWriter;

/// Writes results in the XML that JUnit's Ant task made common and every CI reads: a `testsuite`
/// for each file, a `testcase` for each run.
public final class JunitXml {
  /// A character that XML 1.0 cannot hold.
  private static final String NOT_XML = "[^\\t\\n\\r\\x20-\\ud7ff\\ue000-\\ufffd]";

  private final Map<String, List<ScenarioResult>> suites = new LinkedHashMap<>();

  /// No results yet.
  public JunitXml() {}

  /// Adds a result.
  public void add(ScenarioResult result) {
    suites.computeIfAbsent(result.scenario().file().toString(), _ -> new ArrayList<>()).add(result);
  }

  /// Writes all of them.
  ///
  /// @param to receives the text; it is flushed and stays open
  /// @throws IllegalStateException if it cannot be written
  public void write(Writer to) {
    try {
      XMLStreamWriter xml = XMLOutputFactory.newFactory().createXMLStreamWriter(to);
      xml.writeStartDocument("UTF-8", "1.0");
      xml.writeCharacters("\n");
      xml.writeStartElement("testsuites");
      for (Map.Entry<String, List<ScenarioResult>> suite : suites.entrySet()) {
        write(xml, suite.getKey(), suite.getValue());
      }
      xml.writeCharacters("\n");
      xml.writeEndElement();
      xml.writeCharacters("\n");
      xml.writeEndDocument();
      xml.flush();
    } catch (XMLStreamException e) {
      throw new IllegalStateException("The report cannot be written: " + e.getMessage(), e);
    }
  }

  private static void write(XMLStreamWriter xml, String file, List<ScenarioResult> results)
      throws XMLStreamException {
    xml.writeCharacters("\n  ");
    xml.writeStartElement("testsuite");
    xml.writeAttribute("name", clean(file));
    xml.writeAttribute("tests", Integer.toString(results.size()));
    xml.writeAttribute("failures", count(results, ScenarioResult.Verdict.Failed.class));
    xml.writeAttribute("skipped", count(results, ScenarioResult.Verdict.Skipped.class));
    xml.writeAttribute("errors", "0");
    xml.writeAttribute("time", seconds(results.stream().mapToLong(r -> r.took().toNanos()).sum()));
    for (ScenarioResult result : results) {
      xml.writeCharacters("\n    ");
      xml.writeStartElement("testcase");
      xml.writeAttribute("classname", clean(file));
      xml.writeAttribute("name", clean(result.scenario().name() + " (seed " + result.seed() + ")"));
      xml.writeAttribute("time", seconds(result.took().toNanos()));
      switch (result.verdict()) {
        case ScenarioResult.Verdict.Passed _ -> {}
        case ScenarioResult.Verdict.Failed f -> {
          xml.writeStartElement("failure");
          xml.writeAttribute("message", clean(f.message()));
          xml.writeCharacters(clean(f.place() + ": " + f.message()));
          xml.writeEndElement();
        }
        case ScenarioResult.Verdict.Skipped s -> {
          xml.writeStartElement("skipped");
          xml.writeAttribute("message", clean(s.reason()));
          xml.writeEndElement();
        }
      }
      xml.writeEndElement();
    }
    xml.writeCharacters("\n  ");
    xml.writeEndElement();
  }

  private static String count(
      List<ScenarioResult> results, Class<? extends ScenarioResult.Verdict> kind) {
    return Long.toString(results.stream().filter(r -> kind.isInstance(r.verdict())).count());
  }

  private static String seconds(long nanos) {
    return String.format(Locale.ROOT, "%.6f", nanos / 1e9);
  }

  private static String clean(String text) {
    return text.replaceAll(NOT_XML, "?");
  }
}
