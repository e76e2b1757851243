package io.vpasid.guest.config;

import static io.vpasid.guest.config.DaemonConfigShape.*;

import io.vpasid.guest.config.DaemonConfigShape.Named;
import io.vpasid.pci.PciAddress;
import io.vpasid.synth.HardwareInfo;
import io.vpasid.synth.PlacementPolicy;
import io.vpasid.synth.json.Fields;
import io.vpasid.synth.json.JsonCursor;
import io.vpasid.synth.json.JsonCursor.Place;
import io.vpasid.synth.json.Key;
import io.vpasid.vmm.frontend.nested.TranslationMode;
import io.vpasid.vmm.pasid.PasidLimits.WhenDisabled;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;

/// Reads the daemon's configuration, whose keys stand in [DaemonConfigShape], and the functions
/// that the control command `function-add` describes with the same keys; this reader also checks
/// that names and sockets are unique and that address spaces name functions that are there.
///
/// ```text
/// { "format": 1,
///   "control": { "socket": "/run/vpasid.sock" },
///   "functions": [
///     { "name": "dsa", "source": "machine.txt", "address": "0000:6a:01.0", "socket": "dsa.sock" } ],
///   "addressSpaces": [ { "name": "shell", "functions": ["dsa"] } ] }
/// ```
public final class DaemonConfigReader {
  private static final int MAX_BYTES = 4 << 20;

  private final JsonCursor json;
  private final Path folder;
  private final Map<String, Place> names = new LinkedHashMap<>();
  private final Map<Path, String> sockets = new HashMap<>();
  private final Set<String> spaces = new HashSet<>();
  private final Set<Integer> handles = new HashSet<>();

  private DaemonConfigReader(JsonCursor json, Path folder) {
    this.json = json;
    this.folder = folder;
  }

  /// The configuration in `file`.
  ///
  /// @throws io.vpasid.synth.json.JsonFileException if it cannot be read or is wrong
  static DaemonConfig read(Path file) {
    return new DaemonConfigReader(JsonCursor.open(file, MAX_BYTES), folderOf(file)).readFile();
  }

