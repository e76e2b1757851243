package io.vpasid.vmm.pasid;

import io.vpasid.vmm.iommufd.IommufdException;
import io.vpasid.vmm.iommufd.PageTableId;
import io.vpasid.vmm.iommufd.Pasid;
import io.vpasid.vmm.linux.Errno;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.function.Consumer;
import java.util.function.Supplier;

/// A bound function that takes every request, remembers what it was told, and finds out whether two
/// requests for one PASID overlap.
final class RecordingDevice extends PasidOnlyDevice {
  /// What is attached.
  final Map<Pasid, PageTableId> attached = new ConcurrentSkipListMap<>();

  /// PASIDs in the order in which they were detached.
  final List<Pasid> detached = Collections.synchronizedList(new ArrayList<>());

  /// PASIDs whose requests overlapped.
  final Set<Pasid> overlaps = ConcurrentHashMap.newKeySet();

  private final Set<Pasid> busy = ConcurrentHashMap.newKeySet();

  /// Called at the beginning of each request.
  volatile Consumer<Pasid> onRequest = _ -> {};

  /// Says whether the next request fails.
  volatile Supplier<Optional<Errno>> failure = Optional::empty;

  @Override
  public PageTableId attachPasid(Pasid pasid, PageTableId pageTable) {
    work(pasid, () -> attached.put(pasid, pageTable));
    return pageTable;
  }

  @Override
  public void detachPasid(Pasid pasid) {
    work(
        pasid,
        () -> {
          attached.remove(pasid);
          detached.add(pasid);
        });
  }

  private void work(Pasid pasid, Runnable effect) {
    if (!busy.add(pasid)) {
      overlaps.add(pasid);
    }
    try {
      onRequest.accept(pasid);
      failure
          .get()
          .ifPresent(errno -> {
            throw new IommufdException(errno, "REQUEST", "PASID " + pasid);
          });
      effect.run();
    } finally {
      busy.remove(pasid);
    }
  }
}
