package io.vpasid.guest.scenario;

import io.vpasid.guest.config.FunctionDescription;
import io.vpasid.guest.config.FunctionFile;
import io.vpasid.pci.ByteRange;
import io.vpasid.pci.ConfigSpace;
import io.vpasid.pci.PciAddress;
import io.vpasid.pci.dump.Dump;
import io.vpasid.pci.dump.DumpException;
import io.vpasid.pci.dump.Dumps;
import io.vpasid.pci.dump.HostFunction;
import io.vpasid.synth.HardwareInfo;
import io.vpasid.synth.PasidCapability;
import io.vpasid.synth.PlacementPolicy;
import io.vpasid.synth.json.JsonCursor;
import io.vpasid.synth.json.JsonCursor.Place;
import io.vpasid.synth.quirk.FunctionKind;
import io.vpasid.synth.quirk.QuirkTable;
import io.vpasid.vmm.FunctionOptions;
import io.vpasid.vmm.iommufd.simulated.IommuProfile;
import io.vpasid.vmm.iommufd.simulated.KernelVersion;
import io.vpasid.vmm.pasid.PasidLimits;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

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

  private static final int MAX_GUESTS = 64;
  private static final int FORMAT = 1;

  static final List<String> FILE_KEYS =
      List.of("$schema", "format", "title", "matrix", "function", "host", "vmm", "guests", "steps");

  static final List<String> FUNCTION_KEYS = List.of("dump", "address", "kind");
  static final List<String> HOST_KEYS = List.of("iommu", "kernel", "width", "exec", "priv", "ats");
  static final List<String> VMM_KEYS =
      List.of("quirks", "offset", "available", "shadowing", "quota", "beforeEnable");
  private static final Place NOWHERE = new Place(0, 0);

  private final Path file;
  private final JsonCursor json;
  private final ParameterCursor cursor;
  private final Map<String, List<String>> matrix = new LinkedHashMap<>();
  private String title = "";
  private Optional<FunctionDescription> function = Optional.empty();
  private Optional<FunctionKind> kind = Optional.empty();
  private Host host = Host.DEFAULT;
  private FunctionOptions options = FunctionOptions.defaults();
  private final List<Path> quirkFiles = new ArrayList<>();
  private int guests = 1;
  private List<Step> steps = List.of();

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
    json = JsonCursor.open(file, MAX_BYTES);
    cursor = new ParameterCursor(json, bindings);
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
    Place start =
        json.document(
            "a scenario", "write { \"format\": 1, … }", FILE_KEYS, FORMAT, this::readFileKey);
    json.require(start, !title.isEmpty(), "the scenario has no \"title\"; say what it shows");
    json.require(start, !steps.isEmpty(), "the scenario has no \"steps\"; add \"steps\": [ … ]");
    FunctionDescription passed =
        function.orElseThrow(() ->
            json.wrong(start, "the scenario has no \"function\"; name a dump, as in \"mine.txt\""));
    return new Scenario(file, title, cursor.bindings(), setup(passed, kind), guests, steps);
  }

  private Setup setup(FunctionDescription passed, Optional<FunctionKind> stated) {
    FunctionKind of = stated.orElseGet(() -> FunctionKind.of(passed.captured()));
    return new Setup(
        passed, host.hardware, host.iommu, host.kernel, options.withKind(of), quirkFiles);
  }

  private void readFileKey(String key) {
    switch (key) {
      case "$schema" -> json.string("\"$schema\"", "the schema's address");
      case "title" -> title = json.text("\"title\"", ParameterCursor.MAX_TEXT);
      case "matrix" -> readMatrix();
      case "function" -> readFunction();
      case "host" -> readHost();
      case "vmm" -> readVmm();
      case "guests" -> guests = json.integer("\"guests\"", 1, MAX_GUESTS);
      default -> steps = new StepReader(cursor, this::readTarget).steps("\"steps\"");
    }
  }

  private void readMatrix() {
    Place start = json.place();
    json.require(
        start,
        function.isEmpty() && steps.isEmpty() && host.equals(Host.DEFAULT),
        "\"matrix\" must stand in front of what uses it; put it behind \"title\"");
    json.map(
        "\"matrix\"",
        name -> {
          if (!ParameterCursor.isName(name)) {
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
    if (cursor.bindings().values().isEmpty()) {
      matrix.forEach((name, values) -> cursor.bind(name, values.getFirst()));
    }
  }

  private void readFunction() {
    FunctionDraft draft = functionDraft();
    function = Optional.of(functionOf(draft));
    kind = draft.kind;
  }

  /// What a guest migrates to: another function on the same host.
  private Setup readTarget() {
    FunctionDraft draft = functionDraft();
    return setup(functionOf(draft), draft.kind);
  }

  /// A function while it is read.
  private static final class FunctionDraft {
    Place place = NOWHERE;
    Place addressPlace = NOWHERE;
    String dump = "";
    Optional<PciAddress> address = Optional.empty();
    Optional<FunctionKind> kind = Optional.empty();
  }

  private FunctionDraft functionDraft() {
    FunctionDraft draft = new FunctionDraft();
    draft.place = json.place();
    if (json.isString()) {
      draft.dump = cursor.text("\"function\"");
      return draft;
    }
    json.object(
        "\"function\"",
        FUNCTION_KEYS,
        key -> {
          switch (key) {
            case "dump" -> {
              draft.place = json.place();
              draft.dump = cursor.text("\"dump\"");
            }
            case "address" -> {
              draft.addressPlace = json.place();
              String text = cursor.text("\"address\"");
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
    return cursor.word("\"kind\"", List.of("physical", "virtual")).equals("virtual")
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
      Dump dump = Dumps.open(beside(draft.dump), Optional.empty());
      boolean found = draft.address.isPresent() && !dump.at(draft.address.get()).isEmpty();
      functions = found ? dump.functions() : dump.whole();
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
                  String word = cursor.word(what, IommuProfile.names());
                  yield new Host(IommuProfile.named(word).orElseThrow(), host.kernel, was);
                }
                case "kernel" -> new Host(host.iommu, kernel(), was);
                case "width" ->
                    withHardware(
                        new HardwareInfo(
                            cursor.known(what, 0, HardwareInfo.MAX_WIDTH),
                            was.exec(),
                            was.priv(),
                            was.ats()));
                case "exec" ->
                    withHardware(
                        new HardwareInfo(
                            was.maxPasidLog2(), cursor.bool(what), was.priv(), was.ats()));
                case "priv" ->
                    withHardware(
                        new HardwareInfo(
                            was.maxPasidLog2(), was.exec(), cursor.bool(what), was.ats()));
                default ->
                    withHardware(
                        new HardwareInfo(
                            was.maxPasidLog2(), was.exec(), was.priv(), cursor.bool(what)));
              };
        });
  }

  private Host withHardware(HardwareInfo hardware) {
    return new Host(host.iommu, host.kernel, hardware);
  }

  private KernelVersion kernel() {
    String text = cursor.text("\"kernel\"");
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
                  json.oneOrMore(what, () -> ranges.add(json.extendedRange(what)));
                  yield options.withPolicy(
                      new PlacementPolicy(policy.offset(), ranges, policy.shadowing()));
                }
                case "shadowing" ->
                    options.withPolicy(
                        new PlacementPolicy(
                            policy.offset(), policy.available(), cursor.bool(what)));
                case "quota" ->
                    options.withQuota(cursor.known(what, 0, 1 << HardwareInfo.MAX_WIDTH));
                default ->
                    options.withWhenDisabled(
                        cursor.word(what, List.of("refuse", "allow")).equals("allow")
                            ? PasidLimits.WhenDisabled.ALLOW
                            : PasidLimits.WhenDisabled.REFUSE);
              };
        });
  }

  private QuirkTable quirks(QuirkTable below) {
    Path file = beside(cursor.text("\"quirks\""));
    QuirkTable table = below.with(file, QuirkTable.COMMAND_LINE);
    quirkFiles.add(file);
    return table;
  }

  private int capabilityOffset() {
    int last = ConfigSpace.EXTENDED_SIZE - PasidCapability.LENGTH;
    int offset = cursor.known("\"offset\"", ConfigSpace.STANDARD_SIZE, last);
    if (offset % 4 != 0 || offset < ConfigSpace.STANDARD_SIZE || offset > last) {
      throw json.wrong("\"offset\" must be a multiple of 4 from 0x100 to 0xff8");
    }
    return offset;
  }
}
