package io.vpasid.guest.config;

import static io.vpasid.guest.config.FunctionFileShape.*;

import io.vpasid.guest.config.FunctionBytes.Misplaced;
import io.vpasid.guest.config.FunctionDescription.Doorbell;
import io.vpasid.guest.config.FunctionFileShape.Port;
import io.vpasid.pci.ConfigSpace;
import io.vpasid.pci.Header;
import io.vpasid.pci.capability.CapabilityId;
import io.vpasid.pci.dump.HostFunction;
import io.vpasid.pci.emulation.Bar;
import io.vpasid.synth.json.Fields;
import io.vpasid.synth.json.JsonCursor;
import io.vpasid.vmm.frontend.vtd.DmaEngine;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/// Reads a file that describes a function, whose keys stand in [FunctionFileShape]; this reader
/// also checks that BARs do not share registers, that the MSI-X tables lie within theirs, that
/// capabilities do not lie on one another.
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

  private static final int MSIX_ENTRY = 16;

  private final Fields file;
  private final Map<Integer, Bar> bars = new TreeMap<>();

  private FunctionFile(Fields file) {
    this.file = file;
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
    return new FunctionFile(FunctionFileShape.file().read(json)).describe(file);
  }

  private FunctionDescription describe(String path) {
    file.get(BARS).forEach(this::addBar);
    file.find(MSIX).ifPresent(this::checkMsix);
    file.find(DOORBELL).ifPresent(this::checkDoorbell);
    file.find(DMA_ENGINE)
        .ifPresent(engine -> requireWithin(engine, "the DMA engine", 0, DmaEngine.SIZE));
    return new FunctionDescription(
        new HostFunction(file.get(ADDRESS), description(), bytes(), path, 0),
        List.copyOf(bars.values()),
        file.find(DOORBELL).map(bell -> new Doorbell(bell.get(BAR), bell.get(REGISTER))),
        file.find(DMA_ENGINE).map(engine -> engine.get(BAR)));
  }

  /// Its name, or else the words of `lspci -n`.
  private String description() {
    return file.find(NAME)
        .orElseGet(() ->
            String.format(
                Locale.ROOT,
                "%04x: %04x:%04x",
                file.get(CLASS) >>> 8,
                file.get(VENDOR),
                file.get(DEVICE)));
  }

  // BARs and what lies in them

  private void addBar(Fields fields) {
    Bar bar = bar(fields);
    for (Bar other : bars.values()) {
      fields.require(
          bar.index() > last(other) || other.index() > last(bar),
          "BAR %d and BAR %d share a register; a 64-bit BAR takes the next one, too"
              .formatted(bar.index(), other.index()));
    }
    bars.put(bar.index(), bar);
  }

  private static Bar bar(Fields bar) {
    try {
      return new Bar(bar.get(INDEX), bar.get(TYPE), bar.get(PREFETCHABLE), bar.get(SIZE));
    } catch (IllegalArgumentException e) {
      throw bar.wrong(String.valueOf(e.getMessage()));
    }
  }

  /// The last of its registers.
  private static int last(Bar bar) {
    return bar.type() == Bar.Type.MEMORY_64 ? bar.index() + 1 : bar.index();
  }

  private void checkMsix(Fields msix) {
    long table = msix.get(TABLE);
    long pba = msix.get(PBA);
    long tableLength = (long) MSIX_ENTRY * msix.get(VECTORS);
    long pbaLength = (msix.get(VECTORS) + 63L) / 64 * 8;
    requireWithin(msix, "the MSI-X table", table, tableLength);
    requireWithin(msix, "the MSI-X PBA", pba, pbaLength);
    msix.require(
        table >= pba + pbaLength || pba >= table + tableLength,
        "the MSI-X table (%d bytes) and PBA (%d bytes) overlap; move one of them"
            .formatted(tableLength, pbaLength));
  }

  private void checkDoorbell(Fields doorbell) {
    requireWithin(doorbell, "the doorbell", doorbell.get(REGISTER), 4);
    doorbell.require(file.has(MSIX), "a doorbell raises MSI-X vectors; add \"msix\" to have some");
  }

  private void requireWithin(Fields fields, String what, long offset, long length) {
    int index = fields.get(BAR);
    Bar bar = bars.get(index);
    if (bar == null || !bar.isMemory()) {
      throw fields.wrong("BAR " + index + " is no memory; " + what + " needs some");
    }
    fields.require(
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

  // The bytes of all that

  private ConfigSpace bytes() {
    FunctionBytes bytes = new FunctionBytes();
    bytes.put16(Header.VENDOR_ID, file.get(VENDOR));
    bytes.put16(Header.DEVICE_ID, file.get(DEVICE));
    bytes.put8(Header.REVISION_ID, file.get(REVISION));
    bytes.put8(Header.CLASS_CODE, file.get(CLASS));
    bytes.put16(Header.CLASS_CODE + 1, file.get(CLASS) >>> 8);
    bytes.put16(Header.SUBSYSTEM_VENDOR_ID, file.get(SUBSYSTEM).vendor());
    bytes.put16(Header.SUBSYSTEM_ID, file.get(SUBSYSTEM).device());
    bars.values().forEach(bytes::putBar);
    at(file, () -> addBuiltIn(bytes));
    for (Fields capability : file.get(CAPABILITIES)) {
      at(capability, () -> add(bytes, capability));
    }
    for (Fields some : file.get(HIDDEN)) {
      at(some, () -> bytes.putHidden(some.get(HIDDEN_OFFSET), some.get(HIDDEN_BYTES)));
    }
    return bytes.build();
  }

  private interface Placing {
    void run() throws Misplaced;
  }

  private static void at(Fields fields, Placing placing) {
    try {
      placing.run();
    } catch (Misplaced e) {
      throw fields.wrong(String.valueOf(e.getMessage()));
    }
  }

  private static void add(FunctionBytes bytes, Fields capability) throws Misplaced {
    Optional<Integer> offset = capability.find(OFFSET);
    ByteBuffer body = capability.get(BODY);
    if (capability.has(EXTENDED)) {
      bytes.addExtended(capability.get(EXTENDED), capability.get(VERSION), offset, body);
    } else {
      bytes.addStandard(capability.get(STANDARD), offset, body);
    }
  }

  /// The capabilities that need no list: a key of the file makes each, or every function has it.
  private void addBuiltIn(FunctionBytes bytes) throws Misplaced {
    standard(bytes, CapabilityId.POWER_MANAGEMENT, words(0x0003).putShort((short) 0x0008));
    standard(bytes, CapabilityId.PCI_EXPRESS, express());
    if (file.has(MSIX)) {
      Fields msix = file.get(MSIX);
      int bar = msix.get(BAR);
      standard(
          bytes,
          CapabilityId.MSI_X,
          words(msix.get(VECTORS) - 1)
              .putInt(msix.get(TABLE).intValue() | bar)
              .putInt(msix.get(PBA).intValue() | bar));
    }
    if (file.get(ATS)) {
      // Page Aligned Request.
      extended(bytes, CapabilityId.ATS, words(1 << 5).putShort((short) 0));
    }
    if (file.has(PASID)) {
      extended(bytes, CapabilityId.PASID, little().putInt(file.get(PASID).registers()));
    }
    if (file.get(PRI)) {
      // Stopped, and PRG Response PASID Required; 64 outstanding requests at most.
      extended(bytes, CapabilityId.PRI, words(0).putShort((short) 0x8100).putInt(64).putInt(0));
    }
  }

  /// PCI Express Base Specification 7.0, section 7.5.3, version 2: role-based error reporting,
  /// function-level reset, one End-End TLP prefix.
  private ByteBuffer express() {
    ByteBuffer body = ByteBuffer.allocate(0x3c - 2).order(ByteOrder.LITTLE_ENDIAN);
    body.putShort(0, (short) (2 | file.get(PORT).type << 4));
    body.putInt(0x04 - 2, 1 << 15 | 1 << 28);
    if (file.get(PORT) == Port.ENDPOINT) {
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

  private static void standard(FunctionBytes bytes, CapabilityId id, ByteBuffer body)
      throws Misplaced {
    bytes.addStandard(id.value(), Optional.empty(), body.flip());
  }

  private static void extended(FunctionBytes bytes, CapabilityId id, ByteBuffer body)
      throws Misplaced {
    bytes.addExtended(id.value(), 1, Optional.empty(), body.flip());
  }
}
