package io.vpasid.vmm.frontend.vtd;

import io.vpasid.vmm.frontend.GuestMemory;
import io.vpasid.vmm.frontend.GuestMemoryException;
import io.vpasid.vmm.frontend.vtd.ToldEntries.Known;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Finds out which entries of the guest's tables have changed, and tells the backend. Only the
/// unit's worker uses it.
///
/// What a guest invalidates says where to look. One PASID is looked up in the tables of each
/// covered function, which is 14 words each. Anything wider is a *scan* of whole functions, made
/// when the next other descriptor needs it, so that many wide invalidations in a row cost one: it
/// reads the PASID directory, at most 2^14 words, and the PASID tables that are present, 512 words
/// each, at most 2^14 of them.
///
/// The backend is told of at most [#maxPasids] PASIDs of a function; one more is left absent, with
/// a fault for the guest.
final class EntryTracker {
  /// Words of a page.
  private static final int PAGE_WORDS = 512;

  private final GuestMemory memory;
  private final TranslationTables tables;
  private final VtdBackend backend;
  private final VtdReports reports;
  private final int maxPasids;

  /// Ascending.
  private final List<ToldEntries> functions = new ArrayList<>();

  private final Lookup lookup = new Lookup();
  private final long[] directory = new long[PAGE_WORDS];
  private final long[] table = new long[PAGE_WORDS];
  private boolean scanWanted;
  private long changes;

  EntryTracker(
      GuestMemory memory,
      TranslationTables tables,
      VtdBackend backend,
      VtdReports reports,
      int maxPasids) {
    this.memory = memory;
    this.tables = tables;
    this.backend = backend;
    this.reports = reports;
    this.maxPasids = maxPasids;
  }

  /// Takes a function under the unit.
  void cover(RootTable root, SourceId id) {
    if (covered(id.value()) == null) {
      ToldEntries function = new ToldEntries(id);
      functions.add(function);
      functions.sort(Comparator.comparing(ToldEntries::id));
      scan(root, function);
    }
  }

  /// Lets a function go: everything about it becomes absent.
  void uncover(SourceId id) {
    ToldEntries function = covered(id.value());
    if (function != null) {
      functions.remove(function);
      forgetAll(function);
    }
  }

  /// Lets all functions go.
  void uncoverAll() {
    functions.forEach(this::forgetAll);
    functions.clear();
  }

  /// A covered function; null for others.
  @Nullable ToldEntries covered(int sourceId) {
    // There are few, and a map's key would be an object per descriptor.
    for (ToldEntries function : functions) {
      if (function.id().value() == sourceId) {
        return function;
      }
    }
    return null;
  }

  /// Everything may have changed.
  void wantScan() {
    for (ToldEntries function : functions) {
      function.wantScan();
    }
    scanWanted = true;
  }

  /// Everything of some functions may have changed.
  ///
  /// @param sourceId of one of them
  /// @param ignored bits of the source id in which the others differ
  void wantScan(int sourceId, int ignored) {
    for (ToldEntries function : functions) {
      if (((function.id().value() ^ sourceId) & ~ignored) == 0) {
        function.wantScan();
        scanWanted = true;
      }
    }
  }

  boolean wantsScan() {
    return scanWanted;
  }

  /// Makes the scans that are wanted.
  void scanWanted(RootTable root) {
    if (scanWanted) {
      scanWanted = false;
      for (ToldEntries function : functions) {
        if (function.scanWanted()) {
          scan(root, function);
        }
      }
    }
  }

  /// One PASID of every function may have changed.
  ///
  /// @param pasid 0 to 2^20 - 1, 0 for the function itself
  void check(RootTable root, int pasid) {
    for (ToldEntries function : functions) {
      if (!function.scanWanted()) {
        check(root, function, pasid);
      }
    }
  }

  private void check(RootTable root, ToldEntries function, int pasid) {
    if (!root.enabled()) {
      return;
    }
    findContext(root, function);
    if (lookup.found()) {
      tables.findPasid(root, pasid, pasid != 0, lookup);
    }
    if (lookup.found()) {
      found(root, function, pasid);
    } else {
      gone(function, pasid);
    }
  }

  /// The context entry of a function: as it was found last, as long as the guest has not said that
  /// it may have changed. What is not valid is not kept, so a guest need not say that it has come.
  private void findContext(RootTable root, ToldEntries function) {
    long kept = function.context();
    if (kept != 0) {
      lookup.begin();
      lookup.context[0] = kept;
      lookup.foundContext();
      return;
    }
    tables.findContext(root, function.id(), lookup);
    if (lookup.found() && root.isScalable()) {
      function.keepContext(lookup.context[0]);
    }
  }

