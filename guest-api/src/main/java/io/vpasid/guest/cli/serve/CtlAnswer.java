package io.vpasid.guest.cli.serve;

import io.vpasid.guest.control.ControlCommand;
import java.io.PrintWriter;
import java.time.Instant;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// An answer of a daemon, for people: lists as tables, objects as lines, nothing as `done`.
final class CtlAnswer {
  private static final DateTimeFormatter CLOCK =
      DateTimeFormatter.ofPattern("HH:mm:ss.SSS", Locale.ROOT).withZone(ZoneId.systemDefault());

  private CtlAnswer() {}

  static void print(ControlCommand command, JsonNode answer, PrintWriter out) {
    switch (command) {
      case QUERY_PAGE -> out.println(answer.path("address").asString(""));
      case QUERY_METRICS -> out.print(answer.path("text").asString(""));
      case QUERY_ATTACHMENTS -> {
        table(answer.path("attachments"), "nothing is attached", out);
        if (answer.path("more").asBoolean(false)) {
          out.println("and more; go on with first=PASID, or raise limit");
        }
      }
      case QUERY_FUNCTIONS -> table(answer, "no functions", out);
      case QUERY_IOMMUS -> table(answer, "no IOMMUs", out);
      case QUERY_IOMMU -> iommu(answer, out);
      case ADDRESS_SPACE_LIST -> table(answer, "no address spaces", out);
      case QUERY_TENANTS -> table(answer, "no tenants", out);
      case QUERY_COMMANDS -> commands(answer, out);
      default -> object(answer, "", out);
    }
  }

  /// The state, and each entry with the way to it through the guest's tables.
  private static void iommu(JsonNode answer, PrintWriter out) {
    ObjectNode state = ((ObjectNode) answer).deepCopy();
    state.remove(List.of("entries", "more"));
    object(state, "", out);
    out.println();
    JsonNode entries = answer.path("entries");
    if (entries.isEmpty()) {
      out.println("The guest's tables have no entry that counts.");
    }
    for (JsonNode entry : entries) {
      out.printf(
          "%s (%s)%s: %s%n    %-11s %s%n",
          entry.path("function").asString(""),
          entry.path("place").asString(""),
          entry.has("pasid") ? " PASID " + entry.path("pasid").asInt(0) : "",
          entry.path("entry").asString(""),
          "attached to",
          entry.path("attached").asString(""));
      for (JsonNode table : entry.path("tables")) {
        out.printf(
            "    %-11s %-12s %s%n",
            table.path("table").asString(""),
            table.path("address").asString(""),
            words(table.path("words")));
      }
    }
    if (answer.path("more").asBoolean(false)) {
      out.println("and more; raise limit");
    }
  }

  /// The words of an entry, without the zeros at its end.
  private static String words(JsonNode list) {
    List<String> words = new ArrayList<>(list.valueStream().map(CtlAnswer::text).toList());
    while (words.size() > 1 && words.getLast().equals("0x0")) {
      words.removeLast();
    }
    return String.join(" ", words);
  }

  private static void commands(JsonNode answer, PrintWriter out) {
    for (JsonNode command : answer) {
      out.printf(
          "%s %s%n    %s%n",
          command.path("name").asString(""),
          command
              .path("arguments")
              .valueStream()
              .map(a ->
                  a.path("optional").asBoolean(false)
                      ? "[" + a.path("name").asString("") + "]"
                      : a.path("name").asString(""))
              .collect(Collectors.joining(" ")),
          command.path("description").asString(""));
    }
  }

  static void printEvent(JsonNode event, PrintWriter out) {
    JsonNode time = event.path("timestamp");
    Instant when =
        Instant.ofEpochSecond(
            time.path("seconds").asLong(0), time.path("microseconds").asLong(0) * 1000);
    out.printf(
        "%s %s%s%n",
        CLOCK.format(when),
        event.path("event").asString(""),
        event
            .path("data")
            .propertyStream()
            .map(e -> " " + e.getKey() + "=" + text(e.getValue()))
            .collect(Collectors.joining()));
  }

  /// Prints a list of objects, all with the keys of the first, under their names.
  private static void table(JsonNode list, String none, PrintWriter out) {
    if (list.isEmpty()) {
      out.println(none);
      return;
    }
    List<String> keys = new ArrayList<>();
    for (JsonNode row : list) {
      row.propertyNames().stream().filter(k -> !keys.contains(k)).forEach(keys::add);
    }
    List<List<String>> rows = new ArrayList<>();
    rows.add(keys.stream().map(key -> key.toUpperCase(Locale.ROOT)).toList());
    for (JsonNode row : list) {
      rows.add(keys.stream().map(key -> text(row.path(key))).toList());
    }
    int[] widths = new int[keys.size()];
    for (List<String> row : rows) {
      for (int i = 0; i < widths.length; i++) {
        widths[i] = Math.max(widths[i], row.get(i).length());
      }
    }
    for (List<String> row : rows) {
      StringBuilder line = new StringBuilder();
      for (int i = 0; i < widths.length; i++) {
        line.append(row.get(i)).repeat(' ', widths[i] - row.get(i).length() + 2);
      }
      out.println(line.toString().stripTrailing());
    }
  }

  private static void object(JsonNode object, String indent, PrintWriter out) {
    if (object.isEmpty()) {
      out.println(indent + "done");
      return;
    }
    for (Map.Entry<String, JsonNode> entry : object.properties()) {
      JsonNode value = entry.getValue();
      String label = indent + entry.getKey();
      if (value.isObject() && !value.isEmpty()) {
        out.println(label);
        object(value, indent + "  ", out);
      } else if (value.isArray() && value.valueStream().anyMatch(JsonNode::isObject)) {
        out.println(label);
        value.forEach(item -> out.println(indent + "  " + oneLine(item)));
      } else if (value.isArray()) {
        String first = String.format(Locale.ROOT, "%-24s ", label);
        for (JsonNode item : value) {
          out.println(first + text(item));
          first = " ".repeat(first.length());
        }
      } else {
        out.printf("%-24s %s%n", label, text(value));
      }
    }
  }

  /// A check of the preflight and the like: the values of an object that are no lists.
  private static String oneLine(JsonNode item) {
    return item.properties().stream()
        .filter(e -> e.getValue().isValueNode())
        .filter(e -> !e.getKey().equals("rule") && !e.getKey().equals("source"))
        .map(e -> text(e.getValue()))
        .collect(Collectors.joining("  "));
  }

  private static String text(JsonNode value) {
    if (value.isMissingNode() || value.isNull()) {
      return "-";
    }
    if (value.isBoolean()) {
      return value.booleanValue() ? "yes" : "no";
    }
    if (value.isArray()) {
      return value.isEmpty()
          ? "-"
          : value.valueStream().map(CtlAnswer::text).collect(Collectors.joining(","));
    }
    return value.isString() ? value.stringValue() : value.toString();
  }
}
