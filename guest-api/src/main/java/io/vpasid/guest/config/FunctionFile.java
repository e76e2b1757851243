package io.vpasid.guest.config;

import io.vpasid.guest.config.FunctionBytes.Misplaced;
import io.vpasid.guest.config.FunctionDescription.Doorbell;
import io.vpasid.pci.ConfigSpace;
import io.vpasid.pci.Header;
import io.vpasid.pci.PciAddress;
import io.vpasid.pci.capability.CapabilityId;
import io.vpasid.pci.dump.HostFunction;
import io.vpasid.pci.emulation.Bar;
import io.vpasid.synth.HardwareInfo;
import io.vpasid.synth.PasidCapability;
import io.vpasid.synth.json.JsonCursor;
import io.vpasid.synth.json.JsonCursor.Place;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// Reads a file that describes a function. `docs/function.schema.json` describes the format; this
/// reader also checks what a schema cannot say: that BARs do not share registers, that the MSI-X
/// tables lie within theirs, that capabilities do not lie on one another.
///
/// ```text
/// { "format": 1,
///   "vendor": "0xf00d", "device": "0x0001", "class": "0x088000",
///   "bars": [ { "index": 0, "size": "64K" } ],
///   "msix": { "vectors": 8, "bar": 0, "table": "0x8000", "pba": "0x9000" },
///   "ats": true, "pri": true,
///   "pasid": { "width": 20, "priv": true } }
/// ```
///
/// Every function gets Power Management and PCI Express with function-level reset and End-End TLP
/// prefixes, without which a guest uses no PASIDs. The PASID capability is the physical one, which
/// vfio-pci hides.
///
/// The file may come from anyone; whatever its bytes are, the only exception is
/// [io.vpasid.synth.json.JsonFileException].
public final class FunctionFile {
  /// Most bytes of one file.
  static final int MAX_BYTES = 1 << 20;

  /// The version of the format that this reader knows.
  static final int FORMAT = 1;

  static final List<String> FILE_KEYS =
      List.of(
          "$schema",
          "format",
          "address",
          "name",
          "vendor",
          "device",
          "subsystem",
          "class",
          "revision",
          "port",
          "bars",
          "msix",
          "doorbell",
          "ats",
          "pri",
          "pasid",
          "capabilities",
          "hidden");

  static final List<String> BAR_KEYS = List.of("index", "size", "type", "prefetchable");
  static final List<String> MSIX_KEYS = List.of("vectors", "bar", "table", "pba");
  static final List<String> DOORBELL_KEYS = List.of("bar", "offset");
  static final List<String> PASID_KEYS = List.of("width", "exec", "priv");
  static final List<String> CAPABILITY_KEYS =
      List.of("standard", "extended", "version", "offset", "body");
  static final List<String> HIDDEN_KEYS = List.of("offset", "bytes");

  private static final List<String> PORTS = List.of("endpoint", "integrated");
  private static final List<String> BAR_TYPES = List.of("memory32", "memory64", "io");

  private static final Pattern SIZE = Pattern.compile("([0-9]{1,6})([KMGT]?)");
  private static final Pattern SUBSYSTEM =
      Pattern.compile("(0x[0-9a-fA-F]{1,4}):(0x[0-9a-fA-F]{1,4})");

  private static final int MAX_TEXT = 100;
  private static final int MAX_CAPABILITIES = 64;
  private static final int MSIX_ENTRY = 16;
  private static final int ENDPOINT = 0;
  private static final int INTEGRATED_ENDPOINT = 9;
  private static final Place START = new Place(1, 1);

  private final JsonCursor json;

  // What the file says, in any order; a place is that of the value.
  private PciAddress address = new PciAddress(0, 0, 1, 0);
  private String name = "";
  private int vendor = -1;
  private int device = -1;
  private int subsystemVendor;
  private int subsystemDevice;
  private int classCode = -1;
  private int revision;
  private int port = INTEGRATED_ENDPOINT;
  private final Map<Integer, Bar> bars = new TreeMap<>();
  private @Nullable Msix msix;
  private @Nullable Ring doorbell;
  private boolean ats;
  private boolean pri;
  private @Nullable PasidCapability pasid;
  private final List<Listed> capabilities = new ArrayList<>();
  private final List<Hidden> hidden = new ArrayList<>();

  private record Msix(Place place, int vectors, int bar, long table, long pba) {}

