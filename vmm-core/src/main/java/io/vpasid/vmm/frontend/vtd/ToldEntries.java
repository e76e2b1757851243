package io.vpasid.vmm.frontend.vtd;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/// The entries of a function behind the unit that the backend was last told of: the words that the
/// entries had, so that an entry that has not changed is recognized without decoding it, and what
/// they said.
///
/// PASIDs are kept in an open-addressing table, so that looking one up allocates nothing. Only the
/// unit's worker uses it.
final class ToldEntries {
  private static final int SMALLEST = 16;

  /// One entry as the backend knows it.
  static final class Known {
    final Requester requester;
    final int pasid;
    final long word0;
    final long word1;
    final long word2;
    final boolean deviceTlb;
    final boolean pageRequests;
    final Translation translation;

    /// Number of the scan that last found it.
    private int seen;

    Known(
        Requester requester,
        long[] words,
        boolean deviceTlb,
        boolean pageRequests,
        Translation translation) {
      this.requester = requester;
      pasid = requester.pasid();
      word0 = words[0];
      word1 = words[1];
      word2 = words[2];
      this.deviceTlb = deviceTlb;
      this.pageRequests = pageRequests;
      this.translation = translation;
    }

    /// True if the entry in memory still says the same.
    boolean isStill(long[] words, boolean dte, boolean pre) {
      return word0 == words[0]
          && word1 == words[1]
          && word2 == words[2]
          && deviceTlb == dte
          && pageRequests == pre;
    }
  }

  private final SourceId id;
  private @Nullable Known[] table = new @Nullable Known[SMALLEST];

  /// The entry that went last: a guest's entries often come back as they were.
  private @Nullable Known gone;

  private int count;
  private int scan;
  private boolean scanWanted;

  /// Word 0 of the function's context entry, as the hardware's context cache would hold it: a valid
  /// entry of scalable mode, of which it is all that is not reserved; 0 if there is none.
  private long context;

  private boolean overLimit;

  ToldEntries(SourceId id) {
    this.id = id;
  }

  SourceId id() {
    return id;
  }

  /// True if the backend has been told of so many PASIDs, the function itself not counted.
  boolean holds(int pasids) {
    return count > pasids || (count == pasids && get(0) == null);
  }

  /// The entry of a PASID that the backend knows; null if none.
  @Nullable Known get(int pasid) {
    return table[slot(table, pasid)];
  }

  /// Remembers what the backend was told.
  void put(Known known) {
    int slot = slot(table, known.pasid);
    if (table[slot] == null && ++count > table.length / 2) {
      rebuild(table.length * 2);
      slot = slot(table, known.pasid);
    }
    known.seen = scan;
    table[slot] = known;
  }

  /// Forgets a PASID.
  ///
  /// @return what the backend knows of it; null if nothing
  @Nullable Known remove(int pasid) {
    int hole = slot(table, pasid);
    Known known = table[hole];
    if (known == null) {
      return null;
    }
    gone = known;
    table[hole] = null;
    count--;
    // Whatever was put behind it because of it moves up.
    int mask = table.length - 1;
    for (int i = (hole + 1) & mask; ; i = (i + 1) & mask) {
      Known moved = table[i];
      if (moved == null) {
        return known;
      }
      table[i] = null;
      table[slot(table, moved.pasid)] = moved;
    }
  }

  /// The entry of a PASID as the backend knew it before it was forgotten, if it is still the same
  /// and no scan has begun since; else null.
  @Nullable Known back(int pasid, long[] words, boolean deviceTlb, boolean pageRequests) {
    Known last = gone;
    return last != null && last.pasid == pasid && last.isStill(words, deviceTlb, pageRequests)
        ? last
        : null;
  }

  /// PASIDs that the backend knows, in ascending order.
  int[] pasids() {
    int[] pasids = new int[count];
    int n = 0;
    for (Known known : table) {
      if (known != null) {
        pasids[n++] = known.pasid;
      }
    }
    Arrays.sort(pasids);
    return pasids;
  }

  /// Begins a scan of all the function's entries.
  void beginScan() {
    scan++;
    scanWanted = false;
    gone = null;
    overLimit = false;
  }

  /// The scan has found this one.
  void seen(Known known) {
    known.seen = scan;
  }

  /// True if the scan under way, or the last one, has found a PASID.
  boolean wasSeen(Known known) {
    return known.seen == scan;
  }

  /// All entries of this function may have changed.
  void wantScan() {
    scanWanted = true;
    context = 0;
  }

  /// The context entry that was found last; 0 if it has to be found anew.
  long context() {
    return context;
  }

  /// Keeps a valid context entry until it may have changed.
  void keepContext(long word0) {
    context = word0;
  }

  boolean scanWanted() {
    return scanWanted;
  }

  /// Says that there are too many PASIDs.
  ///
  /// @return whether this is the first time in this scan
  boolean goesOverLimit() {
    boolean first = !overLimit;
    overLimit = true;
    return first;
  }

  private void rebuild(int size) {
    @Nullable Known[] bigger = new @Nullable Known[size];
    for (Known known : table) {
      if (known != null) {
        bigger[slot(bigger, known.pasid)] = known;
      }
    }
    table = bigger;
  }

  /// Where a PASID is, or would be.
  private static int slot(@Nullable Known[] table, int pasid) {
    int mask = table.length - 1;
    int hash = pasid * 0x9e3779b9;
    int i = (hash >>> 12) & mask;
    for (Known known = table[i]; known != null && known.pasid != pasid; known = table[i]) {
      i = (i + 1) & mask;
    }
    return i;
  }
}
