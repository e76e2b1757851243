package io.vpasid.vmm.frontend.nested;

import io.vpasid.vmm.frontend.nested.SecondStageWalk.BeyondBoundException;
import io.vpasid.vmm.frontend.nested.SecondStageWalk.Run;
import io.vpasid.vmm.frontend.vtd.SecondStageTable;
import io.vpasid.vmm.iommufd.HwptFlag;
import io.vpasid.vmm.iommufd.HwptId;
import io.vpasid.vmm.iommufd.HwptRequest;
import io.vpasid.vmm.iommufd.IoasId;
import io.vpasid.vmm.iommufd.IommufdException;
import io.vpasid.vmm.iommufd.IovaAccess;
import io.vpasid.vmm.iommufd.IovaRanges;
import io.vpasid.vmm.linux.Errno;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.TreeMap;

/// One second-stage page table of a guest, kept equal in an I/O address space of the host, and on
/// it one page table for each function.
///
/// A mapping is what the guest's table maps without a gap, as far as one invalidation tells of it
/// and the memory behind is one piece. The kernel unmaps mappings only whole: if the guest changes
/// a part of one, the rest of it is unmapped too for a moment. Pages that are no memory, or that
/// the host reserves, are left out; DMA there makes a fault.
final class ShadowDomain {
  /// More changed ranges than this between two wait points become one that holds all of them.
  private static final int MAX_RANGES = 1024;

  private final ShadowTables tables;
  private final int domainId;
  private final SecondStageTable table;
  private final IoasId ioas;
  private final Map<GuestFunction, HwptId> pageTables = new LinkedHashMap<>();

  /// The mappings, by I/O address.
  private final NavigableMap<Long, Run> mapped = new TreeMap<>();

  /// Ranges in which the guest's table has changed.
  private List<Range> changed = new ArrayList<>();

  /// How many requesters use it.
  int users;

  ShadowDomain(ShadowTables tables, int domainId, SecondStageTable table, IoasId ioas) {
    this.tables = tables;
    this.domainId = domainId;
    this.table = table;
    this.ioas = ioas;
    changed(0, Long.MAX_VALUE);
  }

  private record Range(long first, long last) {}

  /// A domain that maps nothing, because it cannot be kept equal.
  ///
  /// @param errno the kernel's error, or the one that fits
  /// @param reason as a part of a sentence, without a full stop
  record Broken(ShadowDomain domain, Errno errno, String reason) {}

  int domainId() {
    return domainId;
  }

  /// The guest's table has changed in a range.
  void changed(long first, long last) {
    if (!changed.isEmpty()) {
      Range before = changed.getLast();
      if (first <= before.last + 1 && before.first <= last + 1) {
        changed.removeLast();
        changed.add(new Range(Math.min(first, before.first), Math.max(last, before.last)));
        return;
      }
    }
    if (changed.size() == MAX_RANGES) {
      Range all = new Range(first, last);
      for (Range range : changed) {
        all = new Range(Math.min(all.first, range.first), Math.max(all.last, range.last));
      }
      changed.clear();
      changed.add(all);
      return;
    }
    changed.add(new Range(first, last));
  }

  /// The page table for a function.
  ///
  /// @throws IommufdException if it cannot be made
  HwptId pageTable(GuestFunction function) {
    HwptId present = pageTables.get(function);
    if (present == null) {
      present =
          tables
              .iommufd()
              .hwptAlloc(HwptRequest.paging(function.device(), ioas).with(HwptFlag.PASID));
      pageTables.put(function, present);
    }
    return present;
  }

  /// Makes it equal to the guest's where that has changed.
  Optional<Broken> update() {
    List<Range> ranges = changed;
    if (ranges.isEmpty()) {
      return Optional.empty();
    }
    changed = new ArrayList<>();
    try {
      for (Range range : ranges) {
        update(range.first, range.last);
      }
      return Optional.empty();
    } catch (BeyondBoundException e) {
      clear();
      return Optional.of(new Broken(this, Errno.ENOSPC, String.valueOf(e.getMessage())));
    } catch (IommufdException e) {
      clear();
      return Optional.of(new Broken(this, e.errno(), String.valueOf(e.getMessage())));
    }
  }