  private record Ring(Place place, Doorbell register) {}

  private record Listed(
      Place place, CapabilityId id, int version, OptionalInt offset, ByteBuffer body) {}

  private record Hidden(Place place, int offset, ByteBuffer bytes) {}

  private FunctionFile(JsonCursor json) {
    this.json = json;
  }

  /// The function that a file describes.
  ///
  /// @throws io.vpasid.synth.json.JsonFileException if it cannot be read or is wrong
  public static FunctionDescription read(Path file) {
    return read(JsonCursor.open(file, MAX_BYTES), file.toString());
  }

  /// Likewise, for a file's bytes.
  ///
  /// @param file what messages call it
  static FunctionDescription read(byte[] bytes, String file) {
    return read(JsonCursor.of(bytes, file, MAX_BYTES), file);
  }

  private static FunctionDescription read(JsonCursor json, String file) {
    return new FunctionFile(json).readFile(file);
  }

  private FunctionDescription readFile(String file) {
    Place start =
        json.document(
            "a function file",
            "describe a function: { \"format\": 1, … }",
            FILE_KEYS,
            FORMAT,
            this::readKey);
    json.require(start, vendor >= 0, "the function has no \"vendor\"; add one such as \"0xf00d\"");
    json.require(start, device >= 0, "the function has no \"device\"; add one such as \"0x0001\"");
    json.require(start, classCode >= 0, "the function has no \"class\"; add one, \"0x088000\"");
    checkMsix();
    checkDoorbell();
    return new FunctionDescription(
        new HostFunction(address, description(), bytes(), file, 0),
        List.copyOf(bars.values()),
        Optional.ofNullable(doorbell).map(Ring::register));
  }

  /// What `lspci -n` would print, if nobody has named it.
  private String description() {
    return name.isEmpty()
        ? String.format(Locale.ROOT, "%04x: %04x:%04x", classCode >>> 8, vendor, device)
        : name;
  }

  private void readKey(String key) {
    String what = '"' + key + '"';
    switch (key) {
      case "$schema" -> json.string(what, "the schema's address");
      case "address" ->
          address =
              PciAddress.parse(json.string(what, "an address such as \"0000:00:01.0\""))
                  .orElseThrow(() -> json.wrong(what + " is no address such as \"0000:00:01.0\""));
      case "name" -> name = json.text(what, MAX_TEXT);
      case "vendor" -> vendor = (int) json.hex(what, "0xf00d", 0xfffe);
      case "device" -> device = (int) json.hex(what, "0x0001", 0xffff);
      case "subsystem" -> readSubsystem(what);
      case "class" -> classCode = (int) json.hex(what, "0x088000", 0xffffff);
      case "revision" -> revision = (int) json.hex(what, "0x01", 0xff);
      case "port" ->
          port = json.word(what, PORTS).equals("endpoint") ? ENDPOINT : INTEGRATED_ENDPOINT;
      case "bars" -> json.list(what, this::readBar);
      case "msix" -> msix = readMsix();
      case "doorbell" -> doorbell = readDoorbell();
      case "ats" -> ats = json.bool(what);
      case "pri" -> pri = json.bool(what);
      case "pasid" -> pasid = readPasid();
      case "capabilities" -> json.list(what, this::readCapability);
      default -> json.list(what, this::readHidden);
    }
  }

  private void readSubsystem(String what) {
    Matcher m = json.matcher(SUBSYSTEM, what, "\"0x1234:0x0001\"");
    subsystemVendor = (int) json.number(m.group(1), what, 0xffff);
    subsystemDevice = (int) json.number(m.group(2), what, 0xffff);
  }

  // BARs and what lies in them

  private static final class BarDraft {
    int index = -1;
    long size;
    String type = "";
    boolean prefetchable;
  }

  private void readBar() {
    Place place = json.place();
    BarDraft draft = new BarDraft();
    json.object(
        "a BAR",
        BAR_KEYS,
        key -> {
          String what = '"' + key + '"';
          switch (key) {
            case "index" -> draft.index = json.integer(what, 0, 5);
            case "size" -> draft.size = size(what);
            case "type" -> draft.type = json.word(what, BAR_TYPES);
            default -> draft.prefetchable = json.bool(what);
          }
        });
    json.require(place, draft.index >= 0, "the BAR has no \"index\"; add one from 0 to 5");
    json.require(place, draft.size > 0, "the BAR has no \"size\"; add one such as \"64K\"");
    Bar bar = bar(place, draft);
    for (Bar other : bars.values()) {
      if (first(bar) <= last(other) && first(other) <= last(bar)) {
        throw json.wrong(
            place,
            "BAR "
                + bar.index()
                + " and BAR "
                + other.index()
                + " share a register; a 64-bit BAR takes the next one, too");
      }
    }
    bars.put(bar.index(), bar);
  }

