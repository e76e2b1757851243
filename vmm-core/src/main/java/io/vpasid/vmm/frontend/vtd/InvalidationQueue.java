package io.vpasid.vmm.frontend.vtd;

import static io.vpasid.vmm.frontend.vtd.Bits.field;
import static io.vpasid.vmm.frontend.vtd.Bits.has;

import io.vpasid.vmm.frontend.GuestMemory;
import io.vpasid.vmm.frontend.GuestMemoryException;
import org.jspecify.annotations.Nullable;

/// Takes descriptors out of the guest's queue, in order, and does what they say (section 6.5.2).
///
/// A bad descriptor stops the queue with IQE, the head on it; so does a bad tail, or a queue that
/// is not in memory. Once the guest has cleared IQE, the same descriptor is read again. Only the
/// unit's worker uses it; handling a descriptor allocates nothing unless an entry has changed.
final class InvalidationQueue {
  private static final System.Logger LOG = System.getLogger(InvalidationQueue.class.getName());

  private final GuestMemory memory;
  private final InvalidationQueueRegisters registers;
  private final EntryTracker entries;
  private final PageRequests pageRequests;
  private final VtdBackend backend;
  private final WaitPoint waitPoint;
  private final Descriptor descriptor;
  private final long[] words = new long[4];

  private final WidePace pace = new WidePace();

  /// Something was told that no wait point has followed.
  private boolean told;

  /// Something of it was wide.
  private boolean wide;

  private long descriptors;
  private long waits;
  private long errors;

  InvalidationQueue(
      GuestMemory memory,
      InvalidationQueueRegisters registers,
      EntryTracker entries,
      PageRequests pageRequests,
      VtdBackend backend,
      WaitPoint waitPoint,
      VtdCapabilities capabilities) {
    this.memory = memory;
    this.registers = registers;
    this.entries = entries;
    this.pageRequests = pageRequests;
    this.backend = backend;
    this.waitPoint = waitPoint;
    descriptor = new Descriptor(capabilities);
  }

  /// Handles descriptors until the queue is empty or stops, or so many are done. The head that the
  /// guest reads moves behind all of them at once.
  ///
  /// @return whether there are more
  boolean handle(RootTable root, int most) {
    if (!registers.runs()) {
      return false;
    }
    QueueBase base = registers.base();
    int step = base.isWide() ? 32 : 16;
    int start = registers.head();
    int head = start;
    try {
      for (int done = 0; done < most; done++) {
        int tail = registers.tail();
        if (head == tail || !registers.runs()) {
          finish(root);
          registers.advance(start, head);
          return false;
        }
        QueueError error = next(root, base, head, tail);
        if (error != null) {
          finish(root);
          errors++;
          registers.advance(start, head);
          registers.fail(FaultLog.IQE, error.code());
          return false;
        }
        head = base.next(head, step);
      }
    } catch (RuntimeException e) {
      // A bug, or hardware that does not do as it is told; not the guest's. The guest sees an
      // invalidation that timed out, and what it queued behind it is gone (section 6.5.2.11).
      LOG.log(System.Logger.Level.ERROR, "The queue stops, because what is behind it failed.", e);
      registers.advance(start, base.next(registers.tail(), 0));
      errors++;
      registers.fail(FaultLog.ITE, 0);
      return false;
    }
    return registers.advance(start, head);
  }

  /// Reads and handles a descriptor.
  ///
  /// @return what is bad about it or the queue; null if it is done
  private @Nullable QueueError next(RootTable root, QueueBase base, int head, int tail) {
    boolean wide = base.isWide();
    QueueError error = checkQueue(root, wide, base.size(), tail);
    if (error == null) {
      error = fetch(base.at(head), wide);
    }
    if (error == null) {
      error = descriptor.check(root.isScalable(), words);
    }
    if (error == null) {
      handle(root);
      descriptors++;
    }
    return error;
  }

  private static @Nullable QueueError checkQueue(RootTable root, boolean wide, int size, int tail) {
    if (root.mode() == RootTable.Mode.INVALID) {
      return QueueError.MODE;
    }
    if (!wide && root.isScalable()) {
      return QueueError.WIDTH;
    }
    if (tail >= size) {
      return QueueError.TAIL;
    }
    return wide && (tail & 16) != 0 ? QueueError.TAIL_NOT_ALIGNED : null;
  }

  private @Nullable QueueError fetch(long address, boolean wide) {
    words[2] = 0;
    words[3] = 0;
    try {
      memory.loadLongs(address, words, wide ? 4 : 2);
      return null;
    } catch (GuestMemoryException e) {
      return QueueError.FETCH;
    }
  }

