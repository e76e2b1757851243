package io.vpasid.vmm.frontend.vtd;

import java.util.HashMap;
import java.util.Map;
import java.util.Set;

/// A backend that holds a unit to its word: what it tells is in order, about covered functions
/// only, no more than its limit, and of the ranges that the interface promises. Whatever is not
/// throws.
final class CheckedBackend implements VtdBackend {
  private final Set<SourceId> covered;
  private final int maxPasids;
  private final Map<Requester, Translation> told = new HashMap<>();
  private boolean synced = true;
  private long calls;

  CheckedBackend(Set<SourceId> covered, int maxPasids) {
    this.covered = covered;
    this.maxPasids = maxPasids;
  }

  /// How many calls there were.
  long calls() {
    return calls;
  }

  /// Requesters that are not absent.
  Map<Requester, Translation> told() {
    return told;
  }

  /// Whether a wait point followed the last call.
  boolean isSynced() {
    return synced;
  }

  private void called(boolean right) {
    calls++;
    synced = false;
    check(right);
  }

  private static void check(boolean right) {
    if (!right) {
      throw new AssertionError("The unit breaks its word.");
    }
  }

  @Override
  public void entryChanged(EntryChange change) {
    called(covered.contains(change.requester().function()));
    Translation before = told.getOrDefault(change.requester(), Translation.Absent.ABSENT);
    check(before.equals(change.before()));
    if (change.after().isPresent()) {
      told.put(change.requester(), change.after());
    } else {
      told.remove(change.requester());
    }
    check(told.size() <= covered.size() * (maxPasids + 1L));
  }

  @Override
  public void invalidateAll() {
    called(true);
  }

  @Override
  public void invalidateDomain(int domainId) {
    called(domainId >>> 16 == 0);
  }

  @Override
  public void invalidatePages(int domainId, long address, long pages, boolean leafOnly) {
    called(domainId >>> 16 == 0 && isRange(address, pages) && pages <= 1 << 18);
  }

  @Override
  public void invalidatePasid(int domainId, int pasid) {
    called(domainId >>> 16 == 0 && pasid >>> 20 == 0);
  }

  @Override
  public void invalidatePasidPages(
      int domainId, int pasid, long address, long pages, boolean leafOnly) {
    called(domainId >>> 16 == 0 && pasid >>> 20 == 0 && isRange(address, pages));
  }

  @Override
  public void invalidateDeviceTlb(SourceId function, int pasid, long address, long pages) {
    called(
        covered.contains(function)
            && (pasid == NO_PASID || pasid >>> 20 == 0)
            && isRange(address, pages));
  }

  private static boolean isRange(long address, long pages) {
    return Long.bitCount(pages) == 1
        && pages > 0
        && pages <= 1L << 52
        && (address & ((pages << 12) - 1)) == 0;
  }

  @Override
  public void drainPageRequests() {
    called(true);
  }

  @Override
  public void pageResponse(PageResponse response) {
    called(covered.contains(response.requester().function()) && response.group() >>> 9 == 0);
  }

  @Override
  public void pageRequestsDropped() {
    called(true);
  }

  @Override
  public void sync() {
    calls++;
    synced = true;
  }
}