  private Bar bar(Place place, BarDraft draft) {
    Bar.Type type =
        switch (draft.type) {
          case "io" -> Bar.Type.IO;
          case "memory64" -> Bar.Type.MEMORY_64;
          default -> Bar.Type.MEMORY_32;
        };
    try {
      return new Bar(draft.index, type, draft.prefetchable, draft.size);
    } catch (IllegalArgumentException e) {
      throw json.wrong(place, String.valueOf(e.getMessage()));
    }
  }

  private static int first(Bar bar) {
    return bar.index();
  }

  private static int last(Bar bar) {
    return bar.type() == Bar.Type.MEMORY_64 ? bar.index() + 1 : bar.index();
  }

  private long size(String what) {
    Matcher m = json.matcher(SIZE, what, "\"64K\"");
    return BarSizes.size(m.group(1), m.group(2));
  }

  private static final class MsixDraft {
    int vectors;
    int bar = -1;
    long table = -1;
    long pba = -1;
  }

  private Msix readMsix() {
    Place place = json.place();
    MsixDraft draft = new MsixDraft();
    json.object(
        "\"msix\"",
        MSIX_KEYS,
        key -> {
          String what = '"' + key + '"';
          switch (key) {
            case "vectors" -> draft.vectors = json.integer(what, 1, 2048);
            case "bar" -> draft.bar = json.integer(what, 0, 5);
            case "table" -> draft.table = within(what, 7);
            default -> draft.pba = within(what, 7);
          }
        });
    json.require(place, draft.vectors > 0, "\"msix\" has no \"vectors\"; add 1 to 2048");
    json.require(place, draft.bar >= 0, "\"msix\" has no \"bar\"; say which BAR has its table");
    json.require(place, draft.table >= 0, "\"msix\" has no \"table\"; add its offset in the BAR");
    json.require(place, draft.pba >= 0, "\"msix\" has no \"pba\"; add its offset in the BAR");
    return new Msix(place, draft.vectors, draft.bar, draft.table, draft.pba);
  }

  /// Reads an offset within a BAR.
  ///
  /// @param alignment mask of the bits that must be 0
  private long within(String what, int alignment) {
    long offset = json.hex(what, "0x1000", 0xffffffffL);
    if ((offset & alignment) != 0) {
      throw json.wrong(what + " must be a multiple of " + (alignment + 1));
    }
    return offset;
  }

  private void checkMsix() {
    Msix wanted = msix;
    if (wanted == null) {
      return;
    }
    long tableLength = (long) MSIX_ENTRY * wanted.vectors;
    long pbaLength = (wanted.vectors + 63L) / 64 * 8;
    requireWithin(wanted.place, "the MSI-X table", wanted.bar, wanted.table, tableLength);
    requireWithin(wanted.place, "the MSI-X PBA", wanted.bar, wanted.pba, pbaLength);
    json.require(
        wanted.place,
        wanted.table >= wanted.pba + pbaLength || wanted.pba >= wanted.table + tableLength,
        "the MSI-X table ("
            + tableLength
            + " bytes) and PBA ("
            + pbaLength
            + " bytes) overlap; move one of them");
  }

  private void requireWithin(Place place, String what, int index, long offset, long length) {
    Bar bar = bars.get(index);
    if (bar == null || !bar.isMemory()) {
      throw json.wrong(place, "BAR " + index + " is no memory; " + what + " needs some");
    }
    json.require(
        place,
        offset + length <= bar.size(),
        String.format(
            Locale.ROOT,
            "%s has %d bytes from 0x%x on and BAR %d only 0x%x; make it larger",
            what,
            length,
            offset,
            index,
            bar.size()));
  }

