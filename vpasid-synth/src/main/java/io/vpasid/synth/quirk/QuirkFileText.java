package io.vpasid.synth.quirk;

import io.vpasid.pci.ByteRange;
import io.vpasid.synth.json.JsonFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import tools.jackson.core.io.JsonStringEncoder;

/// Writes quirks as a quirk file: two blanks per level, one line for each hidden register, long
/// lists of ids wrapped.
///
/// What is written is read back as the same quirks, except for their source.
public final class QuirkFileText {
  /// The column at which a list is wrapped.
  private static final int WIDTH = 100;

  /// A key of a quirk and what stands behind the colon.
  private record Member(String key, String value) {}

  private QuirkFileText() {}

  /// A file with these quirks.
  ///
  /// @param schema the schema's address, for editors; empty to leave it out
  public static String of(String schema, List<Quirk> quirks) {
    StringBuilder text = new StringBuilder("{\n");
    if (!schema.isEmpty()) {
      text.append("  \"$schema\": ").append(string(schema)).append(",\n");
    }
    text.append("  \"format\": ").append(QuirkFileShape.FORMAT).append(",\n  \"quirks\": [");
    text.append(quirks.stream().map(QuirkFileText::quirk).collect(Collectors.joining(",")));
    return text.append(quirks.isEmpty() ? "]\n}\n" : "\n  ]\n}\n").toString();
  }

  /// The text of `file` in this form: nothing but the form changes, and the order of hidden
  /// registers, which ascends.
  ///
  /// @throws JsonFileException if the file cannot be read or is wrong
  public static String of(Path file) {
    return QuirkFileReader.rewritten(file);
  }

  private static String quirk(Quirk quirk) {
    MatchedQuirks effects = quirk.effects();
    List<Member> members = new ArrayList<>();
    members.add(new Member("id", string(quirk.id())));
    members.add(new Member("name", string(quirk.name())));
    members.add(new Member("match", matches(quirk.matches())));
    if (!effects.hiddenBits().isEmpty()) {
      members.add(
          new Member(
              "hidden",
              effects.hiddenBits().stream()
                  .map(QuirkFileText::hiddenBits)
                  .collect(Collectors.joining(",\n        ", "[\n        ", "\n      ]"))));
    }
    effects
        .pinnedOffset()
        .ifPresent(place -> members.add(new Member("place", '"' + offset(place.value()) + '"')));
    ranges("available", effects.available(), members);
    ranges("shadow", effects.shadowing(), members);
    effects
        .maxWidth()
        .ifPresent(width -> members.add(new Member("maxWidth", width.value().toString())));
    effects.exec().ifPresent(exec -> members.add(new Member("exec", "false")));
    effects.priv().ifPresent(priv -> members.add(new Member("priv", "false")));
    effects
        .refusal()
        .ifPresent(refusal -> members.add(new Member("refuse", string(refusal.value()))));
    members.add(new Member("source", string(quirk.citation())));
    if (!quirk.notes().isEmpty()) {
      members.add(new Member("notes", string(quirk.notes())));
    }
    return members.stream()
        .map(m -> "      \"" + m.key + "\": " + m.value)
        .collect(Collectors.joining(",\n", "\n    {\n", "\n    }"));
  }

  private static String matches(List<QuirkMatch> matches) {
    if (matches.size() == 1) {
      return match(matches.getFirst(), " ".repeat(6));
    }
    String indent = " ".repeat(8);
    return matches.stream()
        .map(m -> indent + match(m, indent))
        .collect(Collectors.joining(",\n", "[\n", "\n      ]"));
  }

  private static String match(QuirkMatch match, String indent) {
    List<Member> members = new ArrayList<>();
    if (match.vendor() != QuirkMatch.ANY) {
      members.add(new Member("vendor", String.format(Locale.ROOT, "\"0x%04x\"", match.vendor())));
    }
    alternatives("device", match.devices(), indent, members);
    alternatives("subsystem", match.subsystems(), indent, members);
    alternatives("class", match.classes(), indent, members);
    alternatives(
        "revision", match.revisions().stream().map(IdRange::toRevisions).toList(), indent, members);
    match
        .kind()
        .ifPresent(kind -> members.add(new Member("function", '"' + kind.toString() + '"')));
    String line =
        members.stream()
            .map(m -> '"' + m.key + "\": " + m.value)
            .collect(Collectors.joining(", ", "{ ", " }"));
    if (indent.length() + line.length() <= WIDTH && !line.contains("\n")) {
      return line;
    }
    return members.stream()
        .map(m -> indent + "  \"" + m.key + "\": " + m.value)
        .collect(Collectors.joining(",\n", "{\n", '\n' + indent + '}'));
  }

  private static void alternatives(
      String key, List<?> values, String indent, List<Member> members) {
    List<String> strings = values.stream().map(v -> "\"" + v + '"').toList();
    if (strings.size() == 1) {
      members.add(new Member(key, strings.getFirst()));
    } else if (!strings.isEmpty()) {
      String line = '[' + String.join(", ", strings) + ']';
      boolean fits = indent.length() + key.length() + line.length() + 6 <= WIDTH;
      members.add(new Member(key, fits ? line : wrapped(strings, indent + "    ")));
    }
  }

  private static String wrapped(List<String> strings, String indent) {
    StringBuilder text = new StringBuilder("[\n").append(indent);
    int column = indent.length();
    for (String string : strings) {
      boolean first = column == indent.length();
      if (!first && column + 1 + string.length() + 1 > WIDTH) {
        text.append('\n').append(indent);
        column = indent.length();
      } else if (!first) {
        text.append(' ');
        column++;
      }
      text.append(string).append(',');
      column += string.length() + 1;
    }
    text.setLength(text.length() - 1);
    return text.append('\n').append(indent, 0, indent.length() - 2).append(']').toString();
  }

  private static String hiddenBits(HiddenBits bits) {
    StringBuilder text = new StringBuilder("{ ");
    if (bits.isWholeBytes()) {
      text.append("\"offset\": \"").append(offset(bits.range().offset()));
      text.append("\", \"length\": ").append(bits.range().length());
    } else {
      text.append("\"offset\": \"").append(offset(bits.range().offset() & ~3));
      text.append(String.format(Locale.ROOT, "\", \"mask\": \"0x%08x\"", bits.mask()));
    }
    if (bits.access() != Access.UNKNOWN) {
      text.append(", \"access\": \"").append(bits.access()).append('"');
    }
    if (bits.evidence() != Evidence.UNSTATED) {
      text.append(", \"evidence\": \"").append(bits.evidence()).append('"');
    }
    return text.append(", \"what\": ").append(string(bits.what())).append(" }").toString();
  }

  private static void ranges(String key, List<Decision<ByteRange>> ranges, List<Member> members) {
    if (!ranges.isEmpty()) {
      members.add(
          new Member(
              key,
              ranges.stream()
                  .map(r -> offset(r.value().offset()) + '-' + offset(r.value().end() - 1))
                  .collect(Collectors.joining("\", \"", "[\"", "\"]"))));
    }
  }

  private static String offset(int offset) {
    return String.format(Locale.ROOT, offset < 0x100 ? "0x%02x" : "0x%03x", offset);
  }

  private static String string(String text) {
    return '"' + new String(JsonStringEncoder.getInstance().quoteAsCharArray(text)) + '"';
  }
}
