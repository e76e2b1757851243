package io.vpasid.guest.control;

import static io.vpasid.guest.control.ControlArgument.optional;
import static io.vpasid.guest.control.ControlArgument.required;

import io.vpasid.guest.config.DaemonConfigShape;
import io.vpasid.guest.config.FunctionKeys;
import io.vpasid.guest.control.ControlArgument.Kind;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/// The commands of the control socket: the one place that says what there is.
///
/// `query-commands`, `vpasid ctl --help`, the check of arguments and `docs/control.md` are made of
/// this table.
public enum ControlCommand {
  QMP_CAPABILITIES(
      "qmp_capabilities",
      "Ends the negotiation. No other command is taken before it.",
      "nothing",
      optional("enable", Kind.TEXTS, "capabilities of the greeting to switch on")),
  QUERY_VERSION(
      "query-version",
      "Tells the versions of the program and of Java.",
      "`vpasid`, `java`, and for QMP tools `qemu` and `package`"),
  QUERY_COMMANDS(
      "query-commands", "Lists the commands.", "a list with `name`, `description`, `arguments`"),
  QUERY_FUNCTIONS(
      "query-functions",
      "Lists the functions.",
      "a list with `name`, `address`, `id`, `socket`, `client`, `vpasid`, `enabled`, `attached`"),
  QUERY_FUNCTION(
      "query-function",
      "Tells all about one function: its placement with the reasons, its PASID registers, its"
          + " limits, what a Linux guest checks before it enables PASIDs.",
      "what `query-functions` has of it, and `source`, `hwInfo`, `quota`, `placement`, `mailbox`,"
          + " `bars`, `registers`, `refusedWrites`, `peer`, `preflight`",
      required("function", Kind.TEXT, "the function's name")),
  FUNCTION_ADD(
      "function-add",
      "Serves one more function. The arguments are the keys of a function in the daemon's"
          + " configuration; relative paths start from the configuration's folder.",
      "what `query-functions` has of it",
      ControlArgument.of(FunctionKeys.FUNCTION)),
  FUNCTION_DEL(
      "function-del",
      "Stops serving a function: its client is disconnected, its PASIDs are detached. An IOMMU goes"
          + " with it if the function has a host for itself.",
      "`detached`, how many PASIDs were; `left`, how many the simulated kernel still has, for which"
          + " 0 is the only right number; `released` false if its kernel or its hardware takes more"
          + " than 10 seconds to give it back, which goes on; `iommus`, the name of the IOMMU that"
          + " went with it",
      required("function", Kind.TEXT, "the function's name")),
  ADDRESS_SPACE_ADD(
      "address-space-add",
      "Makes an address space that guests may attach PASIDs to.",
      "`handle`, `name`, `functions`",
      ControlArgument.of(DaemonConfigShape.ADDRESS_SPACE)),
  ADDRESS_SPACE_DEL(
      "address-space-del",
      "Takes an address space away. Nothing may be attached to it, unless `detach` is given.",
      "`detached`, how many PASIDs were",
      required("space", Kind.SPACE, "the address space"),
      optional(
          "detach",
          Kind.FLAG,
          "whether the PASIDs that are attached to it are detached; no guest attaches one to it"
              + " meanwhile")),
  ADDRESS_SPACE_LIST(
      "address-space-list",
      "Lists the address spaces.",
      "a list with `handle`, `name`, `functions`, `attached`"),
  PASID_ATTACH(
      "pasid-attach",
      "Attaches a PASID of a function to an address space, or moves it there.",
      "`function`, `pasid`, `space`, and `previous`, the handle that it was attached to",
      required("function", Kind.TEXT, "the function's name"),
      required("pasid", Kind.NUMBER, "the PASID"),
      required("space", Kind.SPACE, "the address space")),
  PASID_DETACH(
      "pasid-detach",
      "Detaches a PASID. One that is not attached is no error.",
      "`function`, `pasid`, `detached`, and `space`, the handle that it was attached to",
      required("function", Kind.TEXT, "the function's name"),
      required("pasid", Kind.NUMBER, "the PASID")),
  QUERY_ATTACHMENTS(
      "query-attachments",
      "Lists the attached PASIDs, ascending.",
      "`attachments`, a list with `function`, `pasid`, `space`, `name`; `more`, whether there are"
          + " more than `limit`. With `kernel` also `objects`, how many its context has, and of each"
          + " attachment `firstStage`, the guest's page table, or `mapped`, how many bytes are",
      optional("function", Kind.TEXT, "only of this one"),
      optional("first", Kind.NUMBER, "the lowest PASID to list; needs `function`"),
      optional("limit", Kind.NUMBER, "how many to list at most, 1 to 10000; without it, 1000"),
      optional(
          "kernel",
          Kind.FLAG,
          "list what the simulated kernel has, and not what was recorded here; needs `function`")),
  QUERY_IOMMUS(
      "query-iommus",
      "Lists the virtual IOMMUs.",
      "a list with `iommu`, `socket`, `mode`, `covers`, the functions with their places"),
  QUERY_IOMMU(
      "query-iommu",
      "Tells all about one virtual IOMMU: its registers, what its guest's tables say, what is"
          + " attached for each entry, and counters.",
      "`iommu`, `socket`, `mode`, `reason`, `translating`, `tables` (`legacy`, `scalable` or"
          + " `invalid`), `registers`, `counters`; `entries`, a list with `function`, `place`,"
          + " `pasid` unless it is the function's own, `entry`, `attached` and `tables`, the entries"
          + " in the guest's memory from the root on; `more`, whether there are more than `limit`",
      optional("iommu", Kind.TEXT, "its name; needed if there are several"),
      optional(
          "limit", Kind.NUMBER, "how many entries to list at most, 1 to 4096; without it, 64")),
  IOMMU_ADD(
      "iommu-add",
      "Serves one more virtual IOMMU, for functions that are served and behind none. Page tables are"
          + " nested if the host can, unless `mode` says otherwise.",
      "what `query-iommus` has of it",
      required("name", Kind.TEXT, "what it is called"),
      required(
          "socket",
          Kind.TEXT,
          "the vfio-user socket to make for its function; a relative path starts from the"
              + " configuration's folder"),
      required(
          "covers",
          Kind.TEXTS,
          "the functions behind it, each with the place where its guest has it, as in dsa@04.0"),
      optional("mode", Kind.TEXT, "nested or shadow")),
  IOMMU_DEL(
      "iommu-del",
      "Stops serving a virtual IOMMU: its client is disconnected, and the functions behind it are"
          + " blocked.",
      "nothing",
      required("iommu", Kind.TEXT, "its name")),
  CONFIG_READ(
      "config-read",
      "Reads a register of a function's configuration space as its guest would.",
      "`offset`, `width`, `value`",
      required("function", Kind.TEXT, "the function's name"),
      required("offset", Kind.NUMBER, "the first byte"),
      optional("width", Kind.NUMBER, "1, 2 or 4 bytes; without it, 4")),
  CONFIG_WRITE(
      "config-write",
      "Writes a register of a function's configuration space as its guest would.",
      "nothing",
      required("function", Kind.TEXT, "the function's name"),
      required("offset", Kind.NUMBER, "the first byte"),
      required("value", Kind.NUMBER, "what to write, little endian"),
      optional("width", Kind.NUMBER, "1, 2 or 4 bytes; without it, 4")),
  FUNCTION_RESET(
      "function-reset",
      "Resets a function. What is attached stays attached, as in the kernel. A reset that takes more"
          + " than 10 seconds is an error, and goes on.",
      "nothing",
      required("function", Kind.TEXT, "the function's name")),
  REQUEST_FAIL(
      "request-fail",
      "Lets requests to a function's kernel fail, for tests. The function must have a simulated"
          + " host of its own, which `iommu` or `kernel` of function-add gives it. Without"
          + " `request` and `number`, everything works again.",
      "`waiting`, how many failures planned by number had not come yet",
      required("function", Kind.TEXT, "the function's name"),
      optional("request", Kind.TEXT, "the kind of request of which the next fails"),
      optional(
          "number",
          Kind.NUMBER,
          "the request that fails, 1 for the next one of any kind; what was planned before is"
              + " forgotten"),
      optional("errno", Kind.TEXT, "what it fails with, as in `ENOMEM`"),
      optional("every", Kind.FLAG, "whether all requests of the kind fail from now on")),
  QUERY_TENANTS(
      "query-tenants",
      "Lists the tenants of a daemon that has a process for each (serve --isolate).",
      "a list with `tenant`, `state` (`starting`, `serving`, `waiting` to start again, or `failed`),"
          + " `pid` if there is one, `starts`, how often it was started, `functions`, their names"),
  TENANT_RESTART(
      "tenant-restart",
      "Ends the process of a tenant and starts it again, also one that is not started any more because"
          + " it failed too often. Its clients are disconnected.",
      "nothing; events tell the rest",
      required("tenant", Kind.TEXT, "the tenant's name")),
  QUIRKS_RELOAD(
      "quirks-reload",
      "Reads the quirk files again, for functions that are added from now on. If one is bad the"
          + " table stays as it was.",
      "`quirks`, how many there are now; `moved`, the functions that would be placed elsewhere"),
  QUERY_LIMITS(
      "query-limits",
      "Tells what clients may take, and what they have taken.",
      "`limits`, those of the configuration with their defaults, in bytes and seconds; `process`, of"
          + " the `files`, `bytes`, `descriptors` and `bars` of all clients together, each with"
          + " `most` and `taken`"),
  QUERY_STATE(
      "query-state",
      "Tells what is served, all at once, as the page shows it.",
      "`version`; `started`, in milliseconds since 1970; `functions`, a list with `function`, what"
          + " `query-functions` has of it, `client`, its `uid` and `pid`, and `counted`, how often"
          + " something happened; `attachments`, at most 1000, as of `query-attachments`;"
          + " `addressSpaces`; `iommus`, a list with `iommu`, what `query-iommus` has of it, and"
          + " `report`, what `query-iommu` has, unless it is too busy to tell; with --isolate"
          + " `tenants`, as of `query-tenants`"),
  QUERY_PAGE(
      "query-page",
      "Tells where the page is, to who may change something.",
      "`address`, with the token that lets its reader in"),
  QUERY_METRICS("query-metrics", "Tells the metrics.", "`text`, in Prometheus' text format 0.0.4"),
  QUIT("quit", "Ends the daemon as SIGTERM does.", "nothing");

