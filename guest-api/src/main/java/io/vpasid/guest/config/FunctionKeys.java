package io.vpasid.guest.config;

import io.vpasid.pci.ByteRange;
import io.vpasid.pci.ConfigSpace;
import io.vpasid.pci.PciAddress;
import io.vpasid.synth.HardwareInfo;
import io.vpasid.synth.json.Fields;
import io.vpasid.synth.json.Form;
import io.vpasid.synth.json.JsonCursor;
import io.vpasid.synth.json.Key;
import io.vpasid.synth.json.Rule;
import io.vpasid.synth.json.Shape;
import io.vpasid.vmm.iommufd.simulated.IommuProfile;
import io.vpasid.vmm.iommufd.simulated.KernelVersion;
import java.util.List;
import java.util.regex.Pattern;

/// The keys of a function that the daemon serves: in its configuration, and as arguments of the
/// control command `function-add`.
public final class FunctionKeys {
  /// The names that functions and address spaces may have.
  static final Pattern NAME_PATTERN = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,63}");

  private static final int MAX_PATHS = 64;
  private static final int MAX_QUOTA = 1 << HardwareInfo.MAX_WIDTH;

  /// The name of a function or an address space.
  static final Form<String> NAME_FORM =
      Form.name(
              NAME_PATTERN,
              "a name such as \"dsa\"",
              "must be 1 to 64 letters, digits, '-', '.' and '_' and start with a letter or digit")
          .named("name");

  /// A path, which may be relative.
  static final Form<String> PATH = Form.text(4096).named("path");

  /// An answer of IOMMU_GET_HW_INFO.
  static final Form<HardwareInfo> HARDWARE =
      Form.string("a string such as \"width=20,priv\"")
          .check(FunctionKeys::hardware)
          .with(
              "pattern",
              "^(none|(?=(.*,)?width=)((width=(0?[0-9]|1[0-9]|20)|exec|priv|no-ats)(,(?!$)|$))+)$")
          .with("examples", List.of("width=20,priv", "none"))
          .named("hwInfo");

  public static final Key<String> NAME =
      Key.of("name", NAME_FORM, "What it is called on the control socket, in logs and metrics.")
          .required("add one");
  public static final Key<String> SOURCE =
      Key.of(
              "source",
              PATH,
              "A dump (lspci -xxxx text, raw or hex bytes), a description (FILE.json), or an address"
                  + " of this machine. An emulated function is made of it, unless \"passthrough\""
                  + " says otherwise.")
          .required("name a dump, or an address");
  public static final Key<String> SOCKET =
      Key.of("socket", PATH, "The vfio-user socket to make.").required("name a path");
  public static final Key<PciAddress> ADDRESS =
      Key.of(
          "address",
          MachineForms.address("0000:6a:01.0"),
          "Which function of the dump, if it has several.");
  public static final Key<Boolean> PASSTHROUGH =
      Key.of(
              "passthrough",
              Form.bool(),
              "Whether the function at the address is itself passed through, by VFIO and iommufd:"
                  + " vfio-pci has it, and this process may open it. Its host tells what \"hwInfo\""
                  + " and \"virtual\" would.")
          .or(false, false);
  public static final Key<HardwareInfo> HW_INFO =
      Key.of("hwInfo", HARDWARE, "What IOMMU_GET_HW_INFO reports of it, as in width=20,priv.");
  public static final Key<Integer> QUOTA =
      Key.of(
              "quota",
              Form.integer(0, MAX_QUOTA),
              "How many of its PASIDs may be attached at the same time. Without it, as many as there"
                  + " are.")
          .or(Integer.MAX_VALUE);
  public static final Key<Boolean> VIRTUAL =
      Key.of(
          "virtual",
          Form.bool(),
          "Whether it is an SR-IOV virtual function. Without it, it is one if its id registers read"
              + " ffff.");
  public static final Key<Integer> OFFSET =
      Key.of(
          "offset",
          MachineForms.capabilityOffset(Form.hex("0x180", ConfigSpace.EXTENDED_SIZE - 1))
              .with("pattern", "^(?!0x0*[fF]{2}[cC]$)0x0*[1-9a-fA-F][0-9a-fA-F][048cC]$"),
          "Put the vPASID there, or nowhere: a multiple of 4 from 0x100 to 0xff8.");
  public static final Key<List<ByteRange>> AVAILABLE =
      Key.of(
              "available",
              Form.extendedRange().oneOrMore(),
              "Ranges to try before any other; first and last byte, from 0x100 on, as in"
                  + " 0x180-0x24f.")
          .or(List.of());
  public static final Key<Boolean> SHADOWING =
      Key.of(
              "shadowing",
              Form.bool(),
              "Allow to cover live registers: those at `offset`, and without it those that a quirk"
                  + " lets go, where nothing else is left.")
          .or(false, false);
  public static final Key<Boolean> ATTACH_BEFORE_ENABLE =
      Key.of(
              "attachBeforeEnable",
              Form.bool(),
              "Allow to attach PASIDs before the guest has enabled them.")
          .or(false, false);
  public static final Key<Boolean> MAILBOX =
      Key.of(
              "mailbox",
              Form.bool(),
              "Show the guest the request mailbox, through which it asks for attachments by handle.")
          .or(false, false);
  public static final Key<List<String>> BARS =
      Key.of(
              "bars",
              Form.string(BarSizes.FORM)
                  .check(FunctionKeys::barSize)
                  .with("pattern", "^[0-5]=[0-9]{1,6}[KMGT]?$")
                  .oneOrMore(6, "sizes of BARs; leave some out"),
              "Sizes of BARs, which a dump does not tell: INDEX=SIZE, as in 0=64K. A BAR without one"
                  + " has 4K (32 bytes for I/O), or what its MSI-X tables need.")
          .or(List.of());
  public static final Key<IommuProfile> IOMMU =
      Key.of(
          "iommu",
          MachineForms.iommu().with("default", "intel"),
          "The IOMMU of a simulated host that the function has for itself. With \"iommu\" or"
              + " \"kernel\" its address may be in another domain than in the source, and the"
              + " control command request-fail works.");
  public static final Key<KernelVersion> KERNEL =
      Key.of(
          "kernel",
          MachineForms.kernel(Form.string("a release of Linux such as \"7.3\""))
              .with("pattern", "^[0-9]{1,4}\\.[0-9]{1,4}([.-].*)?$")
              .with("default", "7.3"),
          "The release of Linux of a simulated host that the function has for itself.");
  public static final Key<List<String>> QUIRKS =
      Key.of(
          "quirks",
          Form.either(
              PATH.map(List::of), quirkPath().list(MAX_PATHS, "quirk paths; leave some out")),
          "Quirk files and folders that count for this function besides those built in. Without it,"
              + " the daemon's table does.");

  public static final Key<List<Integer>> USERS =
      Key.of(
          "users",
          SocketAccess.USER_IDS,
          "Ids of the users who may connect to the function's socket. Without it, and without"
              + " \"groups\" and \"owner\", those of the daemon's \"users\".");

  static final Key<String> TENANT =
      Key.of(
          "tenant",
          NAME_FORM,
          "Whose function it is. With serve --isolate, functions of one tenant are served by one"
              + " process, and those of others by others. Without it, the function's name.");

  /// Of these, what only an emulated function has.
  private static final List<Key<?>> EMULATED =
      List.of(ADDRESS, HW_INFO, VIRTUAL, BARS, IOMMU, KERNEL);

  /// A function.
  public static final Shape FUNCTION =
      Shape.of(
              "a function",
              NAME,
              SOURCE,
              SOCKET,
              ADDRESS,
              PASSTHROUGH,
              HW_INFO,
              QUOTA,
              VIRTUAL,
              OFFSET,
              AVAILABLE,
              SHADOWING,
              ATTACH_BEFORE_ENABLE,
              MAILBOX,
              BARS,
              IOMMU,
              KERNEL,
              QUIRKS,
              USERS,
              SocketAccess.GROUPS,
              SocketAccess.OWNER,
              SocketAccess.GROUP,
              SocketAccess.MODE,
              TENANT)
          .calledBy(NAME)
          .with(
              Rule.of(
                  FunctionKeys::checkPassthrough,
                  """
                  { "if": { "required": ["passthrough"],
                            "properties": { "passthrough": { "const": true } } },
                    "then": { "properties": {
                        "source": { "pattern": "(^|/)([0-9a-fA-F]{1,8}:)?[0-9a-fA-F]{1,2}:[0-9a-fA-F]{1,2}\\\\.[0-7]$" },
                        "address": false, "hwInfo": false, "virtual": false,
                        "bars": false, "iommu": false, "kernel": false } } }
                  """));

  private FunctionKeys() {}

  /// Paths of quirk files.
  static Form<List<String>> quirkPaths() {
    return quirkPath().oneOrMore(MAX_PATHS, "quirk paths; leave some out");
  }

  private static Form<String> quirkPath() {
    return PATH.called("a path of \"quirks\"");
  }

  private static HardwareInfo hardware(String text, JsonCursor json, String what) {
    try {
      return HardwareInfo.parse(text);
    } catch (IllegalArgumentException e) {
      throw json.wrong(
          "%s must be \"none\", or \"width=N\" with N from 0 to 20 and then exec, priv and no-ats as it applies, as in \"width=20,priv\", not %s"
              .formatted(what, JsonCursor.quote(text)));
    }
  }

  private static String barSize(String text, JsonCursor json, String what) {
    try {
      var _ = BarSizes.UNKNOWN.with(text);
      return text;
    } catch (IllegalArgumentException e) {
      throw json.wrong(what + ": " + e.getMessage() + ", not " + JsonCursor.quote(text));
    }
  }

  private static void checkPassthrough(Fields function) {
    if (!function.get(PASSTHROUGH)) {
      return;
    }
    String source = function.get(SOURCE);
    if (PciAddress.parse(source.substring(source.lastIndexOf('/') + 1)).isEmpty()) {
      throw function.wrong(
          SOURCE,
          "%s is passed through, so its \"source\" is its address, such as \"0000:6a:01.0\", not %s"
              .formatted(function.subject(), JsonCursor.quote(source)));
    }
    for (Key<?> key : function.keys()) {
      if (EMULATED.contains(key)) {
        throw function.wrong(
            key,
            "%s is passed through, and its host tells what %s would; leave it out"
                .formatted(function.subject(), key));
      }
    }
  }
}
