package io.vpasid.guest.config;

import io.vpasid.pci.PciAddress;
import io.vpasid.synth.HardwareInfo;
import io.vpasid.synth.json.Fields;
import io.vpasid.synth.json.FileShape;
import io.vpasid.synth.json.Form;
import io.vpasid.synth.json.JsonCursor.Place;
import io.vpasid.synth.json.Key;
import io.vpasid.synth.json.Shape;
import io.vpasid.vmm.frontend.nested.TranslationMode;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;

/// The keys of the daemon's configuration, which [DaemonConfigReader] reads by and
/// `docs/serve.schema.json` is made of. Those of a function stand in [FunctionKeys].
public final class DaemonConfigShape {
  /// Most functions that one daemon serves.
  public static final int MAX_FUNCTIONS = 4096;

  private static final int MAX_ADDRESS_SPACES = 4096;

  /// A name, and where it stands.
  record Named(String name, Place place) {}

  static final Key<String> CONTROL_SOCKET =
      Key.of(
          "socket",
          FunctionKeys.PATH,
          "Where it is created. Without it: $VPASID_SOCKET, else vpasid.sock in $XDG_RUNTIME_DIR,"
              + " else /run/vpasid.sock.");
  static final Key<Integer> MAX_CLIENTS =
      Key.of("maxClients", Form.integer(1, 1024), "Most clients at the same time.").or(16, 16);
  static final Key<List<Integer>> CONTROL_USERS =
      Key.of(
          "users",
          SocketAccess.USER_IDS,
          "Ids of the users who may do everything there. Without it, those of the daemon's"
              + " \"users\".");
  static final Key<List<Integer>> CONTROL_READERS =
      Key.of(
              "readers",
              SocketAccess.USER_IDS,
              "Ids of further users who may only look: the query commands, address-space-list, and"
                  + " events.")
          .or(List.of());
  static final Key<Fields> CONTROL =
      Key.of(
          "control",
          Shape.of(
              "\"control\"",
              CONTROL_SOCKET,
              MAX_CLIENTS,
              CONTROL_USERS,
              CONTROL_READERS,
              SocketAccess.GROUPS,
              SocketAccess.OWNER,
              SocketAccess.GROUP,
              SocketAccess.MODE),
          "The control socket.");

  static final Key<Integer> PORT =
      Key.of(
          "port",
          Form.integer(0, 65_535),
          "A port on 127.0.0.1, which everybody on this machine can use; 0 for any that is free.");
  static final Key<String> METRICS_SOCKET =
      Key.of(
          "socket",
          FunctionKeys.PATH,
          "The Unix socket to make, with mode 0600. Without it, and without a port: the path of the"
              + " control socket with .metrics at its end.");
  static final Key<Fields> METRICS =
      Key.of(
          "metrics",
          Shape.of("\"metrics\"", METRICS_SOCKET, PORT),
          "Metrics for Prometheus, by HTTP at /metrics. Without it they are not served.");

  static final Key<Integer> PAGE_PORT =
      Key.of("port", Form.integer(0, 65_535), "The port on 127.0.0.1; 0 for any that is free.")
          .or(0, "0");
  static final Key<Fields> PAGE =
      Key.of(
          "page",
          Shape.of("\"page\"", PAGE_PORT),
          "A page for a browser on this machine that shows what is served, as it happens; `{}` will"
              + " do. Its address, with a token in it, is told at the start. Without it there is"
              + " none.");

  static final Key<LogStyle.Format> LOG_FORMAT =
      Key.of(
              "format",
              Form.constant(LogStyle.Format.class),
              "auto: text on a terminal, JSON otherwise.")
          .or(LogStyle.DEFAULT.format(), "auto");
  static final Key<LogStyle.Level> LOG_LEVEL =
      Key.of(
              "level",
              Form.constant(LogStyle.Level.class),
              "The least severe that is logged; debug has every attachment.")
          .or(LogStyle.DEFAULT.level(), "info");
  static final Key<Fields> LOG =
      Key.of("log", Shape.of("\"log\"", LOG_FORMAT, LOG_LEVEL), "How to log, to the error stream.");

