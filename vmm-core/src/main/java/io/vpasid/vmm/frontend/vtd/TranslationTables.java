package io.vpasid.vmm.frontend.vtd;

import static io.vpasid.vmm.frontend.vtd.Bits.has;

import io.vpasid.vmm.frontend.GuestMemory;
import io.vpasid.vmm.frontend.GuestMemoryException;

/// Finds entries in the guest's tables, from the root to a PASID (sections 3.4.2 and 3.4.3).
///
/// ```text
/// scalable mode          root table        context table      PASID directory    PASID table
/// bus, 256 × 16 bytes ──▶ low or high  ──▶ 128 × 32 bytes ──▶ 2^(PDTS+7) × 8 ──▶ 64 × 64 bytes
///                         half: device     device, function    PASID 19:6         PASID 5:0
///                         bit 4
/// legacy mode            root table        context table
/// bus, 256 × 16 bytes ──▶ low half     ──▶ 256 × 16 bytes
/// ```
///
/// Root entry, each half in scalable mode (sections 9.1 and 9.2):
///
/// ```text
///  63                                  12 11          1  0
/// |      context table pointer           |  reserved   | P |
/// ```
///
/// Context entry, scalable mode (section 9.4):
///
/// ```text
///      63                      12 11    9 8     5  4    3     2    1   0
///  0  |  PASID directory pointer |  PDTS | resvd | PRE|PASIDE|DTE|FPD| P |
///      63                                  21   20   19               0
///  1  |             reserved                 |PRIV |     RID_PASID     |   reserved here
/// 2,3 |                        reserved                                |
/// ```
///
/// Context entry, legacy mode (section 9.3):
///
/// ```text
///      63                            12 11      4 3   2   1   0
///  0  |        second-stage pointer    | reserved |  TT |FPD| P |
///      63            24 23             8  7  6  3 2            0
///  1  |    reserved    |      DID       |res| ign|      AW      |
/// ```
///
/// Directory entry (section 9.5):
///
/// ```text
///      63                                          12 11      2   1   0
///     |              PASID table pointer             | resvd   |FPD| P |
/// ```
///
/// Each entry is read once. A search makes at most 4 entries' worth of loads: 14 words.
final class TranslationTables {
  private final GuestMemory memory;
  private final EntryDecoder decoder;

  TranslationTables(GuestMemory memory, VtdCapabilities capabilities) {
    this.memory = memory;
    decoder = new EntryDecoder(capabilities);
  }

  /// Finds the context entry of a function.
  void findContext(RootTable root, SourceId function, Lookup out) {
    out.begin();
    switch (root.mode()) {
      case SCALABLE -> scalableContext(root, function, out);
      case LEGACY -> legacyContext(root, function, out);
      case INVALID -> out.fail(FaultReason.ROOT_TABLE_ADDRESS_INVALID);
    }
  }

  /// Finds what translates a function's requests without PASID, or with one.
  ///
  /// @param pasid 0 to 2^20 - 1
  /// @param withPasid whether the request has a PASID, for which PASIDE has to be set and the PASID
  ///   not be 0
  void find(RootTable root, SourceId function, int pasid, boolean withPasid, Lookup out) {
    findContext(root, function, out);
    if (out.found()) {
      findPasid(root, pasid, withPasid, out);
    }
  }

  /// Goes on where [#findContext] has found an entry.
  ///
  /// @param withPasid as above
  void findPasid(RootTable root, int pasid, boolean withPasid, Lookup out) {
    if (!root.isScalable()) {
      if (withPasid) {
        out.fail(FaultReason.PASID_IN_LEGACY_MODE);
      }
      return;
    }
    if (withPasid && !out.pasidEnable()) {
      out.fail(FaultReason.PASID_DISABLED);
      return;
    }
    if (pasid >>> 6 >= out.directoryEntries()) {
      out.fail(FaultReason.PASID_BEYOND_DIRECTORY);
      return;
    }
    if (withPasid && pasid == 0) {
      // RID_PASID is 0.
      out.fail(FaultReason.PASID_IS_RID_PASID);
      return;
    }
    long entry;
    try {
      entry = memory.loadLong(out.directory() + (pasid >>> 6) * 8L);
    } catch (GuestMemoryException e) {
      out.fail(FaultReason.DIRECTORY_ACCESS);
      return;
    }
    if (!directoryEntry(entry, out)) {
      return;
    }
    try {
      memory.loadLongs((entry & ~0xfffL) + (pasid & 63) * 64L, out.entry, 8);
    } catch (GuestMemoryException e) {
      out.fail(FaultReason.PASID_ENTRY_ACCESS);
      return;
    }
    pasidEntry(out);
  }

