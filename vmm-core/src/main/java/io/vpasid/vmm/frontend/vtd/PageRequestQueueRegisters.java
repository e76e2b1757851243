package io.vpasid.vmm.frontend.vtd;

import static io.vpasid.vmm.frontend.vtd.Bits.has;

/// The page request queue's registers (section 11.4.11).
///
/// ```text
///       63                            12 11         3 2   0
/// PQA  |          queue address         |     0      | PQS |
///       63           19 18        5 4   0
/// PQH  |       0       |   head    |  0  |                      PQT is the same
///       31                         2   1     0
/// PRS  |               0            |PRO | PPR|                 write 1 to clear
/// ```
///
/// Methods that do not take the lock themselves are called under it.
final class PageRequestQueueRegisters {
  private static final int OFFSET = 0x7ffe0;
  private static final int PPR = 1;
  private static final int PRO = 2;

  /// Bytes of a place.
  private static final int STEP = 32;

  private final RegisterLock lock;
  private final EventRegisters event;
  private QueueBase base = QueueBase.NONE;
  private int head;
  private int tail;
  private int status;
  private long queued;
  private long lost;

  PageRequestQueueRegisters(RegisterLock lock) {
    this.lock = lock;
    event = lock.pageRequest;
  }

  int read(int offset) {
    return switch (offset) {
      case RegisterOffset.PQH -> head;
      case RegisterOffset.PQT -> tail;
      case RegisterOffset.PQA -> (int) base.register();
      case RegisterOffset.PQA + 4 -> (int) (base.register() >>> 32);
      case RegisterOffset.PRS -> status;
      default -> 0;
    };
  }

  void write(int offset, int value) {
    switch (offset) {
      case RegisterOffset.PQH -> head = value & OFFSET;
      case RegisterOffset.PQT -> tail = value & OFFSET;
      case RegisterOffset.PQA -> base = base.withPageRequestLow(value);
      case RegisterOffset.PQA + 4 -> base = base.withHigh(value);
      case RegisterOffset.PRS -> {
        status &= ~value;
        if (status == 0) {
          event.serviced();
        }
      }
      default -> {
        // Reserved.
      }
    }
  }

  void reset() {
    event.reset();
    base = QueueBase.NONE;
    head = 0;
    tail = 0;
    status = 0;
  }

  // What puts requests into the queue calls these; they take the lock.

  /// PQA; [QueueBase#NONE] if the guest has no page request queue.
  QueueBase base() {
    lock.lock();
    try {
      return base;
    } finally {
      lock.unlock();
    }
  }

  /// Where the next page request goes, in bytes from the queue's start.
  ///
  /// @return -1 if the queue has no room, or had none and the guest has not cleared that
  int place() {
    lock.lock();
    try {
      int place = base.next(tail, 0);
      boolean full = base.next(place, STEP) == base.next(head, 0);
      return full || has(status, 1) ? -1 : place;
    } finally {
      lock.unlock();
    }
  }

  /// A page request is in the queue.
  ///
  /// @param place where
  void queued(int place) {
    lock.lock();
    try {
      tail = base.next(place, STEP);
      set(PPR);
      queued++;
    } finally {
      lock.unlockAndSend();
    }
  }

  /// A page request was lost.
  void lost() {
    lock.lock();
    try {
      set(PRO);
      lost++;
    } finally {
      lock.unlockAndSend();
    }
  }

  /// How many requests were queued since the unit was made.
  long countQueued() {
    lock.lock();
    try {
      return queued;
    } finally {
      lock.unlock();
    }
  }

  /// How many requests were lost since the unit was made.
  long countLost() {
    lock.lock();
    try {
      return lost;
    } finally {
      lock.unlock();
    }
  }

  /// An event if neither was set.
  private void set(int bit) {
    boolean isNew = status == 0;
    status |= bit;
    if (isNew) {
      event.raise();
    }
  }
}
