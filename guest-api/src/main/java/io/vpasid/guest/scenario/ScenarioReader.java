package io.vpasid.guest.scenario;

import io.vpasid.guest.function.FunctionDescription;
import io.vpasid.guest.function.FunctionFile;
import io.vpasid.guest.scenario.Machine.EventKind;
import io.vpasid.pci.ByteRange;
import io.vpasid.pci.ConfigSpace;
import io.vpasid.pci.PciAddress;
import io.vpasid.pci.dump.DumpException;
import io.vpasid.pci.dump.Dumps;
import io.vpasid.pci.dump.HostFunction;
import io.vpasid.synth.HardwareInfo;
import io.vpasid.synth.PasidCapability;
import io.vpasid.synth.PlacementPolicy;
import io.vpasid.synth.json.JsonCursor;
import io.vpasid.synth.json.JsonCursor.Place;
import io.vpasid.synth.json.Spelling;
import io.vpasid.synth.quirk.FunctionKind;
import io.vpasid.synth.quirk.QuirkTable;
import io.vpasid.vmm.FunctionOptions;
import io.vpasid.vmm.iommufd.Errno;
import io.vpasid.vmm.iommufd.simulated.IommuProfile;
import io.vpasid.vmm.iommufd.simulated.KernelVersion;
import io.vpasid.vmm.iommufd.simulated.Request;
import io.vpasid.vmm.pasid.PasidLimits;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/// Reads a scenario file. `docs/scenario.schema.json` describes the format.
///
/// The file is read once for each combination of its matrix, with the names bound to the values of
/// that combination, so the matrix stands in front of what uses it. Files come from whoever runs
/// them; their size, the number of combinations, steps and repetitions are bounded, and whatever is
/// in them, the only exception is [JsonFileException].
final class ScenarioReader {
  /// Most bytes of one file.
  static final int MAX_BYTES = 1 << 20;

  /// Most scenarios that one file's matrix can make.
  static final int MAX_COMBINATIONS = 10_000;

  /// Most steps in one file.
  static final int MAX_STEPS = 10_000;

  /// Most repetitions of one step, and most writes of one.
  static final int MAX_TIMES = 1_000_000;

  /// The deepest that repetitions can stand in one another.
  private static final int MAX_NESTING = 3;

  private static final int MAX_GUESTS = 64;
  private static final int MAX_TEXT = 400;
  private static final int FORMAT = 1;

  static final List<String> FILE_KEYS =
      List.of("$schema", "format", "title", "matrix", "function", "host", "vmm", "guests", "steps");

  static final List<String> FUNCTION_KEYS = List.of("dump", "address", "kind");
  static final List<String> HOST_KEYS = List.of("iommu", "kernel", "width", "exec", "priv", "ats");
  static final List<String> VMM_KEYS =
      List.of("quirks", "offset", "available", "shadowing", "quota", "beforeEnable");
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
  private static final Pattern NAME = Pattern.compile("\\$\\{([a-zA-Z][a-zA-Z0-9-]{0,39})}");
  private static final Pattern RANGE = Pattern.compile("(0x[0-9a-fA-F]{1,3})-(0x[0-9a-fA-F]{1,3})");
  private static final Place NOWHERE = new Place(0, 0);
  private static final int OFFSET_MAX = ConfigSpace.EXTENDED_SIZE - 1;

  private final Path file;
  private final JsonCursor json;
  private Bindings bindings;

  /// The numbers that a scenario has not yet: they are drawn when it runs.
  private final List<String> random = new ArrayList<>();

  private final Map<String, List<String>> matrix = new LinkedHashMap<>();
  private boolean formatSeen;
  private String title = "";
  private Optional<FunctionDescription> function = Optional.empty();
  private Optional<FunctionKind> kind = Optional.empty();
  private Host host = Host.DEFAULT;
  private FunctionOptions options = FunctionOptions.defaults();
  private final List<Path> quirkFiles = new ArrayList<>();
  private int guests = 1;
  private List<Step> steps = List.of();
  private int stepCount;
  private int nesting;

  /// The host as a file has it.
  private record Host(IommuProfile iommu, KernelVersion kernel, HardwareInfo hardware) {
    static final Host DEFAULT =
        new Host(
            IommuProfile.intel(),
            KernelVersion.LINUX_7_3,
            new HardwareInfo(HardwareInfo.MAX_WIDTH, false, false, true));
  }