  private Ring readDoorbell() {
    Place place = json.place();
    long[] offset = {-1};
    int[] index = {-1};
    json.object(
        "\"doorbell\"",
        DOORBELL_KEYS,
        key -> {
          if (key.equals("bar")) {
            index[0] = json.integer("\"bar\"", 0, 5);
          } else {
            offset[0] = within("\"offset\"", 3);
          }
        });
    json.require(place, index[0] >= 0, "\"doorbell\" has no \"bar\"; say in which BAR it is");
    json.require(place, offset[0] >= 0, "\"doorbell\" has no \"offset\"; say where in the BAR");
    return new Ring(place, new Doorbell(index[0], offset[0]));
  }

  private void checkDoorbell() {
    Ring wanted = doorbell;
    if (wanted == null) {
      return;
    }
    requireWithin(wanted.place, "the doorbell", wanted.register.bar(), wanted.register.offset(), 4);
    json.require(
        wanted.place, msix != null, "a doorbell raises MSI-X vectors; add \"msix\" to have some");
  }

  // Capabilities

  private PasidCapability readPasid() {
    Place place = json.place();
    int[] width = {0};
    boolean[] permissions = {false, false};
    json.object(
        "\"pasid\"",
        PASID_KEYS,
        key -> {
          switch (key) {
            case "width" -> width[0] = json.integer("\"width\"", 1, HardwareInfo.MAX_WIDTH);
            case "exec" -> permissions[0] = json.bool("\"exec\"");
            default -> permissions[1] = json.bool("\"priv\"");
          }
        });
    json.require(place, width[0] > 0, "\"pasid\" has no \"width\"; add 1 to 20");
    return new PasidCapability(width[0], permissions[0], permissions[1]);
  }

  private static final class CapabilityDraft {
    Optional<CapabilityId> id = Optional.empty();
    int version = 1;
    OptionalInt offset = OptionalInt.empty();
    ByteBuffer body = ByteBuffer.allocate(0);
  }

  private void readCapability() {
    Place place = json.place();
    if (capabilities.size() == MAX_CAPABILITIES) {
      throw json.wrong("more than " + MAX_CAPABILITIES + " capabilities; leave some out");
    }
    CapabilityDraft draft = new CapabilityDraft();
    json.object(
        "a capability",
        CAPABILITY_KEYS,
        key -> {
          String what = '"' + key + '"';
          switch (key) {
            case "standard" -> set(draft, CapabilityId.standard((int) json.hex(what, "0x09", 255)));
            case "extended" ->
                set(draft, CapabilityId.extended((int) json.hex(what, "0x000b", 0xffff)));
            case "version" -> draft.version = json.integer(what, 0, 15);
            case "offset" ->
                draft.offset =
                    OptionalInt.of((int) json.hex(what, "0x140", ConfigSpace.EXTENDED_SIZE - 1));
            default -> draft.body = bytes(what);
          }
        });
    CapabilityId id =
        draft.id.orElseThrow(() ->
            json.wrong(place, "the capability has neither \"standard\" nor \"extended\"; add one"));
    capabilities.add(new Listed(place, id, draft.version, draft.offset, draft.body));
  }

  private void set(CapabilityDraft draft, CapabilityId id) {
    if (draft.id.isPresent()) {
      throw json.wrong("a capability is either \"standard\" or \"extended\"; remove one");
    }
    draft.id = Optional.of(id);
  }

  private void readHidden() {
    Place place = json.place();
    int[] offset = {-1};
    ByteBuffer[] bytes = {ByteBuffer.allocate(0)};
    json.object(
        "hidden bytes",
        HIDDEN_KEYS,
        key -> {
          if (key.equals("offset")) {
            offset[0] = (int) json.hex("\"offset\"", "0xff8", ConfigSpace.EXTENDED_SIZE - 1);
          } else {
            bytes[0] = bytes("\"bytes\"");
          }
        });
    json.require(place, offset[0] >= 0, "hidden bytes have no \"offset\"; add one");
    json.require(place, bytes[0].hasRemaining(), "hidden bytes have no \"bytes\"; add some");
    json.require(
        place,
        offset[0] >= Header.RANGE.end()
            && offset[0] + bytes[0].remaining() <= ConfigSpace.EXTENDED_SIZE,
        "hidden bytes lie from 0x40 to 0xfff");
    hidden.add(new Hidden(place, offset[0], bytes[0]));
  }

