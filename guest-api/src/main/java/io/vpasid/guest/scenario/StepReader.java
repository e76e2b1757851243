package io.vpasid.guest.scenario;

import io.vpasid.guest.scenario.Machine.EventKind;
import io.vpasid.pci.ByteRange;
import io.vpasid.pci.ConfigSpace;
import io.vpasid.synth.HardwareInfo;
import io.vpasid.synth.json.JsonCursor;
import io.vpasid.synth.json.JsonCursor.Place;
import io.vpasid.vmm.iommufd.simulated.Request;
import io.vpasid.vmm.linux.Errno;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Supplier;
import java.util.stream.Stream;

/// Reads the steps of a scenario file.
final class StepReader {
  /// Most steps in one file.
  static final int MAX_STEPS = 10_000;

  /// Most repetitions of one step, and most writes of one.
  static final int MAX_TIMES = 1_000_000;

  /// The deepest that repetitions can stand in one another.
  private static final int MAX_NESTING = 3;

  static final List<String> ACTIONS =
      List.of(
          "enumerate",
          "enable",
          "disable",
          "read",
          "write",
          "attach",
          "detach",
          "reset",
          "unplug",
          "fail",
          "await",
          "check",
          "repeat",
          "scribble",
          "failEachCall",
          "migrate");

  private static final List<String> ERRNOS =
      List.of(
          "EPERM",
          "ENOENT",
          "EIO",
          "EBADF",
          "EAGAIN",
          "ENOMEM",
          "EACCES",
          "EFAULT",
          "EBUSY",
          "EEXIST",
          "ENODEV",
          "EINVAL",
          "ENOTTY",
          "ENOSPC",
          "EOPNOTSUPP",
          "EADDRINUSE");

  private static final String OK = "ok";

  private final ParameterCursor cursor;
  private final JsonCursor json;
  private final Supplier<Setup> targets;
  private int stepCount;
  private int nesting;

  /// @param targets reads what a guest migrates to
  StepReader(ParameterCursor cursor, Supplier<Setup> targets) {
    this.cursor = cursor;
    json = cursor.json;
    this.targets = targets;
  }

  /// Reads a list of steps.
  ///
  /// @param what what messages call it
  List<Step> steps(String what) {
    List<Step> read = new ArrayList<>();
    json.list(what, () -> read.add(step()));
    return List.copyOf(read);
  }

  private Step step() {
    Place place = json.place();
    if (++stepCount > MAX_STEPS) {
      throw json.wrong("more than " + MAX_STEPS + " steps; use \"repeat\"");
    }
    List<Step> read = new ArrayList<>();
    json.object(
        "a step",
        ACTIONS,
        action -> {
          if (!read.isEmpty()) {
            throw json.wrong(
                "a step does one thing; put "
                    + JsonCursor.quote(action)
                    + " into a step of its own: { \"…\": { } }, { \""
                    + action
                    + "\": { } }");
          }
          read.add(action(action, place));
        });
    json.require(
        place,
        !read.isEmpty(),
        "the step does nothing; write one of " + String.join(", ", ACTIONS));
    return read.getFirst();
  }

  private Step action(String action, Place place) {
    return switch (action) {
      case "enumerate" -> enumerate(place);
      case "enable" -> enable(place);
      case "disable" -> {
        nothing(action);
        yield new Step.Disable(place);
      }
      case "read" -> access(place, true);
      case "write" -> access(place, false);
      case "attach" -> attach(place);
      case "detach" -> detach(place);
      case "reset" -> reset(place);
      case "unplug" -> {
        nothing(action);
        yield new Step.Unplug(place);
      }
      case "fail" -> fail(place);
      case "await" -> await(place);
      case "check" -> check(place);
      case "repeat" -> repeat(place);
      case "scribble" -> scribble(place);
      case "failEachCall" -> failEachCall(place);
      default -> migrate(place);
    };
  }

  private void nothing(String action) {
    json.object('"' + action + '"', List.of(), _ -> {});
  }

  /// The values of one step's keys, before they are put together.
  private final class Fields {
    Optional<Integer> pasidOffset = Optional.empty();
    Optional<Integer> size = Optional.empty();
    Optional<List<Integer>> offsets = Optional.empty();
    Optional<Value> number = Optional.empty();
    Optional<Value> pasid = Optional.empty();
    Optional<Boolean> exec = Optional.empty();
    Optional<Boolean> priv = Optional.empty();
    Optional<Register> register = Optional.empty();
    Optional<Integer> offset = Optional.empty();
    Optional<Integer> width = Optional.empty();
    Optional<Integer> mask = Optional.empty();
    Optional<String> space = Optional.empty();
    Optional<String> other = Optional.empty();
    Errno expected = Machine.Answer.OK;
    boolean flag;

