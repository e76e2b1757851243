package io.vpasid.guest.scenario;

import static io.vpasid.guest.scenario.ParameterCursor.flag;
import static io.vpasid.guest.scenario.ParameterCursor.known;
import static io.vpasid.guest.scenario.ParameterCursor.number;
import static io.vpasid.guest.scenario.ParameterCursor.orName;
import static io.vpasid.guest.scenario.ParameterCursor.text;

import io.vpasid.guest.scenario.Machine.Answer;
import io.vpasid.guest.scenario.Machine.EventKind;
import io.vpasid.guest.scenario.Step.RandomNumber;
import io.vpasid.pci.ByteRange;
import io.vpasid.pci.ConfigSpace;
import io.vpasid.synth.HardwareInfo;
import io.vpasid.synth.json.Fields;
import io.vpasid.synth.json.Form;
import io.vpasid.synth.json.JsonCursor;
import io.vpasid.synth.json.JsonCursor.Place;
import io.vpasid.synth.json.JsonSchema;
import io.vpasid.synth.json.Key;
import io.vpasid.synth.json.Rule;
import io.vpasid.vmm.iommufd.simulated.Request;
import io.vpasid.vmm.linux.Errno;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Stream;

/// The keys that steps of scenario files have: [StepShape] says which step has which.
final class StepKeys {
  /// Most repetitions of one step, and most writes of one.
  private static final int MAX_TIMES = 1_000_000;

  private static final int LAST_OFFSET = ConfigSpace.EXTENDED_SIZE - 1;

  /// The ends of a random number.
  private static final Form<List<Integer>> ENDS =
      known(0, Integer.MAX_VALUE).called("an end").list();

  /// Steps, whose shape needs the keys here first.
  private static final Form<List<Fields>> LATER =
      Form.of(
          (json, what) -> StepShape.steps().read(json, what),
          schema -> StepShape.steps().describe(schema));

  // Values

  static final Key<Value> PASID =
      Key.of("pasid", number(0, -1), "The PASID; any 32 bits, larger ones in hexadecimal.");
  static final Key<Value> ITS_PASID = PASID.required("add it");
  static final Key<Errno> EXPECT =
      Key.of("expect", errno("ok"), "What must come of it.").or(Answer.OK, "ok");
  static final Key<Errno> ERRNO =
      Key.of("errno", errno(), "The error number.").or(Errno.ENOMEM, "ENOMEM");

  // enumerate, enable, disable

  static final Key<Integer> PLACE =
      Key.of("pasid", placeOrNone(), "Offset at which it must find a PASID capability, or none.");
  static final Key<Integer> SIZE =
      Key.of("size", known(256, 4096), "Bytes of configuration space it must find.");
  static final Key<List<Integer>> OFFSETS =
      Key.of(
          "offsets",
          Form.hex("0x100", 0xffc).list(),
          "Offsets of all extended capabilities, in the order of the list.");

  static final Key<Boolean> ENABLED =
      Key.of("expect", either("enabled", "refused"), "What must come of it.").or(true, "enabled");
  static final Key<Value> WIDTH =
      Key.of("width", number(0, HardwareInfo.MAX_WIDTH), "Bits of a PASID that it must read.");
  static final Key<Boolean> EXEC =
      Key.of("exec", flag(), "Whether it must get Execute Permission.");
  static final Key<Boolean> PRIV = Key.of("priv", flag(), "Whether it must get Privileged Mode.");

  // read, write

  static final Key<Register> REGISTER =
      Key.of(
          "register",
          orName(Form.word(Register.NAMED, Register::name).named("register")),
          "Which, by name.");
  static final Key<Integer> OFFSET = Key.of("offset", known(0, LAST_OFFSET), "Which, by offset.");
  static final Key<Integer> ACCESS_WIDTH =
      Key.of(
          "width",
          known(1, 4).check(StepKeys::accessWidth),
          "Bytes, with an offset: 1, 2 or 4. Default: 4.");
  static final Key<Value> READ_VALUE =
      Key.of("value", number(0, -1), "What it must read.").required("add it");
  static final Key<Value> WRITTEN_VALUE =
      Key.of("value", number(0, -1), "What it writes.").required("add it");
  static final Key<Long> MASK =
      Key.of("mask", Form.hex("0xff", 0xffffffffL), "The bits that count. Default: all.");
  static final Rule ONE_REGISTER =
      Rule.oneOf(
          "needs either \"register\" or \"offset\"; name one of them",
          "needs either \"register\" or \"offset\"; name one of them",
          REGISTER,
          OFFSET);

  // attach, detach, reset

  static final Key<String> SPACE =
      Key.of("space", text(), "The name of an address space; the first use makes it.")
          .required("add it");
  static final Key<String> REPLACES =
      Key.of(
          "replaces",
          spaceOrNone(),
          "The address space it must have had before, or none. Default: whichever.");
  static final Key<String> FROM =
      Key.of(
          "from",
          spaceOrNone(),
          "The address space it must have had, or none. Default: whichever.");
  static final Key<Boolean> BY_GUEST =
      Key.of(
              "by",
              either("guest", "host"),
              "By the guest's function-level reset, or from the host's side.")
          .or(true, "guest");

