package io.vpasid.synth.quirk;

import io.vpasid.pci.ByteRange;
import io.vpasid.pci.ConfigSpace;
import io.vpasid.pci.capability.PasidSizes;
import io.vpasid.synth.json.Fields;
import io.vpasid.synth.json.FileShape;
import io.vpasid.synth.json.Form;
import io.vpasid.synth.json.JsonCursor;
import io.vpasid.synth.json.JsonSchema;
import io.vpasid.synth.json.Key;
import io.vpasid.synth.json.Rule;
import io.vpasid.synth.json.Shape;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/// The keys of quirk files: a table for each object, which [QuirkFileReader] reads by and
/// `docs/quirks.schema.json` and the tables of `docs/quirks.md` are made of.
///
/// Ids, offsets and masks are hexadecimal strings only, because `"device": 2080` would be read by
/// every person as 0x2080; lengths are plain numbers or hexadecimal strings, widths are plain
/// numbers.
public final class QuirkFileShape {
  /// Most quirks in one file.
  static final int MAX_QUIRKS = 65_536;

  /// Most characters of one text.
  static final int MAX_TEXT = 4_000;

  /// The version of the format that is known.
  static final int FORMAT = 1;

  private static final int ID_MAX = 0xffff;
  private static final int OFFSET_MAX = ConfigSpace.EXTENDED_SIZE - 1;
  private static final int FIRST_PLACE = ConfigSpace.STANDARD_SIZE;
  private static final int LAST_PLACE = ConfigSpace.EXTENDED_SIZE - PasidSizes.LENGTH;

  private static final Pattern ID_PATTERN = Pattern.compile("[a-z0-9][a-z0-9._-]{0,99}");
  private static final Pattern SUBSYSTEM_PATTERN =
      Pattern.compile("(0x[0-9a-fA-F]{1,16})(?::(0x[0-9a-fA-F]{1,16}))?");
  private static final Pattern CLASS_PATTERN = Pattern.compile("0x([0-9a-fA-Fx]{6})");

  private static final Form<String> TEXT = Form.text(MAX_TEXT).named("text");

  // A match

  static final Key<Integer> VENDOR =
      Key.of(
          "vendor", Form.hex("0x10de", ID_MAX).with("examples", List.of("0x10de")), "Vendor ID.");
  static final Key<List<IdRange>> DEVICE =
      Key.of(
          "device",
          ids("\"0x20b0\" or \"0x20b0-0x20bf\"", ID_MAX)
              .named("ids")
              .oneOrMore()
              .with("examples", List.of("0x20b0", List.of("0x2080-0x2082", "0x20b0"))),
          "Device IDs: one, a range, or a list of these.");
  static final Key<List<SubsystemMatch>> SUBSYSTEM =
      Key.of(
          "subsystem",
          Form.matching(SUBSYSTEM_PATTERN, "\"0x1028:0x0015\" or, for a vendor, \"0x1028\"")
              .check(QuirkFileShape::subsystem)
              .with("pattern", "^0x0*[0-9a-fA-F]{1,4}(:0x0*[0-9a-fA-F]{1,4})?$")
              .with("maxLength", 37)
              .named("subsystem")
              .oneOrMore()
              .with("examples", List.of("0x1028:0x0015", "0x1028")),
          "Subsystem vendor and device, or the vendor alone; one or a list.");
  static final Key<List<ClassPattern>> CLASS =
      Key.of(
          "class",
          Form.matching(CLASS_PATTERN, "\"0x0300xx\", six digits, x for any")
              .check(QuirkFileShape::classPattern)
              .with("pattern", "^0x(?=[0-9a-fA-Fx]*[0-9a-fA-F])[0-9a-fA-Fx]{6}$")
              .named("class")
              .oneOrMore()
              .with("examples", List.of("0x0300xx")),
          "Class codes: six digits, x for any; one or a list.");
  static final Key<List<IdRange>> REVISION =
      Key.of(
          "revision",
          ids("\"0xa1\" or \"0xa0-0xaf\"", 0xff)
              .named("revisions")
              .oneOrMore()
              .with("examples", List.of("0xa1", "0xa0-0xaf")),
          "Revision IDs: one, a range, or a list of these.");
  static final Key<FunctionKind> FUNCTION =
      Key.of(
          "function",
          Form.word(FunctionKind.values()),
          "Physical or virtual function in the sense of SR-IOV; a function of a device without"
              + " SR-IOV is physical.");