  static final Key<Fields> LIMITS =
      Key.of("limits", Limits.SHAPE, "Most that clients may take, so that none hurts another.");

  /// Most microseconds of a busy poll: a thread that is never asked again loses no more.
  public static final int MAX_BUSY_POLL = 1000;

  static final Key<Integer> BUSY_POLL =
      Key.of(
              "busyPollMicros",
              Form.integer(0, MAX_BUSY_POLL),
              "How many microseconds a thread that serves functions looks for the next message before"
                  + " it sleeps. A guest that asks again by then is answered sooner, and a core is"
                  + " busy for as long.")
          .or(0, 0);

  static final Key<List<Integer>> USERS =
      Key.of(
              "users",
              SocketAccess.USER_IDS,
              "Ids of the users who may connect to the sockets. Without it: the daemon's own user and"
                  + " root. Others than root need \"owner\" or \"mode\" as well. Owner, group and mode"
                  + " here are those of the functions' sockets.")
          .or(List.of());
  static final Key<List<String>> QUIRKS =
      Key.of(
              "quirks",
              FunctionKeys.quirkPaths(),
              "Quirk files and folders, on top of the built-in and the installed ones; the last"
                  + " wins.")
          .or(List.of());
  static final Key<HardwareInfo> HW_INFO =
      Key.of(
              "hwInfo",
              FunctionKeys.HARDWARE,
              "What IOMMU_GET_HW_INFO reports of functions that do not say it themselves.")
          .or(new HardwareInfo(20, false, false, true), "width=20");
  static final Key<List<Fields>> FUNCTIONS =
      Key.of(
              "functions",
              FunctionKeys.FUNCTION.list(MAX_FUNCTIONS, "functions; leave some out"),
              "What is served from the start.")
          .or(List.of());

  private static final Form<Named> FUNCTION_NAME =
      Form.string("a function's name")
          .called("a name of \"functions\"")
          .check((name, json, _) -> new Named(name, json.place()));

  static final Key<String> SPACE_NAME =
      Key.of("name", FunctionKeys.NAME_FORM, "What people call it.").required("add one");
  static final Key<List<Named>> SPACE_FUNCTIONS =
      Key.of(
          "functions",
          Form.either(FUNCTION_NAME.map(List::of), FUNCTION_NAME.list()),
          "Names of the functions that may use it. Without it, all may, those added later too.");
  static final Key<Boolean> GUEST_MEMORY =
      Key.of(
              "guestMemory",
              Form.bool(),
              "Whether PASIDs attached to it reach what their function itself reaches, the memory of"
                  + " its guest. Without it, nothing is mapped in it.")
          .or(false, false);

  static final Key<Integer> HANDLE =
      Key.of(
          "handle",
          Form.integer(1, Integer.MAX_VALUE),
          "The number by which guests and commands name it. Without it, the next one behind the"
              + " highest so far.");

  /// An address space: also the arguments of the control command `address-space-add`.
  public static final Shape ADDRESS_SPACE =
      Shape.of("an address space", SPACE_NAME, SPACE_FUNCTIONS, GUEST_MEMORY, HANDLE);

  static final Key<List<Fields>> ADDRESS_SPACES =
      Key.of(
              "addressSpaces",
              ADDRESS_SPACE.list(MAX_ADDRESS_SPACES, "address spaces; leave some out"),
              "What guests may attach PASIDs to from the start. Their handles count from 1 in this"
                  + " order.")
          .or(List.of());

  /// Device and function number, as `lspci` prints them.
  static final Pattern PLACE = Pattern.compile("([01][0-9a-f])\\.([0-7])");

