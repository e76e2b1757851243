package io.vpasid.guest.config;

import io.vpasid.pci.ConfigSpace;
import io.vpasid.pci.Header;
import io.vpasid.pci.PciAddress;
import io.vpasid.pci.emulation.Bar;
import io.vpasid.synth.HardwareInfo;
import io.vpasid.synth.PasidCapability;
import io.vpasid.synth.json.Fields;
import io.vpasid.synth.json.FileShape;
import io.vpasid.synth.json.Form;
import io.vpasid.synth.json.JsonCursor;
import io.vpasid.synth.json.Key;
import io.vpasid.synth.json.Rule;
import io.vpasid.synth.json.Shape;
import java.nio.ByteBuffer;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// The keys of files that describe a function: a table for each object, which [FunctionFile] reads
/// by and `docs/function.schema.json` is made of.
public final class FunctionFileShape {
  /// The kinds of endpoint, with their Device/Port Type in the PCI Express Capabilities register.
  enum Port {
    ENDPOINT(0),
    INTEGRATED(9);

    final int type;

    Port(int type) {
      this.type = type;
    }

    @Override
    public String toString() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /// A subsystem as a file has it.
  record Subsystem(int vendor, int device) {}

  private static final int OFFSET_MAX = ConfigSpace.EXTENDED_SIZE - 1;
  private static final Pattern SUBSYSTEM_PATTERN =
      Pattern.compile("(0x[0-9a-fA-F]{1,4}):(0x[0-9a-fA-F]{1,4})");
  private static final Form<Integer> BAR_INDEX = Form.integer(0, 5);

  // BARs and what lies in them

  static final Key<Integer> INDEX =
      Key.of("index", BAR_INDEX, "Which BAR.").required("add one from 0 to 5");
  static final Key<Long> SIZE =
      Key.of("size", BarSizes.size("\"64K\""), "A power of two, with K, M, G or T.")
          .required("add one such as \"64K\"");
  static final Key<Bar.Type> TYPE =
      Key.of(
              "type",
              Form.word(
                  List.of(Bar.Type.MEMORY_32, Bar.Type.MEMORY_64, Bar.Type.IO),
                  type -> type.name().toLowerCase(Locale.ROOT).replace("_", "")),
              "What it decodes.")
          .or(Bar.Type.MEMORY_32, "memory32");
  static final Key<Boolean> PREFETCHABLE =
      Key.of("prefetchable", Form.bool(), "Whether it is prefetchable.").or(false, false);

  static final Key<Integer> BAR =
      Key.of("bar", BAR_INDEX, "In which BAR it is.").required("say in which BAR it is");

  static final Key<Integer> VECTORS =
      Key.of("vectors", Form.integer(1, 2048), "How many.").required("add 1 to 2048");
  static final Key<Long> TABLE =
      Key.of("table", within(8), "Where the table is in the BAR, a multiple of 8.")
          .required("add its offset in the BAR");
  static final Key<Long> PBA =
      Key.of("pba", within(8), "Where the Pending Bit Array is in the BAR, a multiple of 8.")
          .required("add its offset in the BAR");

  static final Key<Long> REGISTER =
      Key.of("offset", within(4), "Where it is in the BAR, a multiple of 4.")
          .required("say where in the BAR");

  // Capabilities and hidden registers

  static final Key<Integer> WIDTH =
      Key.of("width", Form.integer(1, HardwareInfo.MAX_WIDTH), "Max PASID Width.")
          .required("add 1 to 20");
  static final Key<Boolean> EXEC =
      Key.of("exec", Form.bool(), "Execute Permission Supported.").or(false, false);
  static final Key<Boolean> PRIV =
      Key.of("priv", Form.bool(), "Privileged Mode Supported.").or(false, false);