  /// Looks at all entries of a function.
  private void scan(RootTable root, ToldEntries function) {
    function.beginScan();
    if (root.enabled()) {
      check(root, function, 0);
      findContext(root, function);
      if (lookup.found() && root.isScalable() && lookup.pasidEnable()) {
        scanDirectory(root, function);
      }
    } else {
      untranslated(function);
    }
    for (int pasid : function.pasids()) {
      Known known = function.get(pasid);
      if (known != null && !function.wasSeen(known)) {
        gone(function, pasid);
      }
    }
  }

  private void scanDirectory(RootTable root, ToldEntries function) {
    int entries = lookup.directoryEntries();
    long address = lookup.directory();
    for (int first = 0; first < entries; first += PAGE_WORDS) {
      int count = Math.min(PAGE_WORDS, entries - first);
      if (load(address + first * 8L, directory, count)) {
        for (int i = 0; i < count; i++) {
          lookup.begin();
          lookup.foundContext();
          if (Bits.has(directory[i], 0)
              && tables.directoryEntry(directory[i], lookup)
              && load(directory[i] & ~0xfffL, table, PAGE_WORDS)) {
            scanTable(root, function, (first + i) * 64);
          }
        }
      }
    }
  }

  private void scanTable(RootTable root, ToldEntries function, int firstPasid) {
    for (int i = 0; i < 64; i++) {
      if (Bits.has(table[i * 8], 0) && firstPasid + i != 0) {
        System.arraycopy(table, i * 8, lookup.entry, 0, 8);
        lookup.begin();
        lookup.foundContext();
        tables.pasidEntry(lookup);
        if (lookup.found()) {
          found(root, function, firstPasid + i);
        }
      }
    }
  }

  private boolean load(long address, long[] words, int count) {
    try {
      memory.loadLongs(address, words, count);
      return true;
    } catch (GuestMemoryException e) {
      return false;
    }
  }

  /// The lookup has found a valid entry.
  private void found(RootTable root, ToldEntries function, int pasid) {
    boolean deviceTlb = lookup.deviceTlb(root.isScalable());
    boolean pageRequests = lookup.pageRequests(root.isScalable());
    Known known = function.get(pasid);
    if (known != null && known.isStill(lookup.entry, deviceTlb, pageRequests)) {
      function.seen(known);
      return;
    }
    if (known == null && pasid != 0 && function.holds(maxPasids)) {
      if (function.goesOverLimit()) {
        reports.attachRefused(Requester.of(function.id(), pasid));
      }
      return;
    }
    Known after = function.back(pasid, lookup.entry, deviceTlb, pageRequests);
    if (after == null) {
      Translation translation = tables.translation(root, lookup);
      after =
          new Known(
              Requester.of(function.id(), pasid),
              lookup.entry,
              deviceTlb,
              pageRequests,
              translation);
    }
    tell(function, known, after);
  }

  private void untranslated(ToldEntries function) {
    Known known = function.get(0);
    if (known != null && known.translation == Translation.Untranslated.UNTRANSLATED) {
      function.seen(known);
      return;
    }
    tell(
        function,
        known,
        new Known(
            Requester.of(function.id(), 0),
            new long[3],
            false,
            false,
            Translation.Untranslated.UNTRANSLATED));
  }

  private void tell(ToldEntries function, @Nullable Known before, Known after) {
    function.put(after);
    Translation told = before == null ? Translation.Absent.ABSENT : before.translation;
    boolean flagsChanged =
        before == null
            || before.deviceTlb != after.deviceTlb
            || before.pageRequests != after.pageRequests;
    if (flagsChanged || !told.equals(after.translation)) {
      changes++;
      backend.entryChanged(
          new EntryChange(
              after.requester, told, after.translation, after.deviceTlb, after.pageRequests));
    }
  }

  private void gone(ToldEntries function, int pasid) {
    Known known = function.remove(pasid);
    if (known != null) {
      changes++;
      backend.entryChanged(
          new EntryChange(
              known.requester, known.translation, Translation.Absent.ABSENT, false, false));
    }
  }

  private void forgetAll(ToldEntries function) {
    for (int pasid : function.pasids()) {
      gone(function, pasid);
    }
  }

  /// The entries that the backend knows, by function and PASID.
  List<VtdStatus.Entry> entries() {
    List<VtdStatus.Entry> entries = new ArrayList<>();
    for (ToldEntries function : functions) {
      for (int pasid : function.pasids()) {
        Known known = function.get(pasid);
        if (known != null) {
          entries.add(
              new VtdStatus.Entry(
                  known.requester, known.translation, known.deviceTlb, known.pageRequests));
        }
      }
    }
    return entries;
  }

  /// How many changes the backend was told of.
  long changes() {
    return changes;
  }
}
