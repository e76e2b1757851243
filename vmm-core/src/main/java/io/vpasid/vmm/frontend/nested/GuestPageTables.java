package io.vpasid.vmm.frontend.nested;

import io.vpasid.vmm.PassthroughFunction;
import io.vpasid.vmm.frontend.GuestMemory;
import io.vpasid.vmm.frontend.vtd.EntryChange;
import io.vpasid.vmm.frontend.vtd.PageResponse;
import io.vpasid.vmm.frontend.vtd.Requester;
import io.vpasid.vmm.frontend.vtd.SourceId;
import io.vpasid.vmm.frontend.vtd.Translation;
import io.vpasid.vmm.frontend.vtd.VtdBackend;
import io.vpasid.vmm.frontend.vtd.VtdReports;
import io.vpasid.vmm.iommufd.DeviceId;
import io.vpasid.vmm.iommufd.IoasId;
import io.vpasid.vmm.iommufd.IommufdBackend;
import io.vpasid.vmm.iommufd.IommufdException;
import io.vpasid.vmm.linux.Errno;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// The page tables of one guest in iommufd: makes the host's hardware do what the entries say that
/// the guest's driver writes for its virtual IOMMU.
///
/// ```text
///  the guest's entry                    what its requester is attached to
///  untranslated, pass-through           the guest's memory                      paging, nest parent
///  first stage                          the guest's own table                   nested on that
///  second stage                         a copy that follows the guest's table   paging
///  none, or the host refuses            nothing: blocked
/// ```
///
/// What is told between two wait points is done at the second of them, in the order in which
/// requesters were changed first: one replace for an entry that went and came back as another, one
/// IOMMU_HWPT_INVALIDATE for all ranges of a page table. A nested page table that nothing is
/// attached to any more is kept ([SpareTables]), as guests enter address spaces again, until the
/// guest invalidates everything.
///
/// A requester whose change the host refuses is blocked, never left on the page table before, whose
/// memory the guest may use for something else by now; the guest gets a fault and listeners the
/// errno. If even blocking fails, [#sync] throws, so that the guest's wait is not completed.
///
/// PASIDs go through [io.vpasid.vmm.pasid.PasidAttachments] of their function, with its limits.
///
/// The calls of [VtdBackend], [#cover], [#uncover], [#attachedTo] and [#close] are made by one
/// thread at a time; [#withdraw] by any.
public final class GuestPageTables implements VtdBackend, AutoCloseable {
  private static final System.Logger LOG = System.getLogger(GuestPageTables.class.getName());

  private final IommufdBackend iommufd;
  private final Targets targets;
  private final ShadowTables shadow;
  private final Map<SourceId, GuestFunction> functions = new ConcurrentHashMap<>();

  /// The one whose entry has changed last: entries of one function often change in a row.
  private @Nullable GuestFunction recent;

  private final StaleTables stale;
  private final List<EntryListener> listeners = new CopyOnWriteArrayList<>();
  private final List<RequesterState> changed = new ArrayList<>();
  private @Nullable VtdReports reports;
  private @Nullable PageRequestRelay relay;
  private boolean drain;
  private boolean everythingStale;

  /// A guest's memory, in the three ways in which it is needed. All are the caller's, and outlive
  /// this.
  ///
  /// @param guest to read page tables from
  /// @param host to map parts of it for DMA
  /// @param ioas all of it, mapped at its guest-physical addresses
  public record Memory(GuestMemory guest, HostMemory host, IoasId ioas) {}

  /// No functions yet.
  ///
  /// @param iommufd the context that all functions are bound to
  /// @param mode what the guest was offered
  /// @param format how the host's IOMMU takes first-stage page tables
  public GuestPageTables(
      IommufdBackend iommufd,
      Memory memory,
      TranslationMode.Kind mode,
      NestedFormat format,
      Bounds bounds) {
    this.iommufd = iommufd;
    stale = new StaleTables(iommufd, format, functions);
    shadow = new ShadowTables(iommufd, memory.ioas, memory.guest, memory.host, bounds);
    targets = new Targets(iommufd, memory.ioas, mode, format, shadow, () -> pageRequests().id());
  }

  /// Sends faults and page requests to the guest's unit; to be called before the unit calls.
  public void reportTo(VtdReports unit) {
    reports = unit;
  }

  /// Tells a listener from now on.
  public void listen(EntryListener listener) {
    listeners.add(listener);
  }