  private void handle(RootTable root) {
    long word0 = words[0];
    int type = Descriptor.type(word0);
    if (type != Descriptor.CONTEXT_CACHE && type != Descriptor.PASID_CACHE) {
      scanWanted(root);
    }
    told = true;
    switch (type) {
      case Descriptor.CONTEXT_CACHE ->
          contextCache(
              Descriptor.granularity(word0), Descriptor.sourceId(word0), field(word0, 49, 48));
      case Descriptor.PASID_CACHE -> pasidCache(root, word0);
      case Descriptor.IOTLB -> iotlb(Descriptor.granularity(word0), Descriptor.id(word0), words[1]);
      case Descriptor.PASID_IOTLB -> pasidIotlb(word0, words[1]);
      case Descriptor.DEVICE_TLB ->
          deviceTlb(
              Descriptor.sourceId(word0),
              VtdBackend.NO_PASID,
              words[1],
              Descriptor.deviceTlbPages(words[1], Descriptor.sizeOfDeviceTlb(words[1])));
      case Descriptor.PASID_DEVICE_TLB ->
          deviceTlb(
              Descriptor.id(word0),
              has(words[1], 0) ? VtdBackend.NO_PASID : Descriptor.pasid(word0),
              words[1],
              Descriptor.deviceTlbPages(words[1], Descriptor.sizeOfPasidDeviceTlb(words[1])));
      case Descriptor.PAGE_GROUP_RESPONSE -> pageGroupResponse(word0, words[1]);
      default -> await(root, word0, words[1]);
    }
  }

  /// Context entries have changed.
  ///
  /// @param granularity 1 all, 2 a domain's (for which all are looked at), 3 functions'
  /// @param functionMask how many of the low bits of the function number are ignored: 1 means bit
  ///   2, 2 bits 2:1, 3 bits 2:0
  void contextCache(int granularity, int sourceId, int functionMask) {
    wide = true;
    if (granularity == 3) {
      entries.wantScan(sourceId, 7 & 7 << (3 - functionMask));
    } else {
      entries.wantScan();
    }
  }

  private void pasidCache(RootTable root, long word0) {
    if (Descriptor.granularity(word0) == 1) {
      entries.check(root, Descriptor.pasid(word0));
    } else {
      wide = true;
      entries.wantScan();
    }
  }

  /// @param granularity 1 all, 2 a domain, 3 pages of a domain
  /// @param word1 address, IH and AM
  void iotlb(int granularity, int domainId, long word1) {
    wide |= granularity != 3;
    switch (granularity) {
      case 1 -> backend.invalidateAll();
      case 2 -> backend.invalidateDomain(domainId);
      default -> {
        long pages = Descriptor.pages(field(word1, 5, 0));
        backend.invalidatePages(domainId, Descriptor.firstPage(word1, pages), pages, has(word1, 6));
      }
    }
  }

  private void pasidIotlb(long word0, long word1) {
    int domainId = Descriptor.id(word0);
    int pasid = Descriptor.pasid(word0);
    if (Descriptor.granularity(word0) == 2) {
      backend.invalidatePasid(domainId, pasid);
    } else {
      long pages = Descriptor.pages(field(word1, 5, 0));
      backend.invalidatePasidPages(
          domainId, pasid, Descriptor.firstPage(word1, pages), pages, has(word1, 6));
    }
  }

  private void deviceTlb(int sourceId, int pasid, long word1, long pages) {
    ToldEntries function = entries.covered(sourceId);
    if (function != null) {
      backend.invalidateDeviceTlb(function.id(), pasid, Descriptor.firstPage(word1, pages), pages);
    }
  }

  private void pageGroupResponse(long word0, long word1) {
    ToldEntries function = entries.covered(Descriptor.id(word0));
    if (function != null) {
      pageRequests.respond(
          function.id(),
          has(word0, 4) ? Descriptor.pasid(word0) : 0,
          field(word1, 11, 3),
          field(word0, 15, 12));
    }
  }

  private void await(RootTable root, long word0, long status) {
    waits++;
    if (has(word0, 7)) {
      backend.drainPageRequests();
    }
    finish(root);
    if (!registers.runs()) {
      return;
    }
    if (has(word0, 5)) {
      try {
        memory.storeInt(status & ~3L, (int) (word0 >>> 32));
      } catch (GuestMemoryException e) {
        // As on a bus: what is written to nowhere is gone.
        LOG.log(System.Logger.Level.DEBUG, "A wait descriptor's status goes nowhere.", e);
      }
    }
    if (has(word0, 4)) {
      registers.waitCompleted();
    }
  }

  /// Nothing is left that was told and is not done.
  void finish(RootTable root) {
    if (wide) {
      wide = false;
      pace.run(() -> finishNow(root));
    } else {
      finishNow(root);
    }
  }

  private void finishNow(RootTable root) {
    entries.scanWanted(root);
    if (told) {
      waitPoint.pass();
      told = false;
    }
  }

  /// Scans are wide by themselves; what they lead to stays to be finished.
  private void scanWanted(RootTable root) {
    if (entries.wantsScan()) {
      pace.run(() -> entries.scanWanted(root));
    }
  }

  /// Descriptors that were done.
  long descriptors() {
    return descriptors;
  }

  /// Wait descriptors among them.
  long waits() {
    return waits;
  }

  /// Errors that stopped the queue.
  long errors() {
    return errors;
  }

  /// Something is to be told beside the queue.
  void tells() {
    told = true;
  }

  /// Something is to be told beside the queue that the guest can ask for at will, and that is wide.
  void tellsWide() {
    told = true;
    wide = true;
  }
}
