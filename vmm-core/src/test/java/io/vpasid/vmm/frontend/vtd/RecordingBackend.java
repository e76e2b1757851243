package io.vpasid.vmm.frontend.vtd;

import java.util.ArrayList;
import java.util.List;

/// Writes down what a unit tells, a line for each call.
class RecordingBackend implements VtdBackend {
  private final List<String> lines = new ArrayList<>();
  private final List<EntryChange> changes = new ArrayList<>();

  /// What was told, in order.
  List<String> lines() {
    return lines;
  }

  /// The changes among it.
  List<EntryChange> changes() {
    return changes;
  }

  void clear() {
    lines.clear();
    changes.clear();
  }

  @Override
  public void entryChanged(EntryChange change) {
    changes.add(change);
    lines.add(
        change.requester()
            + ": "
            + name(change.before())
            + " -> "
            + name(change.after())
            + (change.deviceTlb() ? " DTE" : "")
            + (change.pageRequests() ? " PRE" : ""));
  }

  private static String name(Translation translation) {
    return switch (translation) {
      case Translation.Untranslated _ -> "untranslated";
      case Translation.Absent _ -> "absent";
      case Translation.FirstStage stage -> "first stage " + stage.domainId();
      case Translation.SecondStage stage -> "second stage " + stage.domainId();
      case Translation.Nested nested -> "nested " + nested.domainId();
      case Translation.PassThrough through -> "pass-through " + through.domainId();
    };
  }

  @Override
  public void invalidateAll() {
    lines.add("invalidate all");
  }

  @Override
  public void invalidateDomain(int domainId) {
    lines.add("invalidate domain " + domainId);
  }

  @Override
  public void invalidatePages(int domainId, long address, long pages, boolean leafOnly) {
    lines.add("invalidate domain %d%s".formatted(domainId, range(address, pages, leafOnly)));
  }

  @Override
  public void invalidatePasid(int domainId, int pasid) {
    lines.add("invalidate domain " + domainId + " PASID " + pasid);
  }

  @Override
  public void invalidatePasidPages(
      int domainId, int pasid, long address, long pages, boolean leafOnly) {
    lines.add(
        "invalidate domain %d PASID %d%s"
            .formatted(domainId, pasid, range(address, pages, leafOnly)));
  }

  @Override
  public void invalidateDeviceTlb(SourceId function, int pasid, long address, long pages) {
    lines.add(
        "invalidate device TLB %s%s%s"
            .formatted(
                function,
                pasid == NO_PASID ? "" : " PASID " + pasid,
                range(address, pages, false)));
  }

  private static String range(long address, long pages, boolean leafOnly) {
    return ", 0x%x pages from 0x%x%s".formatted(pages, address, leafOnly ? ", leaves" : "");
  }

  @Override
  public void drainPageRequests() {
    lines.add("drain page requests");
  }

  @Override
  public void pageResponse(PageResponse response) {
    lines.add(
        "answer to %s, group %d: %s"
            .formatted(response.requester(), response.group(), response.code()));
  }

  @Override
  public void pageRequestsDropped() {
    lines.add("page requests dropped");
  }

  @Override
  public void sync() {
    lines.add("sync");
  }
}