  private final String title;
  private final String description;
  private final String result;

  @SuppressWarnings("ImmutableEnumChecker") // It is a copy by List.of.
  private final List<ControlArgument> arguments;

  ControlCommand(String title, String description, String result, ControlArgument... arguments) {
    this.title = title;
    this.description = description;
    this.result = result;
    this.arguments = List.of(arguments);
  }

  /// The command as it stands in `execute`.
  public String title() {
    return title;
  }

  /// The effect of the command, in sentences.
  public String description() {
    return description;
  }

  /// The reply, as a part of a sentence in Markdown.
  public String result() {
    return result;
  }

  /// The arguments, the required ones first: the order in which `ctl` takes them without names.
  public List<ControlArgument> arguments() {
    return arguments;
  }

  /// The argument of a name.
  public Optional<ControlArgument> argument(String name) {
    return arguments.stream().filter(a -> a.name().equals(name)).findFirst();
  }

  /// True if those may use it who may only look: it changes nothing, as reading a register of a
  /// device can, and lets nobody in elsewhere.
  boolean onlyLooks() {
    return (title.startsWith("query-") && this != QUERY_PAGE)
        || this == QMP_CAPABILITIES
        || this == ADDRESS_SPACE_LIST;
  }

  /// The command of a name.
  public static Optional<ControlCommand> named(String name) {
    return Arrays.stream(values()).filter(c -> c.title.equals(name)).findFirst();
  }

  /// The names of all commands.
  public static List<String> titles() {
    return Arrays.stream(values()).map(ControlCommand::title).toList();
  }
}