    void require(Place place, Optional<?> field, String step, String key) {
      json.require(place, field.isPresent(), step + " has no \"" + key + "\"; add it");
    }
  }

  private Step enumerate(Place place) {
    Fields fields = new Fields();
    json.object(
        "\"enumerate\"",
        List.of("pasid", "size", "offsets"),
        key -> {
          switch (key) {
            case "pasid" -> fields.pasidOffset = Optional.of(offsetOrNone());
            case "size" -> fields.size = Optional.of(cursor.known("\"size\"", 256, 4096));
            default -> {
              List<Integer> offsets = new ArrayList<>();
              json.list(
                  "\"offsets\"", () -> offsets.add((int) json.hex("\"offsets\"", "0x100", 0xffc)));
              fields.offsets = Optional.of(offsets);
            }
          }
        });
    return new Step.Enumerate(place, fields.pasidOffset, fields.size, fields.offsets);
  }

  private int offsetOrNone() {
    if (json.isString() && json.string("", "").equals("none")) {
      return 0;
    }
    return cursor.known("\"pasid\"", ConfigSpace.STANDARD_SIZE, ParameterCursor.OFFSET_MAX);
  }

  private Step enable(Place place) {
    Fields fields = new Fields();
    json.object(
        "\"enable\"",
        List.of("expect", "width", "exec", "priv"),
        key -> {
          switch (key) {
            case "expect" ->
                fields.flag =
                    cursor.word("\"expect\"", List.of("enabled", "refused")).equals("refused");
            case "width" ->
                fields.number = Optional.of(cursor.value("\"width\"", 0, HardwareInfo.MAX_WIDTH));
            case "exec" -> fields.exec = Optional.of(cursor.bool("\"exec\""));
            default -> fields.priv = Optional.of(cursor.bool("\"priv\""));
          }
        });
    return new Step.Enable(place, !fields.flag, fields.number, fields.exec, fields.priv);
  }

  private Step access(Place place, boolean read) {
    Fields fields = new Fields();
    String step = read ? "\"read\"" : "\"write\"";
    List<String> keys =
        read
            ? List.of("register", "offset", "width", "value", "mask")
            : List.of("register", "offset", "width", "value");
    json.object(
        step,
        keys,
        key -> {
          switch (key) {
            case "register" -> fields.register = Optional.of(namedRegister());
            case "offset" ->
                fields.offset =
                    Optional.of(cursor.known("\"offset\"", 0, ParameterCursor.OFFSET_MAX));
            case "width" -> fields.width = Optional.of(accessWidth());
            case "value" -> fields.number = Optional.of(cursor.value("\"value\"", 0, -1));
            default -> fields.mask = Optional.of((int) json.hex("\"mask\"", "0xff", 0xffffffffL));
          }
        });
    fields.require(place, fields.number, step, "value");
    Register register = register(place, fields, step);
    Value value = fields.number.orElseThrow();
    if (!read) {
      return new Step.Write(place, register, value);
    }
    json.require(
        value.place(), value.name().isEmpty(), "a register has no random value; write a number");
    int bits = register.width() == 4 ? -1 : (1 << (8 * register.width())) - 1;
    return new Step.Read(place, register, value.number(), fields.mask.orElse(bits));
  }

  private Register namedRegister() {
    String name = cursor.word("\"register\"", Register.NAMED.stream().map(Register::name).toList());
    return Register.NAMED.stream().filter(r -> r.name().equals(name)).findFirst().orElseThrow();
  }

  private int accessWidth() {
    int width = cursor.known("\"width\"", 1, 4);
    if (width == 3) {
      throw json.wrong("\"width\" must be 1, 2 or 4 bytes, not 3");
    }
    return width;
  }

  private Register register(Place place, Fields fields, String step) {
    json.require(
        place,
        fields.register.isPresent() != fields.offset.isPresent(),
        step + " needs either \"register\" or \"offset\"; name one of them");
    if (fields.register.isEmpty()) {
      return Register.atOffset(fields.offset.orElseThrow(), fields.width.orElse(4));
    }
    json.require(
        place,
        fields.width.isEmpty(),
        "a register has its own width; leave \"width\" out or write \"offset\"");
    return fields.register.get();
  }