  /// Takes a function in, before the unit covers it.
  ///
  /// @param id as the guest has it
  /// @param function stays the caller's
  /// @throws IllegalArgumentException if there is one with this id
  public void cover(SourceId id, PassthroughFunction function) {
    if (functions.putIfAbsent(id, new GuestFunction(id, function)) != null) {
      throw new IllegalArgumentException(id + " is covered already");
    }
  }

  /// Lets a function go, after the unit does not cover it any more: nothing of it stays attached.
  ///
  /// @throws IommufdException if the host keeps something of it, which goes when the function is
  ///   closed; it is let go all the same
  public void uncover(SourceId id) {
    GuestFunction function = functions.get(id);
    if (function != null) {
      for (RequesterState state : function.requesters().values()) {
        if (state.wanted.isPresent()) {
          want(state, Translation.Absent.ABSENT);
        }
      }
      try {
        sync();
        targets.remove(function);
      } finally {
        functions.remove(id);
        recent = null;
        changed.removeIf(state -> state.function == function);
      }
    }
  }

  /// Unmaps a range of guest memory from shadowed page tables, before it goes. The VMM itself
  /// unmaps it from the I/O address space of the guest's memory.
  ///
  /// @param address guest-physical
  /// @param length in bytes
  public void withdraw(long address, long length) {
    shadow.withdraw(address, length);
  }

  /// The page table that a requester is attached to, in words.
  public String attachedTo(Requester requester) {
    GuestFunction function = functions.get(requester.function());
    RequesterState state = function == null ? null : function.requesters().get(requester.pasid());
    return switch (state == null ? null : state.attached) {
      case null -> "nothing";
      case Target.Memory memory -> "the guest's memory (" + memory.pageTable() + ")";
      case Target.Nested nested -> "the guest's page table, nested (" + nested.pageTable() + ")";
      case Target.Shadow its -> "a copy of the guest's page table (" + its.pageTable() + ")";
    };
  }

  // What the unit tells

  @Override
  public void entryChanged(EntryChange change) {
    Requester requester = change.requester();
    RequesterState state = covered(requester.function()).requester(requester);
    state.pageRequests = change.pageRequests();
    want(state, change.after());
  }

  private GuestFunction covered(SourceId id) {
    GuestFunction function = recent;
    if (function == null || !function.id().equals(id)) {
      function = functions.get(id);
      if (function == null) {
        throw new IllegalArgumentException(id + " is not covered");
      }
      recent = function;
    }
    return function;
  }

  private void want(RequesterState state, Translation wanted) {
    state.wanted = wanted;
    if (!state.changed) {
      state.changed = true;
      changed.add(state);
    }
  }

  @Override
  public void invalidateAll() {
    stale.addAll();
    shadow.allChanged();
    everythingStale = true;
  }

  @Override
  public void invalidateDomain(int domainId) {
    stale.addDomain(domainId);
    shadow.changed(domainId, 0, Long.MAX_VALUE);
  }

  /// Page tables of a domain's first stage are not meant, but lose everything all the same: what
  /// the host has made of them is one cache.
  @Override
  public void invalidatePages(int domainId, long address, long pages, boolean leafOnly) {
    stale.addDomain(domainId);
    if (address >= 0) {
      long last = address + (pages << 12) - 1;
      shadow.changed(domainId, address, last < address ? Long.MAX_VALUE : last);
    }
  }

  @Override
  public void invalidatePasid(int domainId, int pasid) {
    stale.addPasid(domainId, pasid);
  }

  @Override
  public void invalidatePasidPages(
      int domainId, int pasid, long address, long pages, boolean leafOnly) {
    stale.addPasidPages(domainId, pasid, address, pages, leafOnly);
  }

  /// The kernel invalidates device TLBs with what the IOMMU itself has cached, so a range that the
  /// guest has named for both is sent once.
  @Override
  public void invalidateDeviceTlb(SourceId function, int pasid, long address, long pages) {
    GuestFunction its = functions.get(function);
    RequesterState state = its == null ? null : its.requesters().get(pasid == NO_PASID ? 0 : pasid);
    if (state != null && state.attached instanceof Target.Nested nested) {
      stale.add(state, nested, address, pages, false);
    }
  }

  @Override
  public void drainPageRequests() {
    drain = true;
  }

  @Override
  public void pageResponse(PageResponse response) {
    PageRequestRelay present = relay;
    if (present != null) {
      present.answer(response);
    }
  }