  private ScenarioReader(Path file, Bindings bindings) {
    this.file = file;
    this.bindings = bindings;
    json = JsonCursor.open(file, MAX_BYTES);
  }

  static List<Scenario> read(Path file) {
    ScenarioReader first = new ScenarioReader(file, Bindings.NONE);
    Scenario only = first.readFile();
    if (first.matrix.isEmpty()) {
      return List.of(only);
    }
    List<Scenario> all = new ArrayList<>();
    for (Bindings combination : combinations(first.matrix)) {
      all.add(new ScenarioReader(file, combination).readFile());
    }
    return all;
  }

  /// Whether a JSON file is a scenario and not a function's description or something else: whether
  /// the text `"steps"` or `"title"` is in it. One that cannot be read is taken, so that it is
  /// reported.
  static boolean looksLikeScenario(Path file) {
    try {
      if (Files.size(file) > MAX_BYTES) {
        return true;
      }
      String text = Files.readString(file);
      return text.contains("\"steps\"") || text.contains("\"title\"");
    } catch (IOException _) {
      return true;
    }
  }

  private static List<Bindings> combinations(Map<String, List<String>> matrix) {
    List<Bindings> all = List.of(Bindings.NONE);
    for (Map.Entry<String, List<String>> axis : matrix.entrySet()) {
      all =
          all.stream()
              .flatMap(b -> axis.getValue().stream().map(v -> b.with(axis.getKey(), v)))
              .toList();
    }
    return all;
  }

  private Scenario readFile() {
    if (!json.next()) {
      throw json.wrong(new Place(1, 1), "the file is empty; write { \"format\": 1, … }");
    }
    Place start = json.place();
    json.object("a scenario", FILE_KEYS, this::readFileKey);
    json.require(start, formatSeen, "the scenario has no \"format\"; add \"format\": " + FORMAT);
    json.require(start, !title.isEmpty(), "the scenario has no \"title\"; say what it shows");
    json.require(start, !steps.isEmpty(), "the scenario has no \"steps\"; add \"steps\": [ … ]");
    FunctionDescription passed =
        function.orElseThrow(() ->
            json.wrong(start, "the scenario has no \"function\"; name a dump, as in \"mine.txt\""));
    json.end();
    return new Scenario(file, title, bindings, setup(passed, kind), guests, steps);
  }

  private Setup setup(FunctionDescription passed, Optional<FunctionKind> stated) {
    FunctionKind of =
        stated.orElse(
            passed.captured().config().id().vendor() == 0xffff
                ? FunctionKind.VIRTUAL
                : FunctionKind.PHYSICAL);
    return new Setup(
        passed, host.hardware, host.iommu, host.kernel, options.withKind(of), quirkFiles);
  }

  private void readFileKey(String key) {
    switch (key) {
      case "$schema" -> json.string("\"$schema\"", "the schema's address");
      case "format" -> {
        int format = json.integer("\"format\"", 1, 999_999_999);
        if (format != FORMAT) {
          throw json.wrong(
              "format " + format + " is not known here, only " + FORMAT + "; use a newer vpasid");
        }
        formatSeen = true;
      }
      case "title" -> title = json.text("\"title\"", MAX_TEXT);
      case "matrix" -> readMatrix();
      case "function" -> readFunction();
      case "host" -> readHost();
      case "vmm" -> readVmm();
      case "guests" -> guests = json.integer("\"guests\"", 1, MAX_GUESTS);
      default -> steps = steps("\"steps\"");
    }
  }

  // --- the matrix, and what names mean

  private void readMatrix() {
    Place start = json.place();
    json.require(
        start,
        function.isEmpty() && steps.isEmpty() && host.equals(Host.DEFAULT),
        "\"matrix\" must stand in front of what uses it; put it behind \"title\"");
    json.map(
        "\"matrix\"",
        name -> {
          if (!NAME.matcher("${" + name + '}').matches()) {
            throw json.wrong(
                "the name "
                    + JsonCursor.quote(name)
                    + " must start with a letter and go on with letters, digits and '-'");
          }
          List<String> values = new ArrayList<>();
          json.oneOrMore('"' + name + '"', () -> values.add(json.scalar('"' + name + '"')));
          matrix.put(name, values);
        });
    long combinations = 1;
    for (List<String> values : matrix.values()) {
      combinations *= values.size();
      json.require(
          start,
          combinations <= MAX_COMBINATIONS,
          "the matrix has more than " + MAX_COMBINATIONS + " combinations; make it smaller");
    }
    if (bindings.values().isEmpty()) {
      matrix.forEach((name, values) -> bindings = bindings.with(name, values.getFirst()));
    }
  }