  private Errno errnoOrOk() {
    List<String> words = new ArrayList<>(List.of(OK));
    words.addAll(ERRNOS);
    String word = cursor.word("\"expect\"", words);
    return word.equals(OK) ? Machine.Answer.OK : errno(word);
  }

  private static Errno errno(String name) {
    return Errno.named(name).orElseThrow();
  }

  private Step attach(Place place) {
    Fields fields = new Fields();
    json.object(
        "\"attach\"",
        List.of("pasid", "space", "expect", "replaces"),
        key -> {
          switch (key) {
            case "pasid" -> fields.pasid = Optional.of(cursor.value("\"pasid\"", 0, -1));
            case "space" -> fields.space = Optional.of(cursor.text("\"space\""));
            case "expect" -> fields.expected = errnoOrOk();
            default -> fields.other = Optional.of(spaceOrNone());
          }
        });
    fields.require(place, fields.pasid, "\"attach\"", "pasid");
    fields.require(place, fields.space, "\"attach\"", "space");
    return new Step.Attach(
        place,
        fields.pasid.orElseThrow(),
        fields.space.orElseThrow(),
        fields.expected,
        fields.other);
  }

  private Step detach(Place place) {
    Fields fields = new Fields();
    json.object(
        "\"detach\"",
        List.of("pasid", "expect", "from"),
        key -> {
          switch (key) {
            case "pasid" -> fields.pasid = Optional.of(cursor.value("\"pasid\"", 0, -1));
            case "expect" -> fields.expected = errnoOrOk();
            default -> fields.other = Optional.of(spaceOrNone());
          }
        });
    fields.require(place, fields.pasid, "\"detach\"", "pasid");
    return new Step.Detach(place, fields.pasid.orElseThrow(), fields.expected, fields.other);
  }

  private String spaceOrNone() {
    String space = cursor.text("an address space");
    return space.equals("none") ? "" : space;
  }

  private Step reset(Place place) {
    Fields fields = new Fields();
    fields.flag = true;
    json.object(
        "\"reset\"",
        List.of("by", "expect"),
        key -> {
          if (key.equals("by")) {
            fields.flag = cursor.word("\"by\"", List.of("guest", "host")).equals("guest");
          } else {
            fields.expected = errnoOrOk();
          }
        });
    json.require(
        place,
        !fields.flag || fields.expected.equals(Machine.Answer.OK),
        "a guest is not told how its reset ends; leave \"expect\" out or write \"by\": \"host\"");
    return new Step.Reset(place, fields.flag, fields.expected);
  }

  private Step fail(Place place) {
    Fields fields = new Fields();
    fields.expected = Errno.ENOMEM;
    json.object(
        "\"fail\"",
        List.of("request", "errno", "every"),
        key -> {
          switch (key) {
            case "request" ->
                fields.space = Optional.of(cursor.word("\"request\"", Request.titles()));
            case "errno" -> fields.expected = errno(cursor.word("\"errno\"", ERRNOS));
            default -> fields.flag = cursor.bool("\"every\"");
          }
        });
    fields.require(place, fields.space, "\"fail\"", "request");
    Request request = Request.titled(fields.space.orElseThrow()).orElseThrow();
    return new Step.Fail(place, request, fields.expected, fields.flag);
  }

