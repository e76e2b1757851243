package io.vpasid.vmm.frontend.nested;

import io.vpasid.vmm.frontend.vtd.SourceId;
import io.vpasid.vmm.iommufd.Invalidation.VtdS1.Entry;
import io.vpasid.vmm.iommufd.IommufdBackend;
import io.vpasid.vmm.iommufd.IommufdException;
import io.vpasid.vmm.linux.Errno;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// The nested page tables of which the hardware must forget something at the next wait point: one
/// IOMMU_HWPT_INVALIDATE for all that is to be forgotten of one.
final class StaleTables {
  private static final List<Entry> EVERYTHING = List.of(Entry.ALL);

  private final IommufdBackend iommufd;
  private final NestedFormat format;
  private final Map<SourceId, GuestFunction> functions;
  private final List<RequesterState> stale = new ArrayList<>();

  StaleTables(IommufdBackend iommufd, NestedFormat format, Map<SourceId, GuestFunction> functions) {
    this.iommufd = iommufd;
    this.format = format;
    this.functions = functions;
  }

  /// Takes requesters whose page table the host does not invalidate.
  interface Refusals {
    /// Blocks a requester.
    ///
    /// @param reason as a part of a sentence, without a full stop
    void refuse(RequesterState state, Errno errno, String reason);
  }

  /// Every page table, whole.
  void addAll() {
    for (GuestFunction function : functions.values()) {
      for (RequesterState state : function.requesters().values()) {
        if (state.attached instanceof Target.Nested nested) {
          add(state, nested);
        }
      }
    }
  }

  /// The page tables of a domain, whole.
  void addDomain(int domainId) {
    for (GuestFunction function : functions.values()) {
      for (RequesterState state : function.requesters().values()) {
        Target.Nested nested = nestedIn(domainId, state);
        if (nested != null) {
          add(state, nested);
        }
      }
    }
  }

  /// The page tables of a PASID in a domain, whole.
  void addPasid(int domainId, int pasid) {
    for (GuestFunction function : functions.values()) {
      RequesterState state = function.requesters().get(pasid);
      Target.Nested nested = nestedIn(domainId, state);
      if (state != null && nested != null) {
        add(state, nested);
      }
    }
  }

  /// A range of the page tables of a PASID in a domain.
  void addPasidPages(int domainId, int pasid, long address, long pages, boolean leafOnly) {
    for (GuestFunction function : functions.values()) {
      RequesterState state = function.requesters().get(pasid);
      Target.Nested nested = nestedIn(domainId, state);
      if (state != null && nested != null) {
        add(state, nested, address, pages, leafOnly);
      }
    }
  }

  private static Target.@Nullable Nested nestedIn(int domainId, @Nullable RequesterState state) {
    return state != null
            && state.attached instanceof Target.Nested nested
            && nested.from().domainId() == domainId
        ? nested
        : null;
  }

  /// A page table, whole.
  void add(RequesterState state, Target.Nested nested) {
    mark(state, nested);
    nested.stale().addAll();
  }

  /// A range of a page table.
  void add(RequesterState state, Target.Nested nested, long address, long pages, boolean leafOnly) {
    mark(state, nested);
    nested.stale().add(address, pages, leafOnly);
  }

  private void mark(RequesterState state, Target.Nested nested) {
    if (nested.stale().isEmpty()) {
      stale.add(state);
    }
  }

  /// Invalidates what is stale. Those whose page table has been replaced meanwhile have nothing to
  /// forget.
  void invalidate(Refusals refusals) {
    for (RequesterState state : stale) {
      if (state.attached instanceof Target.Nested nested && !nested.stale().isEmpty()) {
        invalidate(state, nested, refusals);
      }
    }
    stale.clear();
  }

  /// Looks at how much was handled. What was not is tried once more as everything; a page table
  /// that cannot even do that is not used any more.
  private void invalidate(RequesterState state, Target.Nested nested, Refusals refusals) {
    List<Entry> entries = nested.stale().take();
    String reason = "the host has not handled all invalidations of its page table";
    Errno errno = Errno.EIO;
    for (List<Entry> tried : List.of(entries, EVERYTHING)) {
      try {
        if (iommufd.invalidate(nested.pageTable(), format.invalidation(tried)) == tried.size()) {
          return;
        }
      } catch (IommufdException e) {
        reason = e.reason();
        errno = e.errno();
      }
    }
    refusals.refuse(state, errno, reason);
  }
}