  /// The name that the current token refers to, if it does.
  private Optional<String> reference() {
    if (!json.isString()) {
      return Optional.empty();
    }
    String text = json.string("", "");
    Matcher m = NAME.matcher(text);
    if (!m.matches()) {
      return Optional.empty();
    }
    String name = m.group(1);
    List<String> known =
        Stream.concat(bindings.values().keySet().stream(), random.stream()).toList();
    if (!known.contains(name)) {
      throw json.wrong(
          "nothing here is called "
              + JsonCursor.quote(name)
              + Spelling.nearest(name, known)
                  .map(n -> "; did you mean " + JsonCursor.quote(n) + "?")
                  .orElse(
                      known.isEmpty()
                          ? "; add it to \"matrix\", in front"
                          : "; there are " + String.join(", ", known)));
    }
    return Optional.of(name);
  }

  /// A whole number, as such, in hexadecimal as a string, or by name.
  private Value value(String what, int min, int max) {
    Place place = json.place();
    Optional<String> name = reference();
    if (name.isPresent() && random.contains(name.get())) {
      return Value.named(name.get(), place);
    }
    if (name.isPresent()) {
      return Value.of(bound(name.get(), what, min, max), place);
    }
    if (json.isString()) {
      return Value.of((int) json.hex(what, "0x180", Integer.toUnsignedLong(max)), place);
    }
    return Value.of(json.integer(what, min, max < 0 ? 999_999_999 : max), place);
  }

  private int bound(String name, String what, int min, int max) {
    String text = bindings.text(name);
    try {
      long number = Long.decode(text);
      if (number >= min && number <= Integer.toUnsignedLong(max)) {
        return (int) number;
      }
    } catch (NumberFormatException _) {
      // Falls through: a word is as wrong as a number out of range.
    }
    throw json.wrong(
        what
            + " must be a number from "
            + min
            + " to "
            + Integer.toUnsignedString(max)
            + ", and "
            + name
            + " is "
            + JsonCursor.quote(text));
  }

  /// A number that has to be known when the file is read.
  private int known(String what, int min, int max) {
    Value value = value(what, min, max);
    json.require(
        value.place(),
        value.name().isEmpty(),
        what + " must be the same in each repetition, so it cannot be a random number");
    return value.number();
  }

  private String text(String what) {
    Optional<String> name = reference();
    if (name.isPresent() && bindings.knows(name.get())) {
      return bindings.text(name.get());
    }
    return json.text(what, MAX_TEXT);
  }

  private String word(String what, List<String> words) {
    Optional<String> name = reference();
    if (name.isEmpty()) {
      return json.word(what, words);
    }
    String word = bindings.text(name.get());
    if (!words.contains(word)) {
      throw json.wrong(
          what
              + " must be one of "
              + String.join(", ", words)
              + ", and "
              + name.get()
              + " is "
              + JsonCursor.quote(word));
    }
    return word;
  }

  private boolean bool(String what) {
    return reference().isPresent()
        ? word(what, List.of("true", "false")).equals("true")
        : json.bool(what);
  }

  // --- the function, the host, the VMM

  private void readFunction() {
    FunctionDraft draft = functionDraft();
    function = Optional.of(draft.function(this));
    kind = draft.kind;
  }

  /// A function while it is read.
  private static final class FunctionDraft {
    Place place = NOWHERE;
    Place addressPlace = NOWHERE;
    String dump = "";
    Optional<PciAddress> address = Optional.empty();
    Optional<FunctionKind> kind = Optional.empty();

    FunctionDescription function(ScenarioReader reader) {
      return reader.functionOf(this);
    }
  }

