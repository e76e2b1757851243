package io.vpasid.vmm.frontend.vtd;

import java.util.Arrays;

/// Fault status and fault recording registers (sections 11.4.7.1 and 11.4.7.6).
///
/// ```text
///       15     8  7   6    5    4   3 2   1    0
/// FSTS |  FRI   | 0 | ITE| ICE| IQE| 0 | PPF| PFO|      PFO, IQE, ICE, ITE: write 1 to clear
///
///       127 126 125 124 123    104 103    96  95  94  93   92 91  80 79    64
/// FRCD | F | T1|  AT   |  PASID   | reason | PP| EXE|PRIV|T2|   0   | source |
///       63                                            12 11               0
///      |                 address 63:12                  |        0        |
/// ```
///
/// ICE tells of a function's invalid answer to a device-TLB invalidation. None gets here: functions
/// of the host answer its kernel, which does not tell, and emulated ones have no device TLB. So ICE
/// and ICESID stay 0.
///
/// F is cleared by writing 1. Faults go into the records in turn; the first that finds its record
/// occupied is lost, sets PFO, and so are all until PFO is cleared. PPF says that some F is set,
/// FRI which one has been set for longest. Methods without a lock of their own are called under
/// [RegisterLock].
final class FaultLog {
  /// How many records there are.
  static final int RECORDS = 8;

  static final int PFO = 1;
  static final int PPF = 1 << 1;
  static final int IQE = 1 << 4;
  static final int ICE = 1 << 5;
  static final int ITE = 1 << 6;

  private static final long F = 1L << 63;
  private static final int CLEARABLE = PFO | IQE | ICE | ITE;

  private final RegisterLock lock;
  private final EventRegisters event;
  private final long[] low = new long[RECORDS];
  private final long[] high = new long[RECORDS];
  private int next;
  private int status;
  private long recorded;
  private long lost;

  FaultLog(RegisterLock lock) {
    this.lock = lock;
    event = lock.fault;
  }

  /// FSTS.
  int status() {
    int oldest = oldest();
    return oldest < 0 ? status : status | PPF | oldest << 8;
  }

  /// Writes FSTS.
  void writeStatus(int value) {
    status &= ~(value & CLEARABLE);
    ifServiced();
  }

  /// Sets one of IQE, ICE and ITE.
  void error(int bit) {
    boolean isNew = status() == 0;
    status |= bit;
    if (isNew) {
      event.raise();
    }
  }

  /// A dword of a record.
  ///
  /// @param offset in bytes from the first record
  int read(int offset) {
    long[] half = (offset & 8) == 0 ? low : high;
    return (int) (half[offset >> 4] >>> ((offset & 4) * 8));
  }

  /// Writes a dword of a record: F, in the last, is cleared by 1.
  ///
  /// @param offset in bytes from the first record
  void write(int offset, int value) {
    if ((offset & 0xc) == 0xc && value < 0) {
      high[offset >> 4] &= ~F;
      ifServiced();
    }
  }

  private void ifServiced() {
    if (status() == 0) {
      event.serviced();
    }
  }

  /// Records a fault, or that one was lost. Takes the lock.
  void record(Fault fault) {
    lock.lock();
    try {
      recordLocked(fault);
    } finally {
      lock.unlockAndSend();
    }
  }

  private void recordLocked(Fault fault) {
    if ((status & PFO) != 0) {
      lost++;
      return;
    }
    boolean isNew = status() == 0;
    if (high[next] < 0) {
      status |= PFO;
      lost++;
    } else {
      low[next] = fault.address() & ~0xfffL;
      high[next] = encode(fault);
      next = (next + 1) % RECORDS;
      recorded++;
    }
    if (isNew) {
      event.raise();
    }
  }

  /// How many faults were recorded since the unit was made. Takes the lock.
  long recorded() {
    lock.lock();
    try {
      return recorded;
    } finally {
      lock.unlock();
    }
  }

  /// How many faults were lost since the unit was made. Takes the lock.
  long lost() {
    lock.lock();
    try {
      return lost;
    } finally {
      lock.unlock();
    }
  }

  private static long encode(Fault fault) {
    long bits = F | (long) fault.reason().code() << 32 | fault.requester().function().value();
    if (fault.requester() instanceof Requester.WithPasid with) {
      bits |= (long) with.pasid() << 40 | 1L << 31;
    }
    if (fault.execute()) {
      bits |= 1L << 30;
    }
    if (fault.privileged()) {
      bits |= 1L << 29;
    }
    return bits
        | switch (fault.access()) {
          case WRITE -> 0;
          case PAGE_REQUEST -> 1L << 28;
          case READ -> 1L << 62;
          case ATOMIC -> 1L << 62 | 1L << 28;
        };
  }

  /// The record that has been set for longest, or -1.
  private int oldest() {
    for (int i = 0; i < RECORDS; i++) {
      int index = (next + i) % RECORDS;
      if (high[index] < 0) {
        return index;
      }
    }
    return -1;
  }

  void reset() {
    Arrays.fill(low, 0);
    Arrays.fill(high, 0);
    next = 0;
    status = 0;
  }
}
