package io.vpasid.guest.emulator.vtd;

import io.vpasid.guest.emulator.IommuPort;

/// The invalidation queue of a driver (section 6.5.2): descriptors of 256 bits, and waits that
/// write a status.
///
/// A ring of 128 places, one for a wait, one free.
final class Invalidations {
  private static final int STEP = 32;
  private static final int BYTES = GuestPages.PAGE;
  private static final int WIDE = 1 << 11;

  private static final int CONTEXT_CACHE = 1;
  private static final int IOTLB = 2;
  private static final int DEVICE_TLB = 3;
  private static final int WAIT = 5;
  private static final int PASID_IOTLB = 6;
  private static final int PASID_CACHE = 7;
  private static final int PASID_DEVICE_TLB = 8;
  private static final int PAGE_GROUP_RESPONSE = 9;

  /// Address and S of a device TLB's invalidation that means everything.
  private static final long EVERYTHING = 0x7fff_ffff_ffff_f000L;

  private final Unit unit;
  private final GuestPages pages;
  private final long queue;
  private final long status;
  private int tail;
  private int waiting;
  private int sequence;

  /// @param queue address of its page
  /// @param status where waits write
  Invalidations(Unit unit, GuestPages pages, long queue, long status) {
    this.unit = unit;
    this.pages = pages;
    this.queue = queue;
    this.status = status;
  }

  /// Switches the queue on, empty.
  void enable() {
    unit.command(0, Unit.QIE);
    unit.write8(Unit.IQA, queue | WIDE);
    unit.write8(Unit.IQT, 0);
    tail = 0;
    waiting = 0;
    unit.command(Unit.QIE, 0);
  }

  private void put(long word0, long word1) {
    if ((waiting + 2) * STEP >= BYTES) {
      throw new DriverException(
          "the invalidation queue is full with %d descriptors; let the guest wait before"
              .formatted(waiting));
    }
    store(word0, word1);
  }

  private void store(long word0, long word1) {
    pages.store(queue + tail + 8, word1);
    pages.store(queue + tail + 16, 0);
    pages.store(queue + tail + 24, 0);
    pages.store(queue + tail, word0);
    tail = (tail + STEP) % BYTES;
    waiting++;
  }

  /// Lets the unit have what is in the queue, and waits until all of it is done.
  ///
  /// @throws DriverException if the queue stops, or takes too long
  void finish() {
    sequence++;
    // Status write and fence.
    store(WAIT | 1 << 5 | 1 << 6 | (long) sequence << 32, status);
    waiting = 0;
    unit.write8(Unit.IQT, tail);
    Unit.await("an invalidation", this::isFinished);
  }

  private boolean isFinished() {
    if (pages.loadInt(status) == sequence) {
      return true;
    }
    int stopped = unit.read4(Unit.FSTS) & (Unit.FSTS_IQE | Unit.FSTS_ITE);
    if (stopped != 0) {
      throw new DriverException(
          "the IOMMU's queue has stopped at 0x%x: %s"
              .formatted(
                  unit.read8(Unit.IQH),
                  (stopped & Unit.FSTS_ITE) == 0
                      ? "a descriptor is bad (IQE)"
                      : "what is behind it has failed (ITE)"));
    }
    return false;
  }

  /// All contexts, PASIDs and translations.
  void everything() {
    put(CONTEXT_CACHE | 1 << 4, 0);
    put(PASID_CACHE | 3 << 4, 0);
    put(IOTLB | 1 << 4, 0);
  }

  /// A PASID's entry, and what was translated by it.
  ///
  /// @param first whether its page table is a first stage
  /// @param deviceTlb whether the function may have translations
  void pasid(int pasid, int domain, boolean first, boolean deviceTlb) {
    put(PASID_CACHE | 1 << 4 | (long) domain << 16 | (long) pasid << 32, 0);
    translations(pasid, domain, first, deviceTlb);
  }

  /// The translations for a PASID.
  void translations(int pasid, int domain, boolean first, boolean deviceTlb) {
    if (first) {
      put(PASID_IOTLB | 2 << 4 | (long) domain << 16 | (long) pasid << 32, 0);
    } else {
      put(IOTLB | 2 << 4 | (long) domain << 16, 0);
    }
    if (deviceTlb && pasid == 0) {
      put(DEVICE_TLB | (long) IommuPort.FUNCTION << 32, EVERYTHING | 1);
    } else if (deviceTlb) {
      put(
          PASID_DEVICE_TLB | (long) IommuPort.FUNCTION << 16 | (long) pasid << 32,
          EVERYTHING | 1 << 11);
    }
  }

  /// The translations of a second stage.
  void domain(int domain) {
    put(IOTLB | 2 << 4 | (long) domain << 16, 0);
  }

  /// An answer to a group of page requests.
  ///
  /// @param code 0 success, 1 invalid request, 15 failure
  void pageResponse(PageRequest request, int code) {
    put(
        PAGE_GROUP_RESPONSE
            | (request.pasid() == 0 ? 0 : 1 << 4)
            | (long) code << 12
            | (long) IommuPort.FUNCTION << 16
            | (long) request.pasid() << 32,
        (long) request.group() << 3);
  }
}
