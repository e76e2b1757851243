package io.vpasid.guest.daemon;

import io.vpasid.guest.daemon.HttpServer.Answer;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;

/// Metrics in Prometheus' text format 0.0.4, of which this is all that is needed:
///
/// ```text
/// # HELP vpasid_pasids_attached PASIDs that are attached.
/// # TYPE vpasid_pasids_attached gauge
/// vpasid_pasids_attached{function="dsa"} 3
/// ```
final class Metrics {
  /// The media type that Prometheus asks for and is answered with.
  static final String CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

  /// Serves metrics at `/metrics`.
  ///
  /// @param text makes them
  static HttpServer.Handler served(Supplier<String> text) {
    return request -> CompletableFuture.completedFuture(answer(request, text));
  }

  private static Answer answer(HttpServer.Request request, Supplier<String> text) {
    if (!request.path().equals("/metrics")) {
      return Answer.Whole.text(404, "see /metrics\n");
    }
    return switch (request.method()) {
      case "GET", "HEAD" -> new Answer.Whole(200, CONTENT_TYPE, text.get(), List.of());
      default -> Answer.Whole.text(405, "the metrics can only be read\n", "Allow: GET, HEAD");
    };
  }

  /// All samples of one name.
  private record Family(String help, String type, StringBuilder samples) {}

  private final Map<String, Family> families = new LinkedHashMap<>();

  /// Adds a value that goes up and down.
  ///
  /// @param labels names and values, in turn
  Metrics gauge(String name, String help, double value, String... labels) {
    return sample(name, help, "gauge", value, labels);
  }

  /// Adds a value that only goes up.
  ///
  /// @param name ends in `_total`
  /// @param labels names and values, in turn
  Metrics counter(String name, String help, long value, String... labels) {
    return sample(name, help, "counter", (double) value, labels);
  }

  private Metrics sample(String name, String help, String type, double value, String... labels) {
    StringBuilder to =
        families.computeIfAbsent(name, _ -> new Family(help, type, new StringBuilder())).samples();
    to.append(name);
    for (int i = 0; i < labels.length; i += 2) {
      to.append(i == 0 ? '{' : ',').append(labels[i]).append("=\"");
      to.append(escaped(labels[i + 1])).append('"');
    }
    to.append(labels.length == 0 ? " " : "} ").append(number(value)).append('\n');
    return this;
  }

  /// Adds all of another text in this format, with one label more for each sample. Lines that are
  /// not in it are left out.
  ///
  /// @param label its name
  /// @param value its value
  void merge(String text, String label, String value) {
    String added = label + "=\"" + escaped(value) + '"';
    Map<String, String> helps = new HashMap<>();
    Family family = null;
    for (String line : text.split("\n", -1)) {
      String[] words = line.split(" ", 4);
      if (line.startsWith("# HELP ") && words.length == 4) {
        helps.put(words[2], words[3]);
      } else if (line.startsWith("# TYPE ") && words.length == 4) {
        String help = helps.getOrDefault(words[2], "");
        family =
            families.computeIfAbsent(
                words[2], _ -> new Family(help, words[3], new StringBuilder()));
      } else if (family != null && words.length >= 2) {
        int brace = line.indexOf('{');
        int space = line.indexOf(' ');
        boolean hasLabels = brace >= 0 && brace < space;
        int at = hasLabels ? brace : space;
        family
            .samples
            .append(line, 0, at)
            .append('{')
            .append(added)
            .append(hasLabels ? "," : "}")
            .append(line, hasLabels ? at + 1 : at, line.length())
            .append('\n');
      }
    }
  }

  private static String escaped(String label) {
    return label.replace("\\", "\\\\").replace("\"", "\\\"").replace("\n", "\\n");
  }

  private static String number(double value) {
    return value == Math.rint(value) && Math.abs(value) < 1e15
        ? Long.toString((long) value)
        : String.format(Locale.ROOT, "%.3f", value);
  }

  /// The text.
  @Override
  public String toString() {
    StringBuilder text = new StringBuilder();
    families.forEach((name, family) ->
        text.append("# HELP ")
            .append(name)
            .append(' ')
            .append(family.help)
            .append("\n# TYPE ")
            .append(name)
            .append(' ')
            .append(family.type)
            .append('\n')
            .append(family.samples));
    return text.toString();
  }
}
