package io.vpasid.vmm.frontend.vtd;

import java.util.concurrent.atomic.AtomicInteger;

/// The invalidation queue's registers (section 11.4.9).
///
/// ```text
///       63                            12 11  10          3 2  0
/// IQA  |          queue address         | DW|      0      | QS  |
///       63           19 18        4 3   0
/// IQT  |       0       |   tail    |  0  |                          IQH is the same, read only
///       63       48 47        32 31        4 3     0
/// IQER |  ICESID   |   ITESID   |    0      | IQEI  |               read only
///       31                                1   0
/// ICS  |               0                  | IWC|                    write 1 to clear
/// ```
///
/// IQA cannot be changed while the queue is enabled. The tail, the head and whether the queue runs
/// change without the lock, as they do for each descriptor; of the others, methods that do not take
/// the lock themselves are called under it.
final class InvalidationQueueRegisters {
  private static final int OFFSET = 0x7fff0;

  /// In [#position], beside the head: the queue runs.
  private static final int RUNS = 1;

  private final RegisterLock lock;
  private final CommandRegisters commands;
  private final FaultLog faults;
  private final EventRegisters event;
  private volatile QueueBase base = QueueBase.NONE;
  private long error;
  private int completionStatus;
  private final AtomicInteger tail = new AtomicInteger();

  /// The head, and whether the queue runs: one word, so that the head of a queue that was stopped
  /// stays.
  private final AtomicInteger position = new AtomicInteger();

  InvalidationQueueRegisters(RegisterLock lock, CommandRegisters commands, FaultLog faults) {
    this.lock = lock;
    this.commands = commands;
    this.faults = faults;
    event = lock.invalidation;
  }

  int read(int offset) {
    return switch (offset) {
      case RegisterOffset.IQH -> head();
      case RegisterOffset.IQT -> tail();
      case RegisterOffset.IQA -> (int) base.register();
      case RegisterOffset.IQA + 4 -> (int) (base.register() >>> 32);
      case RegisterOffset.ICS -> completionStatus;
      case RegisterOffset.IQER -> (int) error;
      case RegisterOffset.IQER + 4 -> (int) (error >>> 32);
      default -> 0;
    };
  }

  /// Writes IQT. Takes no lock; the worker sees it at the latest when it is woken after this.
  void writeTail(int value) {
    tail.setRelease(value & OFFSET);
  }

  /// Writes a dword of another register.
  void write(int offset, int value) {
    switch (offset) {
      case RegisterOffset.IQA -> {
        if (!commands.queueEnabled()) {
          base = base.withInvalidationLow(value);
        }
      }
      case RegisterOffset.IQA + 4 -> {
        if (!commands.queueEnabled()) {
          base = base.withHigh(value);
        }
      }
      case RegisterOffset.ICS -> {
        completionStatus &= ~value;
        if (completionStatus == 0) {
          event.serviced();
        }
      }
      default -> {
        // Read only.
      }
    }
  }

  /// The queue runs while it is enabled and there is no error that the guest has not cleared.
  ///
  /// @return whether it runs now
  boolean update() {
    boolean runs =
        commands.queueEnabled() && (faults.status() & (FaultLog.IQE | FaultLog.ITE)) == 0;
    position.updateAndGet(now -> runs ? now | RUNS : now & ~RUNS);
    return runs;
  }

  void reset() {
    event.reset();
    base = QueueBase.NONE;
    error = 0;
    completionStatus = 0;
    position.set(0);
    tail.set(0);
  }

  // What the worker calls; these take the lock where they need it.

  /// Switches the queue on or off; it begins at 0.
  void enable(boolean on) {
    lock.lock();
    try {
      commands.setGlobalStatus(CommandRegisters.QIE, on);
      position.set(0);
      update();
    } finally {
      lock.unlock();
    }
  }

  boolean runs() {
    return (position.get() & RUNS) != 0;
  }

  /// IQA, which does not change while the queue runs.
  QueueBase base() {
    return base;
  }

  int head() {
    return position.get() & ~RUNS;
  }

  int tail() {
    return tail.get();
  }

  /// A descriptor has been handled.
  ///
  /// @param expected where the queue was
  /// @return false if the queue was stopped meanwhile, and so is not moved
  boolean advance(int expected, int next) {
    return position.compareAndSet(expected | RUNS, next | RUNS);
  }

  /// Stops the queue with an error.
  ///
  /// @param bit IQE or ITE
  /// @param record IQER
  void fail(int bit, long record) {
    lock.lock();
    try {
      if (runs()) {
        error = record;
        faults.error(bit);
        update();
      }
    } finally {
      lock.unlockAndSend();
    }
  }

  /// A wait descriptor with IF is complete. If the guest has not cleared IWC since the last one,
  /// that is no new event.
  void waitCompleted() {
    lock.lock();
    try {
      if (completionStatus == 0) {
        completionStatus = 1;
        event.raise();
      }
    } finally {
      lock.unlockAndSend();
    }
  }
}
