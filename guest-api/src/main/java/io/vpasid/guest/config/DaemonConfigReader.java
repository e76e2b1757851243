package io.vpasid.guest.config;

import io.vpasid.pci.ByteRange;
import io.vpasid.pci.ConfigSpace;
import io.vpasid.pci.PciAddress;
import io.vpasid.synth.HardwareInfo;
import io.vpasid.synth.PasidCapability;
import io.vpasid.synth.PlacementPolicy;
import io.vpasid.synth.json.JsonCursor;
import io.vpasid.synth.json.JsonCursor.Place;
import io.vpasid.vmm.iommufd.simulated.IommuProfile;
import io.vpasid.vmm.iommufd.simulated.KernelVersion;
import io.vpasid.vmm.pasid.PasidLimits.WhenDisabled;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// Reads the daemon's configuration, and the functions that the control command `function-add`
/// describes with the same keys. `docs/serve.schema.json` describes the format; this reader also
/// checks what a schema cannot say: that names and sockets are unique, that address spaces name
/// functions that are there.
///
/// ```text
/// { "format": 1,
///   "control": { "socket": "/run/vpasid.sock" },
///   "functions": [
///     { "name": "dsa", "source": "machine.txt", "address": "0000:6a:01.0", "socket": "dsa.sock" } ],
///   "addressSpaces": [ { "name": "shell", "functions": ["dsa"] } ] }
/// ```
public final class DaemonConfigReader {
  static final int MAX_BYTES = 4 << 20;
  public static final int MAX_FUNCTIONS = 4096;
  static final int MAX_ADDRESS_SPACES = 4096;
  static final int MAX_PATHS = 64;
  static final int MAX_USERS = 64;
  static final int MAX_CLIENTS = 1024;
  static final int MAX_PATH = 4096;
  static final int MAX_QUOTA = 1 << 20;

  private static final int FORMAT = 1;

  static final List<String> FILE_KEYS =
      List.of(
          "$schema",
          "format",
          "control",
          "users",
          "metrics",
          "log",
          "quirks",
          "hwInfo",
          "functions",
          "addressSpaces");
  static final List<String> CONTROL_KEYS = List.of("socket", "maxClients");
  static final List<String> METRICS_KEYS = List.of("port");
  static final List<String> LOG_KEYS = List.of("format", "level");
  static final List<String> FUNCTION_KEYS =
      List.of(
          "name",
          "source",
          "socket",
          "address",
          "passthrough",
          "hwInfo",
          "quota",
          "virtual",
          "offset",
          "available",
          "shadowing",
          "attachBeforeEnable",
          "mailbox",
          "bars",
          "iommu",
          "kernel",
          "quirks");

  /// Of these, what only an emulated function has.
  private static final List<String> EMULATED_KEYS =
      List.of("address", "hwInfo", "virtual", "bars", "iommu", "kernel");

  static final List<String> ADDRESS_SPACE_KEYS = List.of("name", "functions", "guestMemory");

  private static final HardwareInfo ASSUMED = new HardwareInfo(20, false, false, true);