  private static final Shape MATCH_SHAPE =
      Shape.of("\"match\"", VENDOR, DEVICE, SUBSYSTEM, CLASS, REVISION, FUNCTION)
          .as("match")
          .with(
              Rule.anyOf(
                  "names neither \"vendor\" nor \"class\"; name at least one of them",
                  VENDOR,
                  CLASS))
          .with(Rule.needs(DEVICE, VENDOR, "names \"device\" without \"vendor\"; add the vendor"));

  // A hidden register

  static final Key<Integer> OFFSET =
      Key.of(
              "offset",
              Form.hex("0xff8", OFFSET_MAX).with("examples", List.of("0xff8")),
              "First byte; with a mask, a multiple of 4.")
          .required("add it");
  static final Key<Integer> LENGTH =
      Key.of(
          "length",
          Form.either(
              Form.hex("0x10", ConfigSpace.EXTENDED_SIZE)
                  .check((length, json, _) ->
                      notZero(length, json, "\"length\" is 0; write at least 1"))
                  .with("pattern", "^0x(?=0*[1-9a-fA-F])0*([0-9a-fA-F]{1,3}|1000)$"),
              Form.integer(1, ConfigSpace.EXTENDED_SIZE)),
          "Number of bytes, all bits of which are meant.");
  static final Key<Long> MASK =
      Key.of(
          "mask",
          Form.hex("0x02000000", 0xffffffffL)
              .check(
                  (mask, json, _) -> notZero(mask, json, "\"mask\" names no bit; set at least one"))
              .with("pattern", "^0x(?=0*[1-9a-fA-F])0*[0-9a-fA-F]{1,8}$")
              .with("examples", List.of("0x02000000")),
          "The bits of the dword at the offset that are meant; bits 7:0 are its first byte.");
  static final Key<Access> ACCESS =
      Key.of(
              "access",
              Form.word(Access.values()),
              "What software does with it: ro reads, rw writes and perhaps reads.")
          .or(Access.UNKNOWN, "unknown");
  static final Key<Evidence> EVIDENCE =
      Key.of(
              "evidence",
              Form.word(Evidence.DOCUMENTED, Evidence.DRIVER, Evidence.OBSERVED),
              "How it is known: a published document names it, a driver or its headers use or"
                  + " define it, or dumps show bytes that are not 0.")
          .or(Evidence.UNSTATED);
  static final Key<String> WHAT =
      Key.of("what", TEXT, "Name or meaning, for people to read.").required("say what it is");

  private static final Shape HIDDEN_SHAPE =
      Shape.of("an item of \"hidden\"", OFFSET, LENGTH, MASK, ACCESS, EVIDENCE, WHAT)
          .as("hidden register")
          .with(
              Rule.oneOf(
                  "has neither \"length\" nor \"mask\"; add one of them",
                  "has \"length\" and \"mask\"; keep one of them",
                  LENGTH,
                  MASK))
          .with(
              Rule.of(
                  QuirkFileShape::checkBits,
                  """
                  { "dependentSchemas": { "mask": {
                      "properties": { "offset": { "pattern": "^0x0*[0-9a-fA-F]{0,2}[048cC]$" } } } } }
                  """));

  // A quirk

