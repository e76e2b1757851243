package io.vpasid.synth.quirk;

import io.vpasid.pci.ByteRange;
import io.vpasid.pci.ConfigSpace;
import io.vpasid.synth.HardwareInfo;
import io.vpasid.synth.json.JsonCursor;
import io.vpasid.synth.json.JsonCursor.Place;
import io.vpasid.synth.json.JsonFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Reads one quirk file. `quirks.schema.json`, beside this class, describes the format; this reader
/// also checks what a schema cannot say: that ids are unique, that ranges are the right way round
/// and end inside the configuration space.
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
/// Ids, offsets and masks are hexadecimal strings only, because `"device": 2080` would be read by
/// every person as 0x2080; lengths are plain numbers or hexadecimal strings, widths are plain
/// numbers.
///
/// The file may come from anyone who can write to a quirk folder. Its size, its number of quirks
/// and the length of its texts have limits, and whatever its bytes are, the only exception is
/// [JsonFileException].
final class QuirkFileReader {
  /// Most bytes of one file.
  static final int MAX_BYTES = 16 << 20;

  /// Most quirks in one file.
  static final int MAX_QUIRKS = 65_536;

  /// Most characters of one text.
  static final int MAX_TEXT = 4_000;

  /// Most problems of one file that are collected.
  static final int MAX_PROBLEMS = 100;

  /// The version of the format that this reader knows.
  static final int FORMAT = 1;

  static final List<String> FILE_KEYS = List.of("$schema", "format", "quirks");
  static final List<String> QUIRK_KEYS =
      List.of(
          "id",
          "name",
          "match",
          "hidden",
          "place",
          "available",
          "shadow",
          "maxWidth",
          "exec",
          "priv",
          "refuse",
          "source",
          "notes");

  /// The keys that say something about the devices; a quirk needs one.
  static final List<String> EFFECT_KEYS = QUIRK_KEYS.subList(3, 11);

  static final List<String> MATCH_KEYS =
      List.of("vendor", "device", "subsystem", "class", "revision", "function");
  static final List<String> HIDDEN_KEYS =
      List.of("offset", "length", "mask", "access", "evidence", "what");

  private static final List<String> ACCESS_WORDS = List.of("ro", "rw", "unknown");
  private static final List<String> EVIDENCE_WORDS = List.of("documented", "driver", "observed");
  private static final List<String> FUNCTION_WORDS = List.of("physical", "virtual");

  private static final Pattern ID = Pattern.compile("[a-z0-9][a-z0-9._-]{0,99}");
  private static final Pattern SUBSYSTEM =
      Pattern.compile("(0x[0-9a-fA-F]{1,16})(?::(0x[0-9a-fA-F]{1,16}))?");
  private static final Pattern CLASS = Pattern.compile("0x([0-9a-fA-Fx]{6})");

  private static final int ID_MAX = 0xffff;
  private static final int REVISION_MAX = 0xff;
  private static final int OFFSET_MAX = ConfigSpace.EXTENDED_SIZE - 1;
  private static final int EXTENDED_START = ConfigSpace.STANDARD_SIZE;
  private static final int PASID_CAPABILITY_SIZE = 8;
  private static final int LAST_PLACE = ConfigSpace.EXTENDED_SIZE - PASID_CAPABILITY_SIZE;

  private static final Place NOWHERE = new Place(0, 0);

  /// Stands in hidden bits until the quirk's id is known.
  private static final QuirkSource NOT_YET_KNOWN = new QuirkSource("", "", "");

  private final JsonCursor json;
  private final String layer;
  private final List<Quirk> quirks = new ArrayList<>();

  /// Where each id was given.
  private final Map<String, Place> places = new HashMap<>();

  /// What is wrong with single quirks; used only by [#collect].
  private final List<JsonFileException> problems = new ArrayList<>();