  /// Checks a directory entry.
  ///
  /// @return whether it leads to a PASID table
  boolean directoryEntry(long entry, Lookup out) {
    out.disableFaultsIf(has(entry, 1));
    if (!has(entry, 0)) {
      out.fail(FaultReason.DIRECTORY_NOT_PRESENT);
    } else if ((entry & 0xffc) != 0) {
      out.fail(FaultReason.DIRECTORY_RESERVED);
    } else {
      return true;
    }
    return false;
  }

  /// Checks the PASID table entry in `out`.
  void pasidEntry(Lookup out) {
    out.disableFaultsIf(has(out.entry[0], 1));
    FaultReason fault = decoder.checkPasidEntry(out.entry);
    if (fault != null) {
      out.fail(fault);
    }
  }

  /// The translation that the entry in a successful lookup asks for.
  Translation translation(RootTable root, Lookup found) {
    return root.isScalable() ? decoder.pasidEntry(found.entry) : decoder.legacyEntry(found.context);
  }

  private void scalableContext(RootTable root, SourceId function, Lookup out) {
    long half;
    try {
      half =
          memory.loadLong(
              root.address() + function.bus() * 16L + (function.deviceFunction() >>> 7) * 8L);
    } catch (GuestMemoryException e) {
      out.fail(FaultReason.ROOT_ACCESS);
      return;
    }
    if (!has(half, 0)) {
      out.fail(FaultReason.ROOT_NOT_PRESENT);
      return;
    }
    if ((half & 0xffe) != 0) {
      out.fail(FaultReason.ROOT_RESERVED);
      return;
    }
    try {
      memory.loadLongs((half & ~0xfffL) + (function.deviceFunction() & 127) * 32L, out.context, 4);
    } catch (GuestMemoryException e) {
      out.fail(FaultReason.CONTEXT_ACCESS);
      return;
    }
    out.disableFaultsIf(has(out.context[0], 1));
    FaultReason fault = decoder.checkScalableContext(out.context);
    if (fault == null) {
      out.foundContext();
    } else {
      out.fail(fault);
    }
  }

  private void legacyContext(RootTable root, SourceId function, Lookup out) {
    long low;
    long high;
    try {
      low = memory.loadLong(root.address() + function.bus() * 16L);
      high = memory.loadLong(root.address() + function.bus() * 16L + 8);
    } catch (GuestMemoryException e) {
      out.fail(FaultReason.LEGACY_ROOT_ACCESS);
      return;
    }
    if (!has(low, 0)) {
      out.fail(FaultReason.LEGACY_ROOT_NOT_PRESENT);
      return;
    }
    if ((low & 0xffe) != 0 || high != 0) {
      out.fail(FaultReason.LEGACY_ROOT_RESERVED);
      return;
    }
    try {
      memory.loadLongs((low & ~0xfffL) + function.deviceFunction() * 16L, out.context, 2);
    } catch (GuestMemoryException e) {
      out.fail(FaultReason.LEGACY_CONTEXT_ACCESS);
      return;
    }
    out.disableFaultsIf(has(out.context[0], 1));
    FaultReason fault = decoder.checkLegacyContext(out.context);
    if (fault == null) {
      out.foundContext();
      System.arraycopy(out.context, 0, out.entry, 0, 2);
    } else {
      out.fail(fault);
    }
  }
}