  static final Key<String> ID =
      Key.of(
              "id",
              Form.name(
                  ID_PATTERN,
                  "an id such as \"acme-rocket\"",
                  "must be 1 to 100 of a-z, 0-9, '-', '.' and '_' and start with a letter or digit"),
              "Unique in the file and the folder. A quirk with the id of one in an earlier layer"
                  + " replaces it.")
          .required("add one that no other has");
  static final Key<String> NAME =
      Key.of("name", TEXT, "The devices, for people to read.").required("name the devices");
  static final Key<String> SOURCE =
      Key.of(
              "source",
              TEXT,
              "Where the knowledge comes from: data sheets, headers, drivers, dumps.")
          .required("say where the knowledge comes from");
  static final Key<List<QuirkMatch>> MATCH =
      Key.of(
              "match",
              MATCH_SHAPE.map(QuirkFileShape::match).named("match").oneOrMore(),
              "The functions that the quirk is about: conditions, all of which a function must"
                  + " fulfil, or a list of such matches, of which any will do.")
          .required("say which devices");
  static final Key<List<Fields>> HIDDEN =
      Key.of(
          "hidden",
          HIDDEN_SHAPE.named("hidden").oneOrMore(),
          "Registers that no capability describes; no capability is placed over them. Of several"
              + " entries all count.");
  static final Key<Integer> PLACE =
      Key.of(
          "place",
          Form.hex("0x180", OFFSET_MAX)
              .check(QuirkFileShape::place)
              .with("pattern", "^(?!0x0*[fF]{2}[cC]$)0x0*[1-9a-fA-F][0-9a-fA-F][048cC]$"),
          "Where the PASID capability goes: a multiple of 4 from 0x100 to 0xff8. Of several entries"
              + " the strongest counts.");
  static final Key<List<ByteRange>> AVAILABLE =
      Key.of(
          "available",
          Form.extendedRange().oneOrMore().with("examples", List.of(List.of("0x180-0x24f"))),
          "Ranges to place capabilities in before any other, in this order; first and last byte,"
              + " from 0x100 on. Of several entries all count, the stronger one's first.");
  static final Key<List<ByteRange>> SHADOW =
      Key.of(
          "shadow",
          Form.extendedRange().oneOrMore().with("examples", List.of(List.of("0xff0-0xfff"))),
          "Ranges that a capability may cover although registers are there, if the user allows it"
              + " too; first and last byte, from 0x100 on. Of several entries all count.");
  static final Key<Integer> MAX_WIDTH =
      Key.of(
          "maxWidth",
          Form.integer(1, PasidSizes.MAX_WIDTH),
          "The widest PASID to show, in bits. Of several entries the strongest counts.");
  static final Key<Boolean> EXEC =
      Key.of("exec", off(), "false: never show execute permission. Of several entries any counts.");
  static final Key<Boolean> PRIV =
      Key.of("priv", off(), "false: never show privileged mode. Of several entries any counts.");
  static final Key<String> REFUSE =
      Key.of(
          "refuse",
          TEXT,
          "Show no PASID capability at all; the reason. Of several entries the strongest counts.");
  static final Key<String> NOTES = Key.of("notes", TEXT, "More for people to read.");

  /// The keys that say something about the devices; a quirk needs one.
  private static final List<Key<?>> EFFECTS =
      List.of(HIDDEN, PLACE, AVAILABLE, SHADOW, MAX_WIDTH, EXEC, PRIV, REFUSE);

  static final Shape QUIRK =
      Shape.of(
              "a quirk",
              Stream.of(List.of(ID, NAME, SOURCE, MATCH), EFFECTS, List.of(NOTES))
                  .flatMap(List::stream)
                  .toArray(Key<?>[]::new))
          .calledBy(ID)
          .with(
              Rule.anyOf(
                  EFFECTS.stream()
                      .map(Key::name)
                      .collect(
                          Collectors.joining(
                              ", ", "says nothing about its devices; add one of ", "")),
                  EFFECTS.toArray(Key<?>[]::new)));

  private QuirkFileShape() {}