  @Override
  public void pageRequestsDropped() {
    PageRequestRelay present = relay;
    if (present != null) {
      present.answerAll();
    }
  }

  // The wait point

  /// Does everything that was told.
  ///
  /// @throws IommufdException if something that must be blocked cannot be blocked
  @Override
  public void sync() {
    for (RequesterState state : changed) {
      change(state);
    }
    changed.clear();
    if (everythingStale) {
      functions.values().forEach(function -> function.spares().destroy(iommufd));
      everythingStale = false;
    }
    stale.invalidate(this::refuse);
    shadow.update().forEach(this::blockAll);
    PageRequestRelay present = relay;
    if (drain && present != null) {
      present.relay();
    }
    drain = false;
  }

  private void change(RequesterState state) {
    if (!state.changed) {
      // Done before something behind it failed.
      return;
    }
    if (!state.wanted.isPresent()) {
      block(state);
      state.function.gone(state);
      applied(state);
    } else {
      Target before = state.attached;
      if (before != null && before.serves(state.wanted, state.pageRequests)) {
        refresh(state, before);
      } else {
        replace(state, before);
      }
    }
    state.changed = false;
  }

  private void replace(RequesterState state, @Nullable Target before) {
    Target made = null;
    try {
      made = targets.make(state);
      state.attach(made.pageTable());
      state.attached = made;
      targets.release(state.function, before);
      applied(state);
    } catch (UnattachableException e) {
      targets.release(state.function, made);
      refuse(state, e.errno(), e.reason());
    } catch (IommufdException e) {
      targets.release(state.function, made);
      refuse(state, e.errno(), e.reason());
    }
  }

  /// An entry went and came back: nothing that was cached before may be used any more.
  private void refresh(RequesterState state, Target target) {
    switch (target) {
      case Target.Memory _ -> {}
      case Target.Nested nested -> stale.add(state, nested);
      case Target.Shadow its -> its.domain().changed(0, Long.MAX_VALUE);
    }
  }

  private PageRequestRelay pageRequests() {
    PageRequestRelay present = relay;
    if (present == null) {
      VtdReports unit = reports;
      if (unit == null) {
        throw new IllegalStateException("Nobody is there to take page requests");
      }
      present = new PageRequestRelay(iommufd, unit, this::functionOf);
      relay = present;
    }
    return present;
  }

  private Optional<SourceId> functionOf(DeviceId device) {
    return functions.values().stream()
        .filter(function -> function.device().equals(device))
        .map(GuestFunction::id)
        .findFirst();
  }

  /// Detaches a requester and gives back what it was attached to.
  ///
  /// @throws IommufdException if it cannot be detached; it is attached still
  private void block(RequesterState state) {
    state.detach();
    targets.release(state.function, state.attached);
    state.attached = null;
  }

  private void refuse(RequesterState state, Errno errno, String reason) {
    Translation wanted = state.wanted;
    block(state);
    tell(new RefusedEntry(state.requester, wanted, errno, reason));
  }

  private void tell(RefusedEntry refused) {
    VtdReports unit = reports;
    if (unit != null) {
      unit.attachRefused(refused.requester());
    }
    tell(listener -> listener.refused(refused));
  }

  private void applied(RequesterState state) {
    if (!listeners.isEmpty()) {
      tell(listener -> listener.applied(state.requester, state.wanted));
    }
  }

  private void tell(Consumer<EntryListener> what) {
    for (EntryListener listener : listeners) {
      try {
        what.accept(listener);
      } catch (RuntimeException e) {
        LOG.log(System.Logger.Level.WARNING, "A listener failed", e);
      }
    }
  }

  private void blockAll(ShadowDomain.Broken broken) {
    for (GuestFunction function : functions.values()) {
      for (RequesterState state : function.requesters().values()) {
        if (state.attached instanceof Target.Shadow its && its.domain() == broken.domain()) {
          refuse(state, broken.errno(), broken.reason());
        }
      }
    }
  }

  /// Blocks everything and gives everything back.
  ///
  /// @throws IommufdException if the host keeps something; everything is let go all the same
  @Override
  public void close() {
    IommufdException kept = null;
    for (SourceId id : List.copyOf(functions.keySet())) {
      try {
        uncover(id);
      } catch (IommufdException e) {
        kept = e;
      }
    }
    PageRequestRelay present = relay;
    if (present != null) {
      relay = null;
      present.close();
    }
    if (kept != null) {
      throw kept;
    }
  }
}