  private FunctionDraft functionDraft() {
    FunctionDraft draft = new FunctionDraft();
    draft.place = json.place();
    if (json.isString()) {
      draft.dump = text("\"function\"");
      return draft;
    }
    json.object(
        "\"function\"",
        FUNCTION_KEYS,
        key -> {
          switch (key) {
            case "dump" -> {
              draft.place = json.place();
              draft.dump = text("\"dump\"");
            }
            case "address" -> {
              draft.addressPlace = json.place();
              String text = text("\"address\"");
              draft.address =
                  Optional.of(
                      PciAddress.parse(text)
                          .orElseThrow(() ->
                              json.wrong(
                                  JsonCursor.quote(text)
                                      + " is no address; write it as in \"0000:17:00.0\"")));
            }
            default -> draft.kind = Optional.of(functionKind());
          }
        });
    json.require(draft.place, !draft.dump.isEmpty(), "the function has no \"dump\"; name the file");
    return draft;
  }

  private FunctionKind functionKind() {
    return word("\"kind\"", List.of("physical", "virtual")).equals("virtual")
        ? FunctionKind.VIRTUAL
        : FunctionKind.PHYSICAL;
  }

  private FunctionDescription functionOf(FunctionDraft draft) {
    return draft.dump.endsWith(".json")
        ? FunctionFile.read(beside(draft.dump))
        : FunctionDescription.of(captured(draft));
  }

  /// A file that the scenario names, relative to its own folder.
  private Path beside(String name) {
    Path folder = file.toAbsolutePath().getParent();
    return folder == null ? Path.of(name) : folder.resolve(name);
  }

  private HostFunction captured(FunctionDraft draft) {
    List<HostFunction> functions;
    try {
      functions = Dumps.read(beside(draft.dump));
    } catch (DumpException e) {
      throw json.wrong(draft.place, "the dump cannot be used: " + e.getMessage());
    }
    if (draft.address.isEmpty()) {
      if (functions.size() != 1) {
        throw json.wrong(
            draft.place,
            draft.dump
                + " has "
                + functions.size()
                + " functions; pick one: { \"dump\": …, \"address\": \""
                + functions.getFirst().address()
                + "\" }");
      }
      return functions.getFirst();
    }
    PciAddress address = draft.address.get();
    return functions.stream()
        .filter(f -> f.address().equals(address))
        .findFirst()
        .orElseThrow(() ->
            json.wrong(
                draft.addressPlace,
                draft.dump
                    + " has no function at "
                    + address
                    + "; it has "
                    + String.join(
                        ", ", functions.stream().limit(4).map(f -> f.address().toString()).toList())
                    + (functions.size() > 4 ? ", …" : "")));
  }

  private void readHost() {
    json.object(
        "\"host\"",
        HOST_KEYS,
        key -> {
          HardwareInfo was = host.hardware;
          String what = '"' + key + '"';
          host =
              switch (key) {
                case "iommu" -> {
                  String word = word(what, IommuProfile.names());
                  yield new Host(IommuProfile.named(word).orElseThrow(), host.kernel, was);
                }
                case "kernel" -> new Host(host.iommu, kernel(), was);
                case "width" ->
                    withHardware(
                        new HardwareInfo(
                            known(what, 0, HardwareInfo.MAX_WIDTH),
                            was.exec(),
                            was.priv(),
                            was.ats()));
                case "exec" ->
                    withHardware(
                        new HardwareInfo(was.maxPasidLog2(), bool(what), was.priv(), was.ats()));
                case "priv" ->
                    withHardware(
                        new HardwareInfo(was.maxPasidLog2(), was.exec(), bool(what), was.ats()));
                default ->
                    withHardware(
                        new HardwareInfo(was.maxPasidLog2(), was.exec(), was.priv(), bool(what)));
              };
        });
  }

  private Host withHardware(HardwareInfo hardware) {
    return new Host(host.iommu, host.kernel, hardware);
  }

  private KernelVersion kernel() {
    String text = text("\"kernel\"");
    return KernelVersion.parse(text)
        .orElseThrow(() ->
            json.wrong(
                "\"kernel\" must be a release of Linux such as \"7.3\", not "
                    + JsonCursor.quote(text)));
  }