  private void update(long first, long last) throws BeyondBoundException {
    List<Run> wanted = tables.walk().walk(table, first, last);
    NavigableMap<Long, Run> byIova = new TreeMap<>();
    wanted.forEach(run -> byIova.put(run.iova(), run));
    List<Run> missing = new ArrayList<>();
    List<Run> kept = new ArrayList<>();
    for (Run run : List.copyOf(overlapping(first, last))) {
      long from = Math.max(run.iova(), first);
      long to = Math.min(run.last(), last);
      Map.Entry<Long, Run> over = byIova.floorEntry(from);
      if (over != null
          && over.getValue()
              .includes(from, to, run.address() + (from - run.iova()), run.access())) {
        kept.add(run);
        continue;
      }
      unmap(run);
      if (run.iova() < first) {
        missing.add(new Run(run.iova(), run.address(), first - run.iova(), run.access()));
      }
      if (run.last() > last) {
        long beyond = last + 1;
        missing.add(
            new Run(
                beyond, run.address() + (beyond - run.iova()), run.last() - last, run.access()));
      }
    }
    wanted.forEach(run -> addWithout(kept, run, missing));
    for (Run run : missing) {
      map(run);
    }
  }

  private Collection<Run> overlapping(long first, long last) {
    Map.Entry<Long, Run> before = mapped.lowerEntry(first);
    long from = before != null && before.getValue().last() >= first ? before.getKey() : first;
    return mapped.subMap(from, true, last, true).values();
  }

  /// Adds the parts of a run that are not mapped already.
  ///
  /// @param kept ascending
  private static void addWithout(List<Run> kept, Run run, List<Run> to) {
    long from = run.iova();
    for (Run other : kept) {
      if (other.last() < from || other.iova() > run.last()) {
        continue;
      }
      if (other.iova() > from) {
        to.add(
            new Run(from, run.address() + (from - run.iova()), other.iova() - from, run.access()));
      }
      from = other.last() + 1;
    }
    if (from <= run.last()) {
      to.add(
          new Run(from, run.address() + (from - run.iova()), run.last() - from + 1, run.access()));
    }
  }

  private void map(Run run) throws BeyondBoundException {
    for (IovaRanges.Range allowed : tables.allowed()) {
      long first = Math.max(run.iova(), allowed.start());
      long last = allowed.last() < 0 ? run.last() : Math.min(run.last(), allowed.last());
      if (allowed.start() >= 0 && first <= last) {
        mapPieces(run, first, last);
      }
    }
  }

  private void mapPieces(Run run, long first, long last) throws BeyondBoundException {
    long at = first;
    while (at <= last) {
      long address = run.address() + (at - run.iova());
      HostMemory.Piece piece = tables.hostMemory().at(address, last - at + 1);
      if (piece.memory().isPresent()) {
        map(new Run(at, address, piece.length(), run.access()), piece.memory().get());
      }
      at += piece.length();
    }
  }

  private void map(Run run, MemorySegment memory) throws BeyondBoundException {
    IovaAccess access =
        new IovaAccess(run.access().readable(), run.access().writeable() && !memory.isReadOnly());
    if (!access.readable() && !access.writeable()) {
      return;
    }
    tables.takeMappings(1);
    try {
      tables.iommufd().mapAt(ioas, run.iova(), memory, access);
    } catch (RuntimeException e) {
      tables.giveMappings(1);
      throw e;
    }
    mapped.put(run.iova(), run);
  }

  private void unmap(Run run) {
    tables.iommufd().unmap(ioas, run.iova(), run.length());
    mapped.remove(run.iova());
    tables.giveMappings(1);
  }

  /// Unmaps what maps a range of guest memory, which is about to go.
  void withdraw(long address, long length) {
    for (Run run : List.copyOf(mapped.values())) {
      if (Long.compareUnsigned(run.address(), address + (length - 1)) <= 0
          && Long.compareUnsigned(run.address() + (run.length() - 1), address) >= 0) {
        unmap(run);
        changed(run.iova(), run.last());
      }
    }
  }

  /// Unmaps everything.
  private void clear() {
    tables.iommufd().unmapAll(ioas);
    tables.giveMappings(mapped.size());
    mapped.clear();
  }

  /// Gives everything back. Nothing is attached.
  void destroy() {
    pageTables.values().forEach(tables.iommufd()::destroy);
    pageTables.clear();
    clear();
    tables.iommufd().destroy(ioas);
  }

  /// The function goes.
  void remove(GuestFunction function) {
    HwptId pageTable = pageTables.remove(function);
    if (pageTable != null) {
      tables.iommufd().destroy(pageTable);
    }
  }
}
