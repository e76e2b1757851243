package io.vpasid.synth.quirk;

import static io.vpasid.synth.quirk.QuirkFileShape.*;

import io.vpasid.pci.ByteRange;
import io.vpasid.synth.json.Fields;
import io.vpasid.synth.json.FileShape;
import io.vpasid.synth.json.Form;
import io.vpasid.synth.json.JsonCursor;
import io.vpasid.synth.json.JsonCursor.Place;
import io.vpasid.synth.json.JsonFileException;
import io.vpasid.synth.json.Key;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Reads one quirk file, whose keys stand in [QuirkFileShape]; this reader also checks that ids are
/// unique.
///
/// ```text
/// { "format": 1,
///   "quirks": [
///     { "id": "acme-rocket", "name": "ACME Rocket", "source": "ACME data sheet 7, table 12",
///       "match": { "vendor": "0x1234", "device": ["0x0001", "0x0010-0x001f"] },
///       "hidden": [
///         { "offset": "0xff8", "length": 4, "access": "rw", "what": "doorbell" },
///         { "offset": "0x488", "mask": "0x02000000", "what": "audio enable" } ] } ] }
/// ```
///
/// The file may come from anyone who can write to a quirk folder. Its size, its number of quirks
/// and the length of its texts have limits, and whatever its bytes are, the only exception is
/// [JsonFileException].
final class QuirkFileReader {
  /// Most bytes of one file.
  static final int MAX_BYTES = 16 << 20;

  /// Most problems of one file that are collected.
  static final int MAX_PROBLEMS = 100;

  private final JsonCursor json;
  private final String layer;
  private final List<Quirk> quirks = new ArrayList<>();

  /// The place where each id was given.
  private final Map<String, Place> places = new HashMap<>();

  /// Mistakes in single quirks; used only by [#collect].
  private final List<JsonFileException> problems = new ArrayList<>();

  private final boolean collecting;

  private QuirkFileReader(JsonCursor json, String layer, boolean collecting) {
    this.json = json;
    this.layer = layer;
    this.collecting = collecting;
  }

  /// The quirks of `file`, in its order.
  ///
  /// @throws JsonFileException if it cannot be read or is wrong
  static List<Quirk> read(Path file, String layer) {
    return read(JsonCursor.open(file, MAX_BYTES), layer);
  }

  /// The quirks in `bytes`, in their order.
  ///
  /// @param file what messages and sources call the file
  /// @throws JsonFileException if they are not a quirk file
  static List<Quirk> read(byte[] bytes, String file, String layer) {
    return read(JsonCursor.of(bytes, file, MAX_BYTES), layer);
  }

  /// The quirks of `file` that can be read. A quirk that is wrong is left out, and so is everything
  /// behind the place where the file as a whole is.
  ///
  /// @param problems receives what is wrong, the first problem of each quirk, at most
  ///   [#MAX_PROBLEMS] of them
  static List<Quirk> collect(Path file, String layer, List<JsonFileException> problems) {
    List<Quirk> quirks = new ArrayList<>();
    try {
      QuirkFileReader reader = new QuirkFileReader(JsonCursor.open(file, MAX_BYTES), layer, true);
      try {
        var _ = reader.readFile();
      } finally {
        problems.addAll(reader.problems);
        quirks.addAll(reader.quirks);
      }
    } catch (JsonFileException e) {
      problems.add(e);
    }
    return quirks;
  }

  /// The same quirks, and the same address of a schema, as [QuirkFileText] writes them.
  ///
  /// @throws JsonFileException if the file cannot be read or is wrong
  static String rewritten(Path file) {
    QuirkFileReader reader =
        new QuirkFileReader(JsonCursor.open(file, MAX_BYTES), QuirkTable.COMMAND_LINE, false);
    Fields fields = reader.readFile();
    return QuirkFileText.of(fields.find(FileShape.SCHEMA).orElse(""), reader.quirks);
  }

  private static List<Quirk> read(JsonCursor json, String layer) {
    QuirkFileReader reader = new QuirkFileReader(json, layer, false);
    var _ = reader.readFile();
    return reader.quirks;
  }

  private Fields readFile() {
    Key<?> all = QuirkFileShape.quirks(Form.of(this::readQuirks, QUIRK.list()::describe));
    return QuirkFileShape.file(all).read(json);
  }

  private List<Quirk> readQuirks(JsonCursor cursor, String what) {
    int depth = cursor.depth();
    cursor.list(what, () -> readQuirkOrCollect(depth));
    return quirks;
  }

  /// @param depth of the list
  private void readQuirkOrCollect(int depth) {
    try {
      if (quirks.size() == MAX_QUIRKS) {
        throw json.wrong(
            "more than " + MAX_QUIRKS + " quirks in one file; split it into several files");
      }
      quirks.add(quirk(QUIRK.read(json, json.place())));
    } catch (JsonFileException e) {
      if (!collecting || problems.size() >= MAX_PROBLEMS - 1 || !json.leaveTo(depth)) {
        throw e;
      }
      problems.add(e);
    }
  }

  private Quirk quirk(Fields fields) {
    String id = fields.get(ID);
    Place first = places.putIfAbsent(id, fields.place(ID));
    if (first != null) {
      throw fields.wrong(
          ID,
          "the id %s is already used in line %d; choose another"
              .formatted(JsonCursor.quote(id), first.line()));
    }
    QuirkSource source = new QuirkSource(layer, json.file(), id);
    MatchedQuirks effects =
        new MatchedQuirks(
            fields.find(HIDDEN).orElse(List.of()).stream()
                .map(hidden -> hiddenBits(hidden, source))
                .sorted(HiddenBits.BY_OFFSET)
                .toList(),
            decision(fields, PLACE, source),
            decisions(fields, AVAILABLE, source),
            decisions(fields, SHADOW, source),
            decision(fields, MAX_WIDTH, source),
            decision(fields, EXEC, source),
            decision(fields, PRIV, source),
            decision(fields, REFUSE, source));
    return new Quirk(
        source,
        fields.place().line(),
        fields.place().column(),
        fields.get(NAME),
        fields.get(SOURCE),
        fields.find(NOTES).orElse(""),
        fields.get(MATCH),
        effects);
  }

  private static <T> Optional<Decision<T>> decision(Fields quirk, Key<T> key, QuirkSource source) {
    return quirk.find(key).map(value -> new Decision<>(value, source));
  }

  private static List<Decision<ByteRange>> decisions(
      Fields quirk, Key<List<ByteRange>> key, QuirkSource source) {
    return quirk.find(key).orElse(List.of()).stream()
        .map(range -> new Decision<>(range, source))
        .toList();
  }

  private static HiddenBits hiddenBits(Fields hidden, QuirkSource source) {
    int offset = hidden.get(OFFSET);
    Access access = hidden.get(ACCESS);
    Evidence evidence = hidden.get(EVIDENCE);
    String what = hidden.get(WHAT);
    return hidden
        .find(MASK)
        .map(mask -> HiddenBits.masked(offset, mask.intValue(), access, evidence, what, source))
        .orElseGet(() ->
            HiddenBits.allOf(
                new ByteRange(offset, hidden.get(LENGTH)), access, evidence, what, source));
  }
}