  private void readVmm() {
    json.object(
        "\"vmm\"",
        VMM_KEYS,
        key -> {
          String what = '"' + key + '"';
          PlacementPolicy policy = options.policy();
          options =
              switch (key) {
                case "quirks" -> {
                  List<QuirkTable> tables = new ArrayList<>(List.of(options.quirks()));
                  json.oneOrMore(what, () -> tables.add(quirks(tables.getLast())));
                  yield options.withQuirks(tables.getLast());
                }
                case "offset" ->
                    options.withPolicy(
                        new PlacementPolicy(
                            Optional.of(capabilityOffset()),
                            policy.available(),
                            policy.shadowing()));
                case "available" -> {
                  List<ByteRange> ranges = new ArrayList<>();
                  json.oneOrMore(what, () -> ranges.add(extendedRange(what)));
                  yield options.withPolicy(
                      new PlacementPolicy(policy.offset(), ranges, policy.shadowing()));
                }
                case "shadowing" ->
                    options.withPolicy(
                        new PlacementPolicy(policy.offset(), policy.available(), bool(what)));
                case "quota" -> options.withQuota(known(what, 0, 1 << HardwareInfo.MAX_WIDTH));
                default ->
                    options.withWhenDisabled(
                        word(what, List.of("refuse", "allow")).equals("allow")
                            ? PasidLimits.WhenDisabled.ALLOW
                            : PasidLimits.WhenDisabled.REFUSE);
              };
        });
  }

  private QuirkTable quirks(QuirkTable below) {
    Path file = beside(text("\"quirks\""));
    QuirkTable table = below.with(file, QuirkTable.COMMAND_LINE);
    quirkFiles.add(file);
    return table;
  }

  private int capabilityOffset() {
    int last = ConfigSpace.EXTENDED_SIZE - PasidCapability.LENGTH;
    int offset = known("\"offset\"", ConfigSpace.STANDARD_SIZE, last);
    if (offset % 4 != 0 || offset < ConfigSpace.STANDARD_SIZE || offset > last) {
      throw json.wrong("\"offset\" must be a multiple of 4 from 0x100 to 0xff8");
    }
    return offset;
  }

  private ByteRange extendedRange(String what) {
    ByteRange range = range(what);
    json.require(
        json.place(),
        range.offset() >= ConfigSpace.STANDARD_SIZE,
        what + " has a range below 0x100, where no extended capability goes; start from there");
    return range;
  }

  private ByteRange range(String what) {
    Matcher m = json.matcher(RANGE, what, "\"0x180-0x24f\", first and last byte");
    int first = (int) json.number(m.group(1), what, OFFSET_MAX);
    int last = (int) json.number(m.group(2), what, OFFSET_MAX);
    json.require(
        json.place(),
        first <= last,
        what + " has a range that ends before it starts; write the lower end first");
    return ByteRange.between(first, last + 1);
  }

  // --- the steps

  private List<Step> steps(String what) {
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
            case "size" -> fields.size = Optional.of(known("\"size\"", 256, 4096));
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
    return known("\"pasid\"", ConfigSpace.STANDARD_SIZE, OFFSET_MAX);
  }

  private Step enable(Place place) {
    Fields fields = new Fields();
    json.object(
        "\"enable\"",
        List.of("expect", "width", "exec", "priv"),
        key -> {
          switch (key) {
            case "expect" ->
                fields.flag = word("\"expect\"", List.of("enabled", "refused")).equals("refused");
            case "width" ->
                fields.number = Optional.of(value("\"width\"", 0, HardwareInfo.MAX_WIDTH));
            case "exec" -> fields.exec = Optional.of(bool("\"exec\""));
            default -> fields.priv = Optional.of(bool("\"priv\""));
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
            case "offset" -> fields.offset = Optional.of(known("\"offset\"", 0, OFFSET_MAX));
            case "width" -> fields.width = Optional.of(accessWidth());
            case "value" -> fields.number = Optional.of(value("\"value\"", 0, -1));
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
    String name = word("\"register\"", Register.NAMED.stream().map(Register::name).toList());
    return Register.NAMED.stream().filter(r -> r.name().equals(name)).findFirst().orElseThrow();
  }

  private int accessWidth() {
    int width = known("\"width\"", 1, 4);
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
    String word = word("\"expect\"", words);
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
            case "pasid" -> fields.pasid = Optional.of(value("\"pasid\"", 0, -1));
            case "space" -> fields.space = Optional.of(text("\"space\""));
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
            case "pasid" -> fields.pasid = Optional.of(value("\"pasid\"", 0, -1));
            case "expect" -> fields.expected = errnoOrOk();
            default -> fields.other = Optional.of(spaceOrNone());
          }
        });
    fields.require(place, fields.pasid, "\"detach\"", "pasid");
    return new Step.Detach(place, fields.pasid.orElseThrow(), fields.expected, fields.other);
  }