  /// Most virtual IOMMUs of one daemon.
  public static final int MAX_IOMMUS = 256;

  static final Key<String> IOMMU_NAME =
      Key.of(
              "name",
              FunctionKeys.NAME_FORM,
              "What people and the control socket call it; of several, each has its own.")
          .or("iommu", "iommu");
  static final Key<String> IOMMU_KIND =
      Key.of(
              "kind",
              Form.word(List.of("vtd"), kind -> kind),
              "Which one: Intel VT-d in scalable mode.")
          .or("vtd", "vtd");
  static final Key<String> IOMMU_SOCKET =
      Key.of(
              "socket",
              FunctionKeys.PATH,
              "The vfio-user socket of its function, whose first BAR is the registers.")
          .required("add one");
  static final Key<Named> COVERED_FUNCTION =
      Key.of("function", FUNCTION_NAME, "The name of one of the functions.").required("add one");
  static final Key<PciAddress> COVERED_PLACE =
      Key.of(
              "place",
              Form.matching(PLACE, "a device and function number such as \"04.0\"")
                  .map(DaemonConfigShape::placeOf),
              "Where its guest has it on the first bus: the \"addr\" of QEMU's -device.")
          .required("add one");
  static final Key<List<Fields>> COVERS =
      Key.of(
              "covers",
              Shape.of("a covered function", COVERED_FUNCTION, COVERED_PLACE)
                  .oneOrMore(MAX_FUNCTIONS, "functions; leave some out"),
              "The functions whose guest has them behind it. All are on one host.")
          .required("add one");
  static final Key<TranslationMode.Kind> IOMMU_MODE =
      Key.of(
          "mode",
          Form.constant(TranslationMode.Kind.class),
          "nested: the guest is offered the first stage, which hardware walks; shadow: the second"
              + " stage, which is copied. Without it: nested if the host can.");
  static final Key<List<Fields>> IOMMU =
      Key.of(
              "iommu",
              Shape.of("\"iommu\"", IOMMU_NAME, IOMMU_KIND, IOMMU_SOCKET, COVERS, IOMMU_MODE)
                  .oneOrMore(MAX_IOMMUS, "IOMMUs; leave some out"),
              "A virtual IOMMU through which the guest's own driver attaches PASIDs, or several, each"
                  + " for another guest. Without it there is none.")
          .or(List.of());

  static final Key<List<Fields>> TENANTS =
      Key.of(
              "tenants",
              TenantConfig.SHAPE.list(MAX_FUNCTIONS, "tenants; leave some out"),
              "What is special about the processes of serve --isolate, by tenant. Without the option"
                  + " there is one process, and this says nothing.")
          .or(List.of());

  private static final FileShape FILE =
      new FileShape(
          "serve",
          "vpasid daemon configuration",
          "What `vpasid serve CONFIG.json` serves, and to whom. Relative paths start from the file's"
              + " folder. A schema cannot say that names and sockets are unique and that address"
              + " spaces name functions of the file; vpasid checks that too.",
          "write { \"format\": 1, \"functions\": [ … ] }",
          1,
          Shape.of(
              "a configuration",
              CONTROL,
              USERS,
              SocketAccess.GROUPS,
              SocketAccess.OWNER,
              SocketAccess.GROUP,
              SocketAccess.MODE,
              METRICS,
              PAGE,
              LOG,
              LIMITS,
              BUSY_POLL,
              QUIRKS,
              HW_INFO,
              FUNCTIONS,
              ADDRESS_SPACES,
              IOMMU,
              TENANTS));

  private DaemonConfigShape() {}

  /// The place on the first bus that [#PLACE] has matched.
  static PciAddress placeOf(MatchResult place) {
    return new PciAddress(
        0, 0, Integer.parseInt(place.group(1), 16), Integer.parseInt(place.group(2)));
  }

  /// The shape of such a file.
  public static FileShape file() {
    return FILE;
  }
}