  /// What functions and address spaces may be called.
  public static final Pattern NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,63}");

  /// The same in words.
  public static final String NAME_RULE =
      "must be 1 to 64 letters, digits, '-', '.' and '_' and start with a letter or digit";

  private static final int LAST_OFFSET = ConfigSpace.EXTENDED_SIZE - PasidCapability.LENGTH;

  private final JsonCursor json;
  private final Path folder;

  private Optional<Path> control = Optional.empty();
  private int maxClients = 16;
  private final Set<Integer> users = new HashSet<>();
  private Optional<Integer> metricsPort = Optional.empty();
  private LogStyle.Format logFormat = LogStyle.DEFAULT.format();
  private LogStyle.Level logLevel = LogStyle.DEFAULT.level();
  private final List<Path> quirks = new ArrayList<>();
  private HardwareInfo hardware = ASSUMED;
  private final List<FunctionDraft> functions = new ArrayList<>();
  private final Map<String, Place> functionNames = new HashMap<>();
  private final List<AddressSpaceDraft> addressSpaces = new ArrayList<>();
  private final Set<String> addressSpaceNames = new HashSet<>();

  private record Named(String name, Place place) {}

  /// An address space while it is read.
  private static final class AddressSpaceDraft {
    String name = "";
    @Nullable List<Named> functions;
    boolean guestMemory;
  }

  /// A function while it is read; the keys may come in any order.
  private static final class FunctionDraft {
    String name = "";
    Place namePlace = new Place(1, 1);
    Optional<Path> source = Optional.empty();
    Place sourcePlace = new Place(1, 1);
    boolean passthrough;

    /// The first key that only an emulated function has.
    @Nullable Named emulatedOnly;

    Optional<PciAddress> address = Optional.empty();
    Optional<Path> socket = Optional.empty();
    Place socketPlace = new Place(1, 1);
    Optional<HardwareInfo> hardware = Optional.empty();
    int quota = Integer.MAX_VALUE;
    Optional<Boolean> virtual = Optional.empty();
    Optional<Integer> offset = Optional.empty();
    final List<ByteRange> available = new ArrayList<>();
    boolean shadowing;
    WhenDisabled whenDisabled = WhenDisabled.REFUSE;
    boolean mailbox;
    BarSizes bars = BarSizes.UNKNOWN;
    Optional<OwnHost> ownHost = Optional.empty();
    Optional<List<Path>> quirks = Optional.empty();

    OwnHost ownHost() {
      return ownHost.orElse(OwnHost.USUAL);
    }
  }

  private DaemonConfigReader(JsonCursor json, Path folder) {
    this.json = json;
    this.folder = folder;
  }

  /// The configuration in `file`.
  ///
  /// @throws io.vpasid.synth.json.JsonFileException if it cannot be read or is wrong
  static DaemonConfig read(Path file) {
    Path folder = file.toAbsolutePath().normalize().getParent();
    return new DaemonConfigReader(
            JsonCursor.open(file, MAX_BYTES), folder == null ? Path.of("/") : folder)
        .readFile();
  }

  /// The configuration in `bytes`.
  ///
  /// @param file what messages call it
  /// @param folder where relative paths start
  static DaemonConfig read(byte[] bytes, String file, Path folder) {
    return new DaemonConfigReader(JsonCursor.of(bytes, file, MAX_BYTES), folder).readFile();
  }

  /// One function, described by the keys that the configuration has for it.
  ///
  /// @param what messages call the text
  /// @param folder where relative paths start
  /// @param hardware if the text does not say it
  public static FunctionConfig readFunction(
      String text, String what, Path folder, HardwareInfo hardware) {
    DaemonConfigReader reader =
        new DaemonConfigReader(
            JsonCursor.of(text.getBytes(StandardCharsets.UTF_8), what, MAX_BYTES), folder);
    reader.json.next();
    FunctionDraft draft = reader.function();
    reader.json.end();
    return finish(draft, hardware);
  }

  private DaemonConfig readFile() {
    json.document(
        "a configuration",
        "write { \"format\": 1, \"functions\": [ … ] }",
        FILE_KEYS,
        FORMAT,
        this::readFileKey);
    checkAddressSpaces();
    return new DaemonConfig(
        folder,
        control.orElseGet(ControlSocketPath::usual),
        maxClients,
        users,
        metricsPort,
        new LogStyle(logFormat, logLevel),
        quirks,
        hardware,
        functions.stream().map(draft -> finish(draft, hardware)).toList(),
        addressSpaces.stream()
            .map(draft ->
                new AddressSpaceConfig(
                    draft.name,
                    Optional.ofNullable(draft.functions)
                        .map(names -> names.stream().map(Named::name).toList()),
                    draft.guestMemory))
            .toList());
  }

  private void readFileKey(String key) {
    switch (key) {
      case "$schema" -> json.string("\"$schema\"", "the schema's address");
      case "control" -> json.object("\"control\"", CONTROL_KEYS, this::readControlKey);
      case "users" ->
          json.oneOrMore(
              "\"users\"",
              () -> {
                limit(users.size(), MAX_USERS, "users");
                users.add(json.integer("a user id", 0, 999_999_999));
              });
      case "metrics" ->
          json.object(
              "\"metrics\"",
              METRICS_KEYS,
              _ -> metricsPort = Optional.of(json.integer("\"port\"", 0, 65_535)));
      case "log" -> json.object("\"log\"", LOG_KEYS, this::readLogKey);
      case "quirks" ->
          json.oneOrMore(
              "\"quirks\"",
              () -> {
                limit(quirks.size(), MAX_PATHS, "quirk paths");
                quirks.add(path("a path of \"quirks\""));
              });
      case "hwInfo" -> hardware = hardwareInfo();
      case "functions" -> json.list("\"functions\"", this::readFunction);
      default -> json.list("\"addressSpaces\"", this::readAddressSpace);
    }
  }

  private void readControlKey(String key) {
    switch (key) {
      case "socket" -> control = Optional.of(path("\"socket\""));
      default -> maxClients = json.integer("\"maxClients\"", 1, MAX_CLIENTS);
    }
  }

  private void readLogKey(String key) {
    switch (key) {
      case "format" -> logFormat = constant(key, LogStyle.Format.class);
      default -> logLevel = constant(key, LogStyle.Level.class);
    }
  }

  private <E extends Enum<E>> E constant(String key, Class<E> type) {
    List<String> words = new ArrayList<>();
    for (E constant : type.getEnumConstants()) {
      words.add(constant.name().toLowerCase(Locale.ROOT));
    }
    return Enum.valueOf(type, json.word('"' + key + '"', words).toUpperCase(Locale.ROOT));
  }

  private void limit(int have, int most, String what) {
    if (have == most) {
      throw json.wrong("more than " + most + " " + what + "; leave some out");
    }
  }

  private void readFunction() {
    limit(functions.size(), MAX_FUNCTIONS, "functions");
    FunctionDraft draft = function();
    Place first = functionNames.putIfAbsent(draft.name, draft.namePlace);
    if (first != null) {
      throw json.wrong(
          draft.namePlace,
          "the name "
              + JsonCursor.quote(draft.name)
              + " is already used in line "
              + first.line()
              + "; choose another");
    }
    for (FunctionDraft other : functions) {
      json.require(
          draft.socketPlace,
          !other.socket.equals(draft.socket),
          "the socket is already that of " + JsonCursor.quote(other.name) + "; choose another");
    }
    functions.add(draft);
  }

  private FunctionDraft function() {
    Place start = json.place();
    FunctionDraft draft = new FunctionDraft();
    json.object("a function", FUNCTION_KEYS, key -> readFunctionKey(key, draft));
    json.require(start, !draft.name.isEmpty(), "the function has no \"name\"; add one");
    String which = "function " + JsonCursor.quote(draft.name);
    json.require(
        start, draft.source.isPresent(), which + " has no \"source\"; name a dump, or an address");
    json.require(start, draft.socket.isPresent(), which + " has no \"socket\"; name a path");
    if (draft.passthrough) {
      checkPassthrough(draft, which);
    }
    return draft;
  }

  private void checkPassthrough(FunctionDraft draft, String which) {
    String source = String.valueOf(draft.source.orElseThrow().getFileName());
    json.require(
        draft.sourcePlace,
        PciAddress.parse(source).isPresent(),
        which
            + " is passed through, so its \"source\" is its address, such as \"0000:6a:01.0\", not "
            + JsonCursor.quote(source));
    Named key = draft.emulatedOnly;
    if (key != null) {
      throw json.wrong(
          key.place,
          which
              + " is passed through, and its host tells what "
              + JsonCursor.quote(key.name)
              + " would; leave it out");
    }
  }

  private void readFunctionKey(String key, FunctionDraft draft) {
    String what = '"' + key + '"';
    if (EMULATED_KEYS.contains(key) && draft.emulatedOnly == null) {
      draft.emulatedOnly = new Named(key, json.place());
    }
    switch (key) {
      case "name" -> {
        draft.namePlace = json.place();
        draft.name = name();
      }
      case "source" -> {
        draft.sourcePlace = json.place();
        draft.source = Optional.of(path(what));
      }
      case "passthrough" -> draft.passthrough = json.bool(what);
      case "address" -> {
        String text = json.string(what, "an address such as \"0000:6a:01.0\"");
        draft.address = PciAddress.parse(text);
        if (draft.address.isEmpty()) {
          throw json.wrong(
              what + " must be an address such as \"0000:6a:01.0\", not " + JsonCursor.quote(text));
        }
      }
      case "socket" -> {
        draft.socketPlace = json.place();
        draft.socket = Optional.of(path(what));
      }
      case "hwInfo" -> draft.hardware = Optional.of(hardwareInfo());
      case "quota" -> draft.quota = json.integer(what, 0, MAX_QUOTA);
      case "virtual" -> draft.virtual = Optional.of(json.bool(what));
      case "offset" -> draft.offset = Optional.of(offset());
      case "available" -> json.oneOrMore(what, () -> draft.available.add(json.extendedRange(what)));
      case "shadowing" -> draft.shadowing = json.bool(what);
      case "mailbox" -> draft.mailbox = json.bool(what);
      case "bars" -> json.oneOrMore(what, () -> draft.bars = withBar(draft.bars));
      case "iommu" -> {
        String name = json.word(what, IommuProfile.names());
        draft.ownHost =
            Optional.of(
                new OwnHost(IommuProfile.named(name).orElseThrow(), draft.ownHost().kernel()));
      }
      case "kernel" -> draft.ownHost = Optional.of(new OwnHost(draft.ownHost().iommu(), kernel()));
      case "quirks" -> draft.quirks = Optional.of(quirkFiles());
      default -> draft.whenDisabled = json.bool(what) ? WhenDisabled.ALLOW : WhenDisabled.REFUSE;
    }
  }

  private String name() {
    String name = json.string("\"name\"", "a name such as \"dsa\"");
    if (!NAME.matcher(name).matches()) {
      throw json.wrong("the name " + JsonCursor.quote(name) + " " + NAME_RULE);
    }
    return name;
  }

  private Path path(String what) {
    return folder.resolve(json.text(what, MAX_PATH)).normalize();
  }

  private KernelVersion kernel() {
    String text = json.string("\"kernel\"", "a release of Linux such as \"7.3\"");
    return KernelVersion.parse(text)
        .orElseThrow(() ->
            json.wrong(
                "\"kernel\" must be a release of Linux such as \"7.3\", not "
                    + JsonCursor.quote(text)));
  }

  /// Quirk files of one function: a path, or a list of them that may be empty.
  private List<Path> quirkFiles() {
    List<Path> files = new ArrayList<>();
    Runnable one =
        () -> {
          limit(files.size(), MAX_PATHS, "quirk paths");
          files.add(path("a path of \"quirks\""));
        };
    if (json.isString()) {
      one.run();
    } else {
      json.list("\"quirks\"", one);
    }
    return files;
  }

  private HardwareInfo hardwareInfo() {
    String text = json.string("\"hwInfo\"", "a string such as \"width=20,priv\"");
    try {
      return HardwareInfo.parse(text);
    } catch (IllegalArgumentException e) {
      throw json.wrong(
          "\"hwInfo\" must be \"none\", or \"width=N\" with N from 0 to 20 and then exec, priv and"
              + " no-ats as it applies, as in \"width=20,priv\", not "
              + JsonCursor.quote(text));
    }
  }

  private BarSizes withBar(BarSizes bars) {
    String text = json.string("\"bars\"", BarSizes.FORM);
    try {
      return bars.with(text);
    } catch (IllegalArgumentException e) {
      throw json.wrong("\"bars\": " + e.getMessage() + ", not " + JsonCursor.quote(text));
    }
  }

  private int offset() {
    int offset = (int) json.hex("\"offset\"", "0x180", ConfigSpace.EXTENDED_SIZE - 1);
    if (offset % 4 != 0 || offset < ConfigSpace.STANDARD_SIZE || offset > LAST_OFFSET) {
      throw json.wrong(
          String.format(
              Locale.ROOT,
              "\"offset\" must be a multiple of 4 from 0x%x to 0x%x",
              ConfigSpace.STANDARD_SIZE,
              LAST_OFFSET));
    }
    return offset;
  }

  private void readAddressSpace() {
    limit(addressSpaces.size(), MAX_ADDRESS_SPACES, "address spaces");
    Place start = json.place();
    AddressSpaceDraft draft = new AddressSpaceDraft();
    json.object("an address space", ADDRESS_SPACE_KEYS, key -> readAddressSpaceKey(key, draft));
    json.require(start, !draft.name.isEmpty(), "the address space has no \"name\"; add one");
    addressSpaces.add(draft);
  }

  private void readAddressSpaceKey(String key, AddressSpaceDraft draft) {
    switch (key) {
      case "name" -> {
        draft.name = name();
        if (!addressSpaceNames.add(draft.name)) {
          throw json.wrong(
              "the name " + JsonCursor.quote(draft.name) + " is already used; choose another");
        }
      }
      case "functions" -> {
        List<Named> allowed = new ArrayList<>();
        draft.functions = allowed;
        json.list(
            "\"functions\"",
            () ->
                allowed.add(
                    new Named(
                        json.string("a name of \"functions\"", "a function's name"),
                        json.place())));
      }
      default -> draft.guestMemory = json.bool("\"guestMemory\"");
    }
  }

  private void checkAddressSpaces() {
    for (AddressSpaceDraft space : addressSpaces) {
      for (Named function : space.functions == null ? List.<Named>of() : space.functions) {
        json.require(
            function.place,
            functionNames.containsKey(function.name),
            "there is no function "
                + JsonCursor.quote(function.name)
                + "; there are "
                + String.join(", ", functions.stream().map(f -> f.name).toList()));
      }
    }
  }

  private static FunctionConfig finish(FunctionDraft draft, HardwareInfo hardware) {
    return new FunctionConfig(
        draft.name,
        draft.source.orElseThrow(),
        draft.passthrough,
        draft.address,
        draft.socket.orElseThrow(),
        draft.hardware.orElse(hardware),
        draft.quota,
        draft.virtual,
        new PlacementPolicy(draft.offset, draft.available, draft.shadowing),
        draft.whenDisabled,
        draft.mailbox,
        draft.bars,
        draft.ownHost,
        draft.quirks);
  }
}