  /// Reads bytes in hexadecimal, in the order of their addresses.
  private ByteBuffer bytes(String what) {
    String text = json.string(what, "bytes such as \"12 34 ab\"").replace(" ", "");
    try {
      return ByteBuffer.wrap(HexFormat.of().parseHex(text));
    } catch (IllegalArgumentException e) {
      throw json.wrong(what + " must be bytes such as \"12 34 ab\", not " + JsonCursor.quote(text));
    }
  }

  // The bytes of all that

  private ConfigSpace bytes() {
    FunctionBytes bytes = new FunctionBytes();
    bytes.put16(Header.VENDOR_ID, vendor);
    bytes.put16(Header.DEVICE_ID, device);
    bytes.put8(Header.REVISION_ID, revision);
    bytes.put8(Header.CLASS_CODE, classCode);
    bytes.put16(Header.CLASS_CODE + 1, classCode >>> 8);
    bytes.put16(Header.SUBSYSTEM_VENDOR_ID, subsystemVendor);
    bytes.put16(Header.SUBSYSTEM_ID, subsystemDevice);
    bars.values().forEach(bytes::putBar);
    List<Listed> all = new ArrayList<>(builtIn());
    all.addAll(capabilities);
    for (Listed capability : all) {
      at(capability.place, () -> add(bytes, capability));
    }
    for (Hidden some : hidden) {
      at(some.place, () -> bytes.putHidden(some.offset, some.bytes));
    }
    return bytes.build();
  }

  private interface Placing {
    void run() throws Misplaced;
  }

  private void at(Place place, Placing placing) {
    try {
      placing.run();
    } catch (Misplaced e) {
      throw json.wrong(place, String.valueOf(e.getMessage()));
    }
  }

  private static void add(FunctionBytes bytes, Listed capability) throws Misplaced {
    CapabilityId id = capability.id;
    if (id.isExtended()) {
      bytes.addExtended(id.value(), capability.version, capability.offset, capability.body);
    } else {
      bytes.addStandard(id.value(), capability.offset, capability.body);
    }
  }

  /// The capabilities that need no list: a key of the file makes each, or every function has it.
  private List<Listed> builtIn() {
    List<Listed> built = new ArrayList<>();
    built.add(listed(CapabilityId.POWER_MANAGEMENT, words(0x0003).putShort((short) 0x0008)));
    built.add(listed(CapabilityId.PCI_EXPRESS, express()));
    Msix interrupts = msix;
    if (interrupts != null) {
      built.add(
          listed(
              CapabilityId.MSI_X,
              words(interrupts.vectors - 1)
                  .putInt((int) interrupts.table | interrupts.bar)
                  .putInt((int) interrupts.pba | interrupts.bar)));
    }
    if (ats) {
      // Page Aligned Request.
      built.add(listed(CapabilityId.ATS, words(1 << 5).putShort((short) 0)));
    }
    PasidCapability width = pasid;
    if (width != null) {
      built.add(listed(CapabilityId.PASID, little().putInt(width.registers())));
    }
    if (pri) {
      // Stopped, and PRG Response PASID Required; 64 outstanding requests at most.
      built.add(listed(CapabilityId.PRI, words(0).putShort((short) 0x8100).putInt(64).putInt(0)));
    }
    return built;
  }

  /// PCI Express Base Specification 7.0, section 7.5.3, version 2: role-based error reporting,
  /// function-level reset, one End-End TLP prefix.
  private ByteBuffer express() {
    ByteBuffer body = ByteBuffer.allocate(0x3c - 2).order(ByteOrder.LITTLE_ENDIAN);
    body.putShort(0, (short) (2 | port << 4));
    body.putInt(0x04 - 2, 1 << 15 | 1 << 28);
    if (port == ENDPOINT) {
      // 2.5 GT/s, one lane: what it can, and what it does.
      body.putInt(0x0c - 2, 0x11);
      body.putShort(0x12 - 2, (short) 0x11);
    }
    body.putInt(0x24 - 2, 1 << 20 | 1 << 21 | 1 << 22);
    return body.position(body.capacity());
  }

  private static ByteBuffer little() {
    return ByteBuffer.allocate(16).order(ByteOrder.LITTLE_ENDIAN);
  }

  private static ByteBuffer words(int first) {
    return little().putShort((short) first);
  }

  private static Listed listed(CapabilityId id, ByteBuffer body) {
    return new Listed(START, id, 1, OptionalInt.empty(), body.flip());
  }
}