  static final Key<Integer> STANDARD =
      Key.of("standard", Form.hex("0x09", 0xff), "Id of a standard capability.");
  static final Key<Integer> EXTENDED =
      Key.of("extended", Form.hex("0x000b", 0xffff), "Id of an extended capability.");
  static final Key<Integer> VERSION =
      Key.of("version", Form.integer(0, 15), "Version of an extended capability.").or(1, 1);
  static final Key<Integer> OFFSET =
      Key.of(
          "offset",
          Form.hex("0x140", OFFSET_MAX),
          "Where it starts, a multiple of 4; behind the one before if left out.");
  static final Key<ByteBuffer> BODY =
      Key.of("body", bytes(), "What follows the header, in the order of addresses.")
          .or(ByteBuffer.allocate(0));

  static final Key<Integer> HIDDEN_OFFSET =
      Key.of("offset", Form.hex("0xff8", OFFSET_MAX), "Of the first byte, from 0x40 on.")
          .required("add one");
  static final Key<ByteBuffer> HIDDEN_BYTES =
      Key.of("bytes", bytes().with("minLength", 2), "In the order of their addresses.")
          .required("add some");

  // The file

  static final Key<PciAddress> ADDRESS =
      Key.of("address", MachineForms.address("0000:00:01.0"), "Where the function sits.")
          .or(new PciAddress(0, 0, 1, 0), "0000:00:01.0");
  static final Key<String> NAME =
      Key.of("name", Form.text(100), "What people call it, in one line.");
  static final Key<Integer> VENDOR =
      Key.of("vendor", Form.hex("0xf00d", 0xfffe), "Vendor ID, 0x0000 to 0xfffe.")
          .required("add one such as \"0xf00d\"");
  static final Key<Integer> DEVICE =
      Key.of("device", Form.hex("0x0001", 0xffff), "Device ID.")
          .required("add one such as \"0x0001\"");
  static final Key<Subsystem> SUBSYSTEM =
      Key.of(
              "subsystem",
              Form.matching(SUBSYSTEM_PATTERN, "\"0x1234:0x0001\"")
                  .map(FunctionFileShape::subsystem),
              "Subsystem vendor and device.")
          .or(new Subsystem(0, 0), "0x0:0x0");
  static final Key<Integer> CLASS =
      Key.of(
              "class",
              Form.hex("0x088000", 0xffffff),
              "Class code: base class, subclass, programming interface.")
          .required("add one, \"0x088000\"");
  static final Key<Integer> REVISION =
      Key.of("revision", Form.hex("0x01", 0xff), "Revision ID.").or(0, "0x0");
  static final Key<Port> PORT =
      Key.of("port", Form.word(Port.values()), "What kind of endpoint it is.")
          .or(Port.INTEGRATED, "integrated");
  static final Key<List<Fields>> BARS =
      Key.of(
              "bars",
              Shape.of("a BAR", INDEX, SIZE, TYPE, PREFETCHABLE).list(),
              "The BARs that it implements, backed by memory.")
          .or(List.of());
  static final Key<Fields> MSIX =
      Key.of("msix", Shape.of("\"msix\"", VECTORS, BAR, TABLE, PBA), "The MSI-X capability.");
  static final Key<Fields> DOORBELL =
      Key.of(
          "doorbell",
          Shape.of("\"doorbell\"", BAR, REGISTER),
          "A register of 4 bytes: writing a number raises the MSI-X vector with that number.");
  static final Key<Fields> DMA_ENGINE =
      Key.of(
          "dmaEngine",
          Shape.of("\"dmaEngine\"", BAR),
          "A BAR that begins with the registers of a DMA engine, which reads and writes the guest's"
              + " memory through the virtual IOMMU, with a PASID or without; they read as 0 while"
              + " no virtual IOMMU covers the function.");
  static final Key<Boolean> ATS =
      Key.of("ats", Form.bool(), "Whether it has the Address Translation Services capability.")
          .or(false, false);
  static final Key<Boolean> PRI =
      Key.of("pri", Form.bool(), "Whether it has the Page Request Interface capability.")
          .or(false, false);
  static final Key<PasidCapability> PASID =
      Key.of(
          "pasid",
          Shape.of("\"pasid\"", WIDTH, EXEC, PRIV)
              .map(p -> new PasidCapability(p.get(WIDTH), p.get(EXEC), p.get(PRIV))),
          "The PASID capability of the hardware, which vfio-pci hides.");
  static final Key<List<Fields>> CAPABILITIES =
      Key.of(
              "capabilities",
              Shape.of("a capability", STANDARD, EXTENDED, VERSION, OFFSET, BODY)
                  .with(
                      Rule.oneOf(
                          "has neither \"standard\" nor \"extended\"; add one",
                          "is either \"standard\" or \"extended\"; remove one",
                          STANDARD,
                          EXTENDED))
                  .list(64, "capabilities; leave some out"),
              "Further capabilities, linked in this order.")
          .or(List.of());
  static final Key<List<Fields>> HIDDEN =
      Key.of(
              "hidden",
              Shape.of("an item of \"hidden\"", HIDDEN_OFFSET, HIDDEN_BYTES)
                  .as("hidden register")
                  .with(Rule.of(FunctionFileShape::checkHidden, "{}"))
                  .list(),
              "Live registers that no capability describes.")
          .or(List.of());