  private String spaceOrNone() {
    String space = text("an address space");
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
            fields.flag = word("\"by\"", List.of("guest", "host")).equals("guest");
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
            case "request" -> fields.space = Optional.of(word("\"request\"", Request.titles()));
            case "errno" -> fields.expected = errno(word("\"errno\"", ERRNOS));
            default -> fields.flag = bool("\"every\"");
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
            fields.space = Optional.of(word("\"event\"", events()));
          } else {
            fields.pasid = Optional.of(value("\"pasid\"", 0, -1));
          }
        });
    fields.require(place, fields.space, "\"await\"", "event");
    String name = fields.space.orElseThrow();
    EventKind kind =
        Stream.of(EventKind.values()).filter(e -> word(e).equals(name)).findFirst().orElseThrow();
    return new Step.Await(place, kind, fields.pasid);
  }

  static List<String> events() {
    return Stream.of(EventKind.values()).map(ScenarioReader::word).toList();
  }

  private Step check(Place place) {
    Fields fields = new Fields();
    SortedMap<Integer, String> attached = new TreeMap<>();
    json.object(
        "\"check\"",
        List.of("attached", "count"),
        key -> {
          if (key.equals("count")) {
            fields.number = Optional.of(value("\"count\"", 0, 1 << HardwareInfo.MAX_WIDTH));
          } else {
            fields.flag = true;
            json.map(
                "\"attached\"", pasid -> attached.put(pasidKey(pasid), text("an address space")));
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
            case "times" -> fields.number = Optional.of(value("\"times\"", 1, MAX_TIMES));
            case "random" -> {
              json.require(
                  json.place(), inner.isEmpty(), "\"random\" must stand in front of \"steps\"");
              json.map("\"random\"", name -> drawn.add(randomNumber(name)));
            }
            default -> inner.addAll(steps("\"steps\""));
          }
        });
    nesting--;
    drawn.forEach(number -> random.remove(number.name()));
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
    if (!NAME.matcher("${" + name + '}').matches()
        || bindings.knows(name)
        || random.contains(name)) {
      throw json.wrong(
          "the name "
              + JsonCursor.quote(name)
              + " is taken or no name; use letters, digits and '-'");
    }
    List<Integer> ends = new ArrayList<>();
    Place place = json.place();
    json.list("a random number", () -> ends.add(known("an end", 0, Integer.MAX_VALUE)));
    json.require(
        place,
        ends.size() == 2 && ends.get(0) <= ends.get(1),
        "a random number has a lowest and a highest value: [1, 1048575]");
    random.add(name);
    return new Step.RandomNumber(name, ends.get(0), ends.get(1));
  }

  private Step scribble(Place place) {
    Fields fields = new Fields();
    int[] ends = {0, OFFSET_MAX};
    json.object(
        "\"scribble\"",
        List.of("writes", "range"),
        key -> {
          if (key.equals("writes")) {
            fields.size = Optional.of(known("\"writes\"", 1, MAX_TIMES));
          } else {
            ByteRange range = range("\"range\"");
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
            fields.expected = errno(word("\"errno\"", ERRNOS));
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
    List<FunctionDraft> to = new ArrayList<>();
    json.object(
        "\"migrate\"",
        List.of("to", "layout"),
        key -> {
          if (key.equals("to")) {
            to.add(functionDraft());
          } else {
            fields.other = Optional.of(word("\"layout\"", List.of("equal", "different")));
          }
        });
    json.require(place, !to.isEmpty(), "\"migrate\" has no \"to\"; name the target's dump");
    fields.require(place, fields.other, "\"migrate\"", "layout");
    FunctionDraft target = to.getFirst();
    return new Step.Migrate(
        place,
        setup(target.function(this), target.kind),
        fields.other.orElseThrow().equals("equal"));
  }
}