  private final boolean collecting;
  private String schema = "";
  private boolean quirksSeen;

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
        reader.readFile();
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
    reader.readFile();
    return QuirkFileText.of(reader.schema, reader.quirks);
  }

  private static List<Quirk> read(JsonCursor json, String layer) {
    QuirkFileReader reader = new QuirkFileReader(json, layer, false);
    reader.readFile();
    return reader.quirks;
  }

  private void readFile() {
    Place start =
        json.document(
            "a quirk file",
            "write { \"format\": 1, \"quirks\": [ … ] }",
            FILE_KEYS,
            FORMAT,
            this::readFileKey);
    json.require(start, quirksSeen, "the file has no \"quirks\"; add \"quirks\": [ … ]");
  }

  private void readFileKey(String key) {
    switch (key) {
      case "$schema" -> schema = json.string("\"$schema\"", "the schema's address");
      default -> {
        int depth = json.depth();
        json.list("\"quirks\"", () -> readQuirkOrCollect(depth));
        quirksSeen = true;
      }
    }
  }

  /// A quirk while it is read; the keys may come in any order. A value that is not there yet is
  /// empty or 0, which no value in a file can be.
  private static final class QuirkDraft {
    String id = "";
    Place idPlace = NOWHERE;
    String name = "";
    String citation = "";
    String notes = "";
    final List<QuirkMatch> matches = new ArrayList<>();
    final List<HiddenBits> hidden = new ArrayList<>();
    int place;
    final List<ByteRange> available = new ArrayList<>();
    final List<ByteRange> shadowing = new ArrayList<>();
    int maxWidth;
    boolean execOff;
    boolean privOff;
    String refusal = "";
    boolean hasEffect;
  }

  /// @param depth of the list
  private void readQuirkOrCollect(int depth) {
    try {
      readQuirk();
    } catch (JsonFileException e) {
      if (!collecting || problems.size() >= MAX_PROBLEMS - 1 || !json.leaveTo(depth)) {
        throw e;
      }
      problems.add(e);
    }
  }

  private void readQuirk() {
    Place start = json.place();
    if (quirks.size() == MAX_QUIRKS) {
      throw json.wrong(
          "more than " + MAX_QUIRKS + " quirks in one file; split it into several files");
    }
    QuirkDraft draft = new QuirkDraft();
    json.object("a quirk", QUIRK_KEYS, key -> readQuirkKey(key, draft));
    json.require(start, !draft.id.isEmpty(), "the quirk has no \"id\"; add one that no other has");
    String which = "quirk " + JsonCursor.quote(draft.id);
    json.require(start, !draft.name.isEmpty(), which + " has no \"name\"; name the devices");
    json.require(
        start,
        !draft.citation.isEmpty(),
        which + " has no \"source\"; say where the knowledge comes from");
    json.require(start, !draft.matches.isEmpty(), which + " has no \"match\"; say which devices");
    json.require(
        start,
        draft.hasEffect,
        which + " says nothing about its devices; add one of " + String.join(", ", EFFECT_KEYS));
    Place first = places.putIfAbsent(draft.id, draft.idPlace);
    if (first != null) {
      throw json.wrong(
          draft.idPlace,
          "the id "
              + JsonCursor.quote(draft.id)
              + " is already used in line "
              + first.line()
              + "; choose another");
    }
    quirks.add(finish(draft, start));
  }

  private void readQuirkKey(String key, QuirkDraft draft) {
    draft.hasEffect |= EFFECT_KEYS.contains(key);
    switch (key) {
      case "id" -> {
        draft.idPlace = json.place();
        draft.id = id();
      }
      case "name" -> draft.name = json.text("\"name\"", MAX_TEXT);
      case "source" -> draft.citation = json.text("\"source\"", MAX_TEXT);
      case "notes" -> draft.notes = json.text("\"notes\"", MAX_TEXT);
      case "match" -> json.oneOrMore("\"match\"", () -> draft.matches.add(match()));
      case "hidden" -> json.oneOrMore("\"hidden\"", () -> draft.hidden.add(hiddenBits()));
      case "place" -> draft.place = placeOfPasid();
      case "available" ->
          json.oneOrMore(
              "\"available\"", () -> draft.available.add(json.extendedRange("\"available\"")));
      case "shadow" ->
          json.oneOrMore("\"shadow\"", () -> draft.shadowing.add(json.extendedRange("\"shadow\"")));
      case "maxWidth" -> draft.maxWidth = json.integer("\"maxWidth\"", 1, HardwareInfo.MAX_WIDTH);
      case "exec" -> draft.execOff = off("\"exec\"");
      case "priv" -> draft.privOff = off("\"priv\"");
      default -> draft.refusal = json.text("\"refuse\"", MAX_TEXT);
    }
  }

  private String id() {
    String id = json.string("\"id\"", "an id such as \"acme-rocket\"");
    if (!ID.matcher(id).matches()) {
      throw json.wrong(
          "the id "
              + JsonCursor.quote(id)
              + " must be 1 to 100 of a-z, 0-9, '-', '.' and '_' and start with a letter or digit");
    }
    return id;
  }

  /// Reads `false`, the only thing that `exec` and `priv` can be.
  private boolean off(String what) {
    if (!json.isFalse()) {
      throw json.wrong(
          what
              + " can only be false, not "
              + json.found()
              + "; leave it out where it may be shown");
    }
    return true;
  }

  /// A match while it is read.
  private static final class MatchDraft {
    int vendor = QuirkMatch.ANY;
    final List<IdRange> devices = new ArrayList<>();
    final List<SubsystemMatch> subsystems = new ArrayList<>();
    final List<ClassPattern> classes = new ArrayList<>();
    final List<IdRange> revisions = new ArrayList<>();
    Optional<FunctionKind> kind = Optional.empty();
  }

  private QuirkMatch match() {
    Place start = json.place();
    MatchDraft draft = new MatchDraft();
    json.object("\"match\"", MATCH_KEYS, key -> readMatchKey(key, draft));
    boolean anyVendor = draft.vendor == QuirkMatch.ANY;
    json.require(
        start,
        !anyVendor || !draft.classes.isEmpty(),
        "the match names neither \"vendor\" nor \"class\"; name at least one of them");
    json.require(
        start,
        !anyVendor || draft.devices.isEmpty(),
        "the match names \"device\" without \"vendor\"; add the vendor");
    return new QuirkMatch(
        draft.vendor, draft.devices, draft.subsystems, draft.classes, draft.revisions, draft.kind);
  }

  private void readMatchKey(String key, MatchDraft draft) {
    String what = '"' + key + '"';
    switch (key) {
      case "vendor" -> draft.vendor = (int) json.hex(what, "0x10de", ID_MAX);
      case "device" ->
          json.oneOrMore(
              what,
              () -> draft.devices.add(idRange(what, "\"0x20b0\" or \"0x20b0-0x20bf\"", ID_MAX)));
      case "subsystem" -> json.oneOrMore(what, () -> draft.subsystems.add(subsystem(what)));
      case "class" -> json.oneOrMore(what, () -> draft.classes.add(classPattern(what)));
      case "revision" ->
          json.oneOrMore(
              what,
              () -> draft.revisions.add(idRange(what, "\"0xa1\" or \"0xa0-0xaf\"", REVISION_MAX)));
      default ->
          draft.kind =
              Optional.of(
                  json.word(what, FUNCTION_WORDS).equals("virtual")
                      ? FunctionKind.VIRTUAL
                      : FunctionKind.PHYSICAL);
    }
  }

  private IdRange idRange(String what, String form, int max) {
    JsonCursor.Range ids = json.range(what, form, max);
    return new IdRange(ids.first(), ids.last());
  }

  private SubsystemMatch subsystem(String what) {
    Matcher m = json.matcher(SUBSYSTEM, what, "\"0x1028:0x0015\" or, for a vendor, \"0x1028\"");
    return new SubsystemMatch(
        (int) json.number(m.group(1), what, ID_MAX),
        m.group(2) == null ? QuirkMatch.ANY : (int) json.number(m.group(2), what, ID_MAX));
  }

  private ClassPattern classPattern(String what) {
    Matcher m = json.matcher(CLASS, what, "\"0x0300xx\", six digits, x for any");
    int value = 0;
    int mask = 0;
    for (char c : m.group(1).toCharArray()) {
      value = value << 4 | (c == 'x' ? 0 : Character.digit(c, 16));
      mask = mask << 4 | (c == 'x' ? 0 : 0xf);
    }
    if (mask == 0) {
      throw json.wrong(what + " fixes no digit; fix at least one or leave it out");
    }
    return new ClassPattern(value, mask);
  }

  /// A hidden register while it is read. A number that is not there yet is 0, which no length and
  /// no mask in a file can be.
  private static final class HiddenDraft {
    int offset;
    Place offsetPlace = NOWHERE;
    int length;
    Place lengthPlace = NOWHERE;
    int mask;
    Access access = Access.UNKNOWN;
    Evidence evidence = Evidence.UNSTATED;
    String what = "";
  }

  private HiddenBits hiddenBits() {
    Place start = json.place();
    HiddenDraft draft = new HiddenDraft();
    json.object("an item of \"hidden\"", HIDDEN_KEYS, key -> readHiddenKey(key, draft));
    json.require(
        start, !draft.offsetPlace.equals(NOWHERE), "the hidden register has no \"offset\"; add it");
    json.require(
        start, !draft.what.isEmpty(), "the hidden register has no \"what\"; say what it is");
    json.require(
        start,
        draft.length == 0 || draft.mask == 0,
        "the hidden register has \"length\" and \"mask\"; keep one of them");
    json.require(
        start,
        draft.length != 0 || draft.mask != 0,
        "the hidden register has neither \"length\" nor \"mask\"; add one of them");
    return draft.mask != 0 ? maskedBits(draft) : wholeBytes(draft);
  }

  private void readHiddenKey(String key, HiddenDraft draft) {
    String what = '"' + key + '"';
    switch (key) {
      case "offset" -> {
        draft.offsetPlace = json.place();
        draft.offset = (int) json.hex(what, "0xff8", OFFSET_MAX);
      }
      case "length" -> {
        draft.lengthPlace = json.place();
        draft.length =
            json.isString()
                ? (int) json.hex(what, "0x10", ConfigSpace.EXTENDED_SIZE)
                : json.integer(what, 1, ConfigSpace.EXTENDED_SIZE);
        if (draft.length == 0) {
          throw json.wrong("\"length\" is 0; write at least 1");
        }
      }
      case "mask" -> {
        draft.mask = (int) json.hex(what, "0x02000000", 0xffffffffL);
        if (draft.mask == 0) {
          throw json.wrong("\"mask\" names no bit; set at least one");
        }
      }
      case "access" ->
          draft.access =
              switch (json.word(what, ACCESS_WORDS)) {
                case "ro" -> Access.READ_ONLY;
                case "rw" -> Access.READ_WRITE;
                default -> Access.UNKNOWN;
              };
      case "evidence" ->
          draft.evidence =
              switch (json.word(what, EVIDENCE_WORDS)) {
                case "documented" -> Evidence.DOCUMENTED;
                case "driver" -> Evidence.DRIVER;
                default -> Evidence.OBSERVED;
              };
      default -> draft.what = json.text(what, MAX_TEXT);
    }
  }

  private HiddenBits maskedBits(HiddenDraft draft) {
    if ((draft.offset & 3) != 0) {
      throw json.wrong(
          draft.offsetPlace,
          String.format(
              Locale.ROOT,
              "with a mask the offset is a dword's, a multiple of 4; write 0x%x and shift the mask",
              draft.offset & ~3));
    }
    return HiddenBits.masked(
        draft.offset, draft.mask, draft.access, draft.evidence, draft.what, NOT_YET_KNOWN);
  }

  private HiddenBits wholeBytes(HiddenDraft draft) {
    if (draft.offset + draft.length > ConfigSpace.EXTENDED_SIZE) {
      throw json.wrong(
          draft.lengthPlace,
          String.format(
              Locale.ROOT,
              "0x%x bytes from 0x%x reach past 0xfff, the end of the configuration space; 0x%x fit",
              draft.length,
              draft.offset,
              ConfigSpace.EXTENDED_SIZE - draft.offset));
    }
    return HiddenBits.allOf(
        new ByteRange(draft.offset, draft.length),
        draft.access,
        draft.evidence,
        draft.what,
        NOT_YET_KNOWN);
  }

  private int placeOfPasid() {
    int offset = (int) json.hex("\"place\"", "0x180", OFFSET_MAX);
    if ((offset & 3) != 0) {
      throw json.wrong("\"place\" must be a multiple of 4; extended capabilities are aligned");
    }
    if (offset < EXTENDED_START || offset > LAST_PLACE) {
      throw json.wrong(
          String.format(
              Locale.ROOT,
              "\"place\" must be from 0x%x to 0x%x, where the 8 bytes of a PASID capability fit",
              EXTENDED_START,
              LAST_PLACE));
    }
    return offset;
  }

  private Quirk finish(QuirkDraft draft, Place start) {
    QuirkSource source = new QuirkSource(layer, json.file(), draft.id);
    MatchedQuirks effects =
        new MatchedQuirks(
            draft.hidden.stream().map(h -> h.from(source)).sorted(HiddenBits.BY_OFFSET).toList(),
            optional(draft.place != 0, draft.place, source),
            draft.available.stream().map(r -> new Decision<>(r, source)).toList(),
            draft.shadowing.stream().map(r -> new Decision<>(r, source)).toList(),
            optional(draft.maxWidth != 0, draft.maxWidth, source),
            optional(draft.execOff, false, source),
            optional(draft.privOff, false, source),
            optional(!draft.refusal.isEmpty(), draft.refusal, source));
    return new Quirk(
        source,
        start.line(),
        start.column(),
        draft.name,
        draft.citation,
        draft.notes,
        draft.matches,
        effects);
  }

  private static <T> Optional<Decision<T>> optional(boolean present, T value, QuirkSource source) {
    return present ? Optional.of(new Decision<>(value, source)) : Optional.empty();
  }
}