  /// The folder from which the relative paths of a file start.
  static Path folderOf(Path file) {
    Path folder = file.toAbsolutePath().normalize().getParent();
    return folder == null ? Path.of("/") : folder;
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
  /// @param access if the text does not say it
  public static FunctionConfig readFunction(
      String text, String what, Path folder, HardwareInfo hardware, SocketAccess access) {
    JsonCursor json = JsonCursor.of(text.getBytes(StandardCharsets.UTF_8), what, MAX_BYTES);
    return new DaemonConfigReader(json, folder)
        .function(json.whole(FunctionKeys.FUNCTION), hardware, access);
  }

  /// One address space, likewise. Whether its functions are there is not checked.
  public static AddressSpaceConfig readAddressSpace(String text, String what) {
    JsonCursor json = JsonCursor.of(text.getBytes(StandardCharsets.UTF_8), what, MAX_BYTES);
    return addressSpace(json.whole(ADDRESS_SPACE));
  }

  private DaemonConfig readFile() {
    Fields file = DaemonConfigShape.file().read(json);
    HardwareInfo hardware = file.get(HW_INFO);
    SocketAccess access = SocketAccess.read(file, USERS, SocketAccess.DEFAULT);
    access.requireUsers(file, List.of());
    List<FunctionConfig> functions =
        file.get(FUNCTIONS).stream().map(f -> uniqueFunction(f, hardware, access)).toList();
    Path control =
        file.find(CONTROL, CONTROL_SOCKET).map(this::path).orElseGet(ControlSocketPath::usual);
    return new DaemonConfig(
        folder,
        control,
        file.get(CONTROL, MAX_CLIENTS),
        access,
        controlAccess(file),
        Set.copyOf(file.find(CONTROL, CONTROL_READERS).orElse(List.of())),
        metricsSocket(file, control),
        file.find(METRICS, PORT),
        file.find(PAGE).map(page -> page.get(PAGE_PORT)),
        new LogStyle(file.get(LOG, LOG_FORMAT), file.get(LOG, LOG_LEVEL)),
        file.get(QUIRKS).stream().map(this::path).toList(),
        hardware,
        functions,
        file.get(ADDRESS_SPACES).stream().map(this::uniqueSpace).toList(),
        file.find(LIMITS).map(Limits::new).orElse(Limits.DEFAULTS),
        Duration.of(file.get(BUSY_POLL), ChronoUnit.MICROS),
        iommus(file.get(IOMMU)),
        tenants(file.get(TENANTS)),
        file);
  }

  private static List<TenantConfig> tenants(List<Fields> all) {
    Map<String, TenantConfig> tenants = new LinkedHashMap<>();
    for (Fields fields : all) {
      TenantConfig tenant = TenantConfig.read(fields);
      if (tenants.put(tenant.name(), tenant) != null) {
        throw fields.wrong(
            TenantConfig.NAME,
            "the tenant " + JsonCursor.quote(tenant.name()) + " is here twice; leave one out");
      }
    }
    return List.copyOf(tenants.values());
  }

  /// Of the daemon's, only users and groups count for the control socket.
  private static SocketAccess controlAccess(Fields file) {
    SocketAccess otherwise =
        SocketAccess.DEFAULT.admitting(
            file.get(USERS), file.find(SocketAccess.GROUPS).orElse(List.of()));
    Optional<Fields> control = file.find(CONTROL);
    if (control.isEmpty()) {
      return otherwise;
    }
    SocketAccess access = SocketAccess.read(control.get(), CONTROL_USERS, otherwise);
    access.requireUsers(control.get(), control.get().get(CONTROL_READERS));
    return access;
  }

  private List<IommuConfig> iommus(List<Fields> all) {
    List<IommuConfig> iommus = new ArrayList<>();
    Map<String, String> covered = new HashMap<>();
    for (Fields fields : all) {
      IommuConfig iommu = iommu(fields, covered);
      if (iommus.stream().anyMatch(other -> other.name().equals(iommu.name()))) {
        throw fields.wrong(
            IOMMU_NAME,
            "an IOMMU is named %s already; give this one another \"name\""
                .formatted(JsonCursor.quote(iommu.name())));
      }
      iommus.add(iommu);
    }
    return iommus;
  }

  /// @param coveredBy the IOMMU of each function that has one
  private IommuConfig iommu(Fields iommu, Map<String, String> coveredBy) {
    String name = iommu.get(IOMMU_NAME);
    Path socket = path(iommu.get(IOMMU_SOCKET));
    requireOwn(iommu, IOMMU_SOCKET, socket, name);
    Map<String, PciAddress> covers = new LinkedHashMap<>();
    for (Fields covered : iommu.get(COVERS)) {
      Named function = covered.get(COVERED_FUNCTION);
      requireFunction(function);
      PciAddress place = covered.get(COVERED_PLACE);
      if (covers.containsValue(place)) {
        throw covered.wrong(COVERED_PLACE, "another function is at this place; choose another");
      }
      if (covers.put(function.name(), place) != null
          || coveredBy.putIfAbsent(function.name(), name) != null) {
        throw covered.wrong(COVERED_FUNCTION, "it is covered already; leave one out");
      }
    }
    return new IommuConfig(name, socket, covers, iommu.find(IOMMU_MODE));
  }

  /// An IOMMU, by the arguments of the control command.
  ///
  /// @param covers functions with their places, such as `dsa@04.0`
  /// @param mode `nested` or `shadow`; empty if the host decides
  /// @throws InputException if something is not as it should be
  public static IommuConfig iommu(
      String name, Path socket, List<String> covers, Optional<String> mode) {
    if (!FunctionKeys.NAME_PATTERN.matcher(name).matches()) {
      throw new InputException(
          "an IOMMU cannot be named %s; use 1 to 64 letters, digits, '-', '.' and '_'"
              .formatted(JsonCursor.quote(name)));
    }
    Map<String, PciAddress> places = new LinkedHashMap<>();
    for (String covered : covers) {
      int at = covered.lastIndexOf('@');
      Matcher place = PLACE.matcher(covered.substring(at + 1));
      if (at <= 0 || !place.matches()) {
        throw new InputException(
            "%s is no function with its place; write it as in dsa@04.0, with the device and function number that the guest has it at"
                .formatted(JsonCursor.quote(covered)));
      }
      PciAddress its = DaemonConfigShape.placeOf(place.toMatchResult());
      if (places.containsValue(its)) {
        throw new InputException(
            "two functions are at " + place.group() + "; choose another place");
      }
      if (places.put(covered.substring(0, at), its) != null) {
        throw new InputException(JsonCursor.quote(covered) + " is covered twice; leave one out");
      }
    }
    return new IommuConfig(name, socket, places, mode.map(DaemonConfigReader::mode));
  }

  private static TranslationMode.Kind mode(String word) {
    return Arrays.stream(TranslationMode.Kind.values())
        .filter(kind -> kind.name().toLowerCase(Locale.ROOT).equals(word))
        .findFirst()
        .orElseThrow(() ->
            new InputException(
                "there is no mode " + JsonCursor.quote(word) + "; there are nested and shadow"));
  }

  private void requireFunction(Named function) {
    json.require(
        function.place(),
        names.containsKey(function.name()),
        "there is no function %s; there are %s"
            .formatted(JsonCursor.quote(function.name()), String.join(", ", names.keySet())));
  }

  private Optional<Path> metricsSocket(Fields file, Path control) {
    Optional<Path> named = file.find(METRICS, METRICS_SOCKET).map(this::path);
    return named.isPresent() || !file.has(METRICS) || file.find(METRICS, PORT).isPresent()
        ? named
        : Optional.of(control.resolveSibling(control.getFileName() + ".metrics"));
  }

  private Path path(String text) {
    return folder.resolve(text).normalize();
  }

  private FunctionConfig uniqueFunction(Fields fields, HardwareInfo hardware, SocketAccess access) {
    FunctionConfig function = function(fields, hardware, access);
    Place first = names.putIfAbsent(function.name(), fields.place(FunctionKeys.NAME));
    if (first != null) {
      throw fields.wrong(
          FunctionKeys.NAME,
          "the name %s is already used in line %d; choose another"
              .formatted(JsonCursor.quote(function.name()), first.line()));
    }
    requireOwn(fields, FunctionKeys.SOCKET, function.socket(), function.name());
    return function;
  }

  /// Each function and each IOMMU has a socket of its own.
  private void requireOwn(Fields fields, Key<String> key, Path socket, String name) {
    String other = sockets.putIfAbsent(socket, name);
    if (other != null) {
      throw fields.wrong(
          key, "the socket is already that of " + JsonCursor.quote(other) + "; choose another");
    }
  }

  private FunctionConfig function(Fields function, HardwareInfo hardware, SocketAccess daemons) {
    SocketAccess access = SocketAccess.read(function, FunctionKeys.USERS, daemons);
    access.requireUsers(function, List.of());
    return new FunctionConfig(
        function.get(FunctionKeys.NAME),
        path(function.get(FunctionKeys.SOURCE)),
        function.get(FunctionKeys.PASSTHROUGH),
        function.find(FunctionKeys.ADDRESS),
        path(function.get(FunctionKeys.SOCKET)),
        function.find(FunctionKeys.HW_INFO).orElse(hardware),
        function.get(FunctionKeys.QUOTA),
        function.find(FunctionKeys.VIRTUAL),
        new PlacementPolicy(
            function.find(FunctionKeys.OFFSET),
            function.get(FunctionKeys.AVAILABLE),
            function.get(FunctionKeys.SHADOWING)),
        function.get(FunctionKeys.ATTACH_BEFORE_ENABLE) ? WhenDisabled.ALLOW : WhenDisabled.REFUSE,
        function.get(FunctionKeys.MAILBOX),
        bars(function),
        ownHost(function),
        function.find(FunctionKeys.QUIRKS).map(paths -> paths.stream().map(this::path).toList()),
        access,
        function.find(FunctionKeys.TENANT).orElse(function.get(FunctionKeys.NAME)),
        function);
  }

  private static BarSizes bars(Fields function) {
    BarSizes sizes = BarSizes.UNKNOWN;
    for (String size : function.get(FunctionKeys.BARS)) {
      try {
        sizes = sizes.with(size);
      } catch (IllegalArgumentException e) {
        throw function.wrong(FunctionKeys.BARS, FunctionKeys.BARS + ": " + e.getMessage());
      }
    }
    return sizes;
  }

  private static Optional<OwnHost> ownHost(Fields function) {
    return function.has(FunctionKeys.IOMMU) || function.has(FunctionKeys.KERNEL)
        ? Optional.of(
            new OwnHost(
                function.find(FunctionKeys.IOMMU).orElse(OwnHost.USUAL.iommu()),
                function.find(FunctionKeys.KERNEL).orElse(OwnHost.USUAL.kernel())))
        : Optional.empty();
  }

  private AddressSpaceConfig uniqueSpace(Fields fields) {
    AddressSpaceConfig space = addressSpace(fields);
    if (!spaces.add(space.name())) {
      throw fields.wrong(
          SPACE_NAME,
          "the name " + JsonCursor.quote(space.name()) + " is already used; choose another");
    }
    int handle = space.handle().orElseGet(() -> 1 + handles.stream().reduce(0, Math::max));
    if (!handles.add(handle)) {
      throw fields.wrong(
          HANDLE, "the handle " + handle + " is already used; choose another, or leave it out");
    }
    fields.find(SPACE_FUNCTIONS).orElse(List.of()).forEach(this::requireFunction);
    return new AddressSpaceConfig(
        space.name(), space.functions(), space.guestMemory(), Optional.of(handle));
  }

  private static AddressSpaceConfig addressSpace(Fields space) {
    return new AddressSpaceConfig(
        space.get(SPACE_NAME),
        space.find(SPACE_FUNCTIONS).map(all -> all.stream().map(Named::name).toList()),
        space.get(GUEST_MEMORY),
        space.find(HANDLE));
  }
}