  private static final FileShape FILE =
      new FileShape(
          "function",
          "vpasid function file",
          "A PCI function to be emulated. Every function has Power Management and PCI Express with"
              + " function-level reset and End-End TLP prefixes. A schema cannot say that BARs share"
              + " no registers, that the MSI-X tables lie within their BAR, and that capabilities do"
              + " not lie on one another; vpasid checks that too.",
          "describe a function: { \"format\": 1, … }",
          1,
          Shape.of(
                  "a function file",
                  ADDRESS,
                  NAME,
                  VENDOR,
                  DEVICE,
                  SUBSYSTEM,
                  CLASS,
                  REVISION,
                  PORT,
                  BARS,
                  MSIX,
                  DOORBELL,
                  DMA_ENGINE,
                  ATS,
                  PRI,
                  PASID,
                  CAPABILITIES,
                  HIDDEN)
              .as("function"));

  private FunctionFileShape() {}

  /// The shape of such a file.
  public static FileShape file() {
    return FILE;
  }

  /// An offset within a BAR.
  private static Form<Long> within(int alignment) {
    return Form.hex("0x1000", 0xffffffffL)
        .check((offset, json, what) -> {
          if (offset % alignment != 0) {
            throw json.wrong(what + " must be a multiple of " + alignment);
          }
          return offset;
        });
  }

  private static Subsystem subsystem(Matcher m) {
    return new Subsystem(Integer.decode(m.group(1)), Integer.decode(m.group(2)));
  }

  /// Bytes in hexadecimal, in the order of their addresses.
  private static Form<ByteBuffer> bytes() {
    return Form.string("bytes such as \"12 34 ab\"")
        .check(FunctionFileShape::bytes)
        .with("pattern", "^([0-9a-fA-F]{2} ?)*$");
  }

  private static ByteBuffer bytes(String written, JsonCursor json, String what) {
    String text = written.replace(" ", "");
    try {
      return ByteBuffer.wrap(HexFormat.of().parseHex(text)).asReadOnlyBuffer();
    } catch (IllegalArgumentException e) {
      throw json.wrong(what + " must be bytes such as \"12 34 ab\", not " + JsonCursor.quote(text));
    }
  }

  private static void checkHidden(Fields hidden) {
    int first = hidden.get(HIDDEN_OFFSET);
    int length = hidden.get(HIDDEN_BYTES).remaining();
    hidden.require(length > 0, "the hidden register has no \"bytes\"; add some");
    hidden.require(
        first >= Header.RANGE.end() && first + length <= ConfigSpace.EXTENDED_SIZE,
        "hidden bytes lie from 0x40 to 0xfff");
  }
}