  private static String word(Enum<?> constant) {
    return constant.name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  private Step await(Place place) {
    Fields fields = new Fields();
    json.object(
        "\"await\"",
        List.of("event", "pasid"),
        key -> {
          if (key.equals("event")) {
            fields.space = Optional.of(cursor.word("\"event\"", events()));
          } else {
            fields.pasid = Optional.of(cursor.value("\"pasid\"", 0, -1));
          }
        });
    fields.require(place, fields.space, "\"await\"", "event");
    String name = fields.space.orElseThrow();
    EventKind kind =
        Stream.of(EventKind.values()).filter(e -> word(e).equals(name)).findFirst().orElseThrow();
    return new Step.Await(place, kind, fields.pasid);
  }

  static List<String> events() {
    return Stream.of(EventKind.values()).map(StepReader::word).toList();
  }

  private Step check(Place place) {
    Fields fields = new Fields();
    SortedMap<Integer, String> attached = new TreeMap<>();
    json.object(
        "\"check\"",
        List.of("attached", "count"),
        key -> {
          if (key.equals("count")) {
            fields.number = Optional.of(cursor.value("\"count\"", 0, 1 << HardwareInfo.MAX_WIDTH));
          } else {
            fields.flag = true;
            json.map(
                "\"attached\"",
                pasid -> attached.put(pasidKey(pasid), cursor.text("an address space")));
          }
        });
    return new Step.Check(
        place, fields.flag ? Optional.of(attached) : Optional.empty(), fields.number);
  }

  private int pasidKey(String text) {
    try {
      return Integer.decode(text);
    } catch (NumberFormatException _) {
      throw json.wrong(
          "\"attached\" is by PASID, as in { \"1\": \"a\" }, and "
              + JsonCursor.quote(text)
              + " is no number");
    }
  }

  private Step repeat(Place place) {
    Fields fields = new Fields();
    List<Step.RandomNumber> drawn = new ArrayList<>();
    List<Step> inner = new ArrayList<>();
    enter();
    json.object(
        "\"repeat\"",
        List.of("times", "random", "steps"),
        key -> {
          switch (key) {
            case "times" -> fields.number = Optional.of(cursor.value("\"times\"", 1, MAX_TIMES));
            case "random" -> {
              json.require(
                  json.place(), inner.isEmpty(), "\"random\" must stand in front of \"steps\"");
              json.map("\"random\"", name -> drawn.add(randomNumber(name)));
            }
            default -> inner.addAll(steps("\"steps\""));
          }
        });
    nesting--;
    drawn.forEach(number -> cursor.forgetRandom(number.name()));
    fields.require(place, fields.number, "\"repeat\"", "times");
    json.require(place, !inner.isEmpty(), "\"repeat\" has no \"steps\"; add them");
    Value times = fields.number.orElseThrow();
    json.require(times.place(), times.name().isEmpty(), "\"times\" cannot be a random number");
    return new Step.Repeat(place, times.number(), drawn, inner);
  }

  private void enter() {
    if (++nesting > MAX_NESTING) {
      throw json.wrong("repetitions are deeper than " + MAX_NESTING + "; make it flatter");
    }
  }

  private Step.RandomNumber randomNumber(String name) {
    List<Integer> ends = new ArrayList<>();
    Place place = json.place();
    json.list("a random number", () -> ends.add(cursor.known("an end", 0, Integer.MAX_VALUE)));
    json.require(
        place,
        ends.size() == 2 && ends.get(0) <= ends.get(1),
        "a random number has a lowest and a highest value: [1, 1048575]");
    cursor.addRandom(name);
    return new Step.RandomNumber(name, ends.get(0), ends.get(1));
  }

  private Step scribble(Place place) {
    Fields fields = new Fields();
    int[] ends = {0, ParameterCursor.OFFSET_MAX};
    json.object(
        "\"scribble\"",
        List.of("writes", "range"),
        key -> {
          if (key.equals("writes")) {
            fields.size = Optional.of(cursor.known("\"writes\"", 1, MAX_TIMES));
          } else {
            ByteRange range = json.byteRange("\"range\"");
            ends[0] = range.offset();
            ends[1] = range.end() - 1;
          }
        });
    fields.require(place, fields.size, "\"scribble\"", "writes");
    return new Step.Scribble(place, fields.size.orElseThrow(), ends[0], ends[1]);
  }

  private Step failEachCall(Place place) {
    Fields fields = new Fields();
    fields.expected = Errno.ENOMEM;
    List<Step> inner = new ArrayList<>();
    enter();
    json.object(
        "\"failEachCall\"",
        List.of("errno", "steps"),
        key -> {
          if (key.equals("errno")) {
            fields.expected = errno(cursor.word("\"errno\"", ERRNOS));
          } else {
            inner.addAll(steps("\"steps\""));
          }
        });
    nesting--;
    json.require(place, !inner.isEmpty(), "\"failEachCall\" has no \"steps\"; add them");
    return new Step.FailEachCall(place, fields.expected, inner);
  }

  private Step migrate(Place place) {
    Fields fields = new Fields();
    List<Setup> to = new ArrayList<>();
    json.object(
        "\"migrate\"",
        List.of("to", "layout"),
        key -> {
          if (key.equals("to")) {
            to.add(targets.get());
          } else {
            fields.other = Optional.of(cursor.word("\"layout\"", List.of("equal", "different")));
          }
        });
    json.require(place, !to.isEmpty(), "\"migrate\" has no \"to\"; name the target's dump");
    fields.require(place, fields.other, "\"migrate\"", "layout");
    return new Step.Migrate(place, to.getFirst(), fields.other.orElseThrow().equals("equal"));
  }
}