  /// The shape of a quirk file.
  @SuppressWarnings("exports") // for guest-api
  public static FileShape file() {
    return file(quirks(QUIRK.list(MAX_QUIRKS, "")));
  }

  static FileShape file(Key<?> quirks) {
    return new FileShape(
        "quirks",
        "vpasid quirk file",
        "What is known about particular PCI devices: registers that no capability describes, and"
            + " what follows for a virtual PASID capability. A schema cannot say that ids are unique"
            + " in a file, that a range ends behind its start, and that bytes end at 0xfff; vpasid"
            + " checks that too.",
        "write { \"format\": 1, \"quirks\": [ … ] }",
        FORMAT,
        Shape.of("a quirk file", quirks).as("file"));
  }

  /// @param form reads the list
  static <T> Key<List<T>> quirks(Form<List<T>> form) {
    return Key.of(
            "quirks",
            form,
            "The quirks. All that match a function count: ranges add up; of single values the latest"
                + " layer's counts, then the most specific match's, then the last one's.")
        .required("add \"quirks\": [ … ]");
  }

  private static Form<IdRange> ids(String form, int max) {
    return Form.range(form, max).map(ids -> new IdRange(ids.first(), ids.last()));
  }

  /// `false`, the only thing that `exec` and `priv` can be.
  private static Form<Boolean> off() {
    return Form.of(
        (json, what) -> {
          if (!json.isFalse()) {
            throw json.wrong(
                "%s can only be false, not %s; leave it out where it may be shown"
                    .formatted(what, json.found()));
          }
          return false;
        },
        _ -> JsonSchema.node().put("const", false));
  }

  private static <N extends Number> N notZero(N number, JsonCursor json, String problem) {
    if (number.longValue() == 0) {
      throw json.wrong(problem);
    }
    return number;
  }

  private static QuirkMatch match(Fields match) {
    return new QuirkMatch(
        match.find(VENDOR).orElse(QuirkMatch.ANY),
        match.find(DEVICE).orElse(List.of()),
        match.find(SUBSYSTEM).orElse(List.of()),
        match.find(CLASS).orElse(List.of()),
        match.find(REVISION).orElse(List.of()),
        match.find(FUNCTION));
  }

  private static SubsystemMatch subsystem(Matcher m, JsonCursor json, String what) {
    return new SubsystemMatch(
        (int) json.number(m.group(1), what, ID_MAX),
        m.group(2) == null ? QuirkMatch.ANY : (int) json.number(m.group(2), what, ID_MAX));
  }

  private static ClassPattern classPattern(Matcher m, JsonCursor json, String what) {
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

  private static int place(int offset, JsonCursor json, String what) {
    if ((offset & 3) != 0) {
      throw json.wrong(what + " must be a multiple of 4; extended capabilities are aligned");
    }
    if (offset < FIRST_PLACE || offset > LAST_PLACE) {
      throw json.wrong(
          "%s must be from 0x%x to 0x%x, where the 8 bytes of a PASID capability fit"
              .formatted(what, FIRST_PLACE, LAST_PLACE));
    }
    return offset;
  }

  private static void checkBits(Fields hidden) {
    int offset = hidden.get(OFFSET);
    int length = hidden.find(LENGTH).orElse(0);
    if (hidden.has(MASK) && (offset & 3) != 0) {
      throw hidden.wrong(
          OFFSET,
          String.format(
              Locale.ROOT,
              "with a mask the offset is a dword's, a multiple of 4; write 0x%x and shift the mask",
              offset & ~3));
    }
    if (offset + length > ConfigSpace.EXTENDED_SIZE) {
      throw hidden.wrong(
          LENGTH,
          String.format(
              Locale.ROOT,
              "0x%x bytes from 0x%x reach past 0xfff, the end of the configuration space; 0x%x fit",
              length,
              offset,
              ConfigSpace.EXTENDED_SIZE - offset));
    }
  }
}
