package io.vpasid.guest.emulator.vtd;

import java.util.Optional;

/// The page request queue of a driver (section 7.4.1): 128 places of 32 bytes.
final class PageRequests {
  private static final int STEP = 32;

  private final Unit unit;
  private final GuestPages pages;
  private final long queue;

  /// @param queue address of its page
  PageRequests(Unit unit, GuestPages pages, long queue) {
    this.unit = unit;
    this.pages = pages;
    this.queue = queue;
  }

  /// Makes the queue ready, empty.
  void enable() {
    unit.write8(Unit.PQA, queue);
    unit.write8(Unit.PQH, 0);
    unit.write8(Unit.PQT, 0);
    unit.write4(Unit.PRS, -1);
  }

  /// Takes the oldest request out of the queue.
  Optional<PageRequest> take() {
    long head = unit.read8(Unit.PQH);
    if (head == unit.read8(Unit.PQT)) {
      return Optional.empty();
    }
    long word0 = pages.load(queue + head);
    long word1 = pages.load(queue + head + 8);
    unit.write8(Unit.PQH, (head + STEP) % GuestPages.PAGE);
    unit.write4(Unit.PRS, -1);
    return Optional.of(
        new PageRequest(
            (word0 >>> 8 & 1) == 0 ? 0 : (int) (word0 >>> 32) & 0xfffff,
            word1 & ~0xfffL,
            (word1 & 2) != 0,
            (int) (word1 >>> 3) & 0x1ff));
  }
}