  // fail, await, check

  static final Key<Request> REQUEST =
      Key.of("request", orName(Form.constant(Request.class)), "Which.").required("add it");
  static final Key<Boolean> EVERY =
      Key.of("every", flag(), "Whether all of its kind fail, or the next one.").or(false, false);
  static final Key<EventKind> EVENT =
      Key.of("event", orName(Form.constant(EventKind.class)), "What.").required("add it");
  static final Key<SortedMap<Integer, String>> ATTACHED =
      Key.of("attached", spacesByPasid(), "Address space by PASID.");
  static final Key<Value> COUNT =
      Key.of("count", number(0, 1 << HardwareInfo.MAX_WIDTH), "How many PASIDs.");

  // repeat, scribble, failEachCall, migrate

  static final Key<Integer> TIMES =
      Key.of("times", number(1, MAX_TIMES).check(StepKeys::times), "How often.").required("add it");
  static final Key<List<RandomNumber>> RANDOM =
      Key.of(
              "random",
              randomNumbers(),
              "Lowest and highest value by name; stands in front of steps.")
          .or(List.of());
  static final Key<List<Fields>> INNER =
      Key.of("steps", LATER, "What happens each time, in order.").required("add them");
  static final Key<Integer> WRITES =
      Key.of("writes", known(1, MAX_TIMES), "How many.").required("add it");
  static final Key<ByteRange> RANGE =
      Key.of("range", Form.byteRange(), "First and last offset. Default: everywhere.")
          .or(new ByteRange(0, ConfigSpace.EXTENDED_SIZE));
  static final Key<PickedFunction> TO =
      Key.of(
              "to",
              PickedFunction.FORM,
              "What it would migrate to: another function on the same host.")
          .required("name the target's dump");
  static final Key<Boolean> FITS =
      Key.of("layout", either("equal", "different"), "Which it must be.").required("add it");

  private StepKeys() {}

  private static int accessWidth(int width, JsonCursor json, String what) {
    if (width == 3) {
      throw json.wrong(what + " must be 1, 2 or 4 bytes, not 3");
    }
    return width;
  }

  private static int times(Value times, JsonCursor json, String what) {
    json.require(times.place(), times.name().isEmpty(), what + " cannot be a random number");
    return times.number();
  }

  /// An error by its name.
  ///
  /// @param others words for no error
  private static Form<Errno> errno(String... others) {
    Map<String, Errno> words = new LinkedHashMap<>();
    Stream.of(others).forEach(word -> words.put(word, Answer.OK));
    Errno.all().forEach(errno -> words.put(errno.name(), errno));
    return orName(Form.word(words).named(others.length == 0 ? "errno" : "outcome"));
  }

  /// One of two words, or a name that stands for one.
  ///
  /// @param yes the word for true
  static Form<Boolean> either(String yes, String no) {
    Map<String, Boolean> words = new LinkedHashMap<>();
    words.put(yes, true);
    words.put(no, false);
    return orName(Form.word(words));
  }

  private static Form<Integer> placeOrNone() {
    Form<Integer> offset = known(ConfigSpace.STANDARD_SIZE, LAST_OFFSET);
    return Form.of(
        (json, what) ->
            json.isString() && json.string("", "").equals("none") ? 0 : offset.read(json, what),
        schema ->
            JsonSchema.anyOf(JsonSchema.node().put("const", "none"), offset.describe(schema)));
  }

  private static Form<String> spaceOrNone() {
    return text().called("an address space").map(space -> space.equals("none") ? "" : space);
  }

  private static Form<SortedMap<Integer, String>> spacesByPasid() {
    return Form.of(
        (json, what) -> {
          SortedMap<Integer, String> spaces = new TreeMap<>();
          json.map(
              what, pasid -> spaces.put(pasid(pasid, json), text().read(json, "an address space")));
          return spaces;
        },
        schema ->
            JsonSchema.node()
                .put("type", "object")
                .set("additionalProperties", text().describe(schema)));
  }

  private static int pasid(String key, JsonCursor json) {
    try {
      return Integer.decode(key);
    } catch (NumberFormatException _) {
      throw json.wrong(
          "\"attached\" is by PASID, as in { \"1\": \"a\" }, and %s is no number"
              .formatted(JsonCursor.quote(key)));
    }
  }

  private static Form<List<RandomNumber>> randomNumbers() {
    return Form.of(
        (json, what) -> {
          List<RandomNumber> numbers = new ArrayList<>();
          json.map(what, name -> numbers.add(randomNumber(name, (ParameterCursor) json)));
          return numbers;
        },
        schema ->
            JsonSchema.node()
                .put("type", "object")
                .set(
                    "additionalProperties",
                    ENDS.describe(schema).put("minItems", 2).put("maxItems", 2)));
  }

  private static RandomNumber randomNumber(String name, ParameterCursor cursor) {
    Place place = cursor.place();
    List<Integer> ends = ENDS.read(cursor, "a random number");
    cursor.require(
        place,
        ends.size() == 2 && ends.get(0) <= ends.get(1),
        "a random number has a lowest and a highest value: [1, 1048575]");
    cursor.addRandom(name);
    return new RandomNumber(name, ends.get(0), ends.get(1));
  }
}
