package io.vpasid.vmm.frontend.vtd;

import static io.vpasid.vmm.frontend.vtd.Bits.has;

/// Global command and status, root table address, and the registers that invalidate (sections
/// 11.4.4 to 11.4.6 and 11.4.8).
///
/// ```text
///       31  30  29  28  27  26  25  24  23 22                0
/// GCMD | TE|SRTP|SFL|EAFL|WBF|QIE|IRE|SIRTP|CFI|      0        |    reads as 0
/// GSTS |TES|RTPS|FLS|AFLS|WBFS|QIES|IRES|IRTPS|CFIS|  0        |    read only
///       63   62 61  60 59   58        34 33 32 31    16 15      0
/// CCMD | ICC| CIRG | CAIG |       0     | FM |   SID   |   DID   |
///       63 62  60 59  57 56   50 49 48 47       32 31        0
/// IOTLB|IVT| IIRG | IAIG |  0   |DR|DW|   DID     |     0     |
///       63                          12 11  7 6  5            0
/// IVA  |           address            |  0  |IH|     AM      |      reads as 0
/// ```
///
/// SFL, EAFL, WBF, IRE, SIRTP and CFI belong to what CAP and ECAP do not offer and do nothing.
/// Commands are left for the worker, which answers in GSTS, CCMD and IOTLB. Methods that do not
/// take the lock themselves are called under it.
final class CommandRegisters {
  static final int TE = 1 << 31;
  static final int SRTP = 1 << 30;
  static final int QIE = 1 << 26;

  /// Commands for the worker: GCMD, CCMD, IOTLB.
  static final int GLOBAL = 1;

  static final int CONTEXT = 2;
  static final int IOTLB = 4;

  private static final int CCMD_HIGH = 0xe0000003;
  private static final int IOTLB_HIGH = 0xb003ffff;

  private final RegisterLock lock;
  private int globalStatus;
  private int globalCommand;
  private int setRootPointer;
  private volatile int waiting;
  private long rootAddress;
  private long contextCommand;
  private long invalidateAddress;
  private long iotlbCommand;

  CommandRegisters(RegisterLock lock) {
    this.lock = lock;
  }

  int read(int offset) {
    return switch (offset) {
      case RegisterOffset.GSTS -> globalStatus;
      case RegisterOffset.RTADDR -> (int) rootAddress;
      case RegisterOffset.RTADDR + 4 -> (int) (rootAddress >>> 32);
      case RegisterOffset.CCMD -> (int) contextCommand;
      case RegisterOffset.CCMD + 4 -> (int) (contextCommand >>> 32);
      case RegisterOffset.IOTLB + 4 -> (int) (iotlbCommand >>> 32);
      default -> 0;
    };
  }

  /// Writes a dword.
  ///
  /// @return whether the worker has something to do
  boolean write(int offset, int value) {
    switch (offset) {
      case RegisterOffset.GCMD -> {
        globalCommand = value;
        setRootPointer |= value & SRTP;
        waiting |= GLOBAL;
        return true;
      }
      case RegisterOffset.RTADDR -> rootAddress = Bits.withLow(rootAddress, value & ~0x3ff);
      case RegisterOffset.RTADDR + 4 -> rootAddress = Bits.withHigh(rootAddress, value);
      case RegisterOffset.CCMD -> contextCommand = Bits.withLow(contextCommand, value);
      case RegisterOffset.CCMD + 4 -> {
        contextCommand = Bits.withHigh(contextCommand, value & CCMD_HIGH);
        return waitsIf(has(contextCommand, 63), CONTEXT);
      }
      case RegisterOffset.IVA -> invalidateAddress = Bits.withLow(invalidateAddress, value);
      case RegisterOffset.IVA + 4 -> invalidateAddress = Bits.withHigh(invalidateAddress, value);
      case RegisterOffset.IOTLB + 4 -> {
        iotlbCommand = Bits.withHigh(iotlbCommand, value & IOTLB_HIGH);
        return waitsIf(has(iotlbCommand, 63), IOTLB);
      }
      default -> {
        // Read only.
      }
    }
    return false;
  }

  private boolean waitsIf(boolean asked, int which) {
    if (asked) {
      waiting |= which;
    }
    return asked;
  }

  boolean queueEnabled() {
    return (globalStatus & QIE) != 0;
  }

  void reset() {
    globalStatus = 0;
    globalCommand = 0;
    setRootPointer = 0;
    waiting = 0;
    rootAddress = 0;
    contextCommand = 0;
    invalidateAddress = 0;
    iotlbCommand = 0;
  }

  // What the worker calls; these take the lock.

  /// Commands that wait; they no longer do.
  int take() {
    if (waiting == 0) {
      return 0;
    }
    lock.lock();
    try {
      int taken = waiting;
      waiting = 0;
      return taken;
    } finally {
      lock.unlock();
    }
  }

  /// GCMD as last written, with SRTP if it was written since this was last called.
  int takeGlobalCommand() {
    lock.lock();
    try {
      int taken = (globalCommand & ~SRTP) | setRootPointer;
      setRootPointer = 0;
      return taken;
    } finally {
      lock.unlock();
    }
  }

  int globalStatus() {
    lock.lock();
    try {
      return globalStatus;
    } finally {
      lock.unlock();
    }
  }

  /// Sets or clears a bit of GSTS. Under the lock.
  void setGlobalStatus(int bit, boolean on) {
    globalStatus = on ? globalStatus | bit : globalStatus & ~bit;
  }

  long rootAddress() {
    lock.lock();
    try {
      return rootAddress;
    } finally {
      lock.unlock();
    }
  }

  long contextCommand() {
    lock.lock();
    try {
      return contextCommand;
    } finally {
      lock.unlock();
    }
  }

  /// Answers a context command.
  ///
  /// @param granularity CAIG: what was done, 0 for nothing
  void contextCommandDone(int granularity) {
    lock.lock();
    try {
      contextCommand &= ~(1L << 63 | 3L << 59);
      contextCommand |= (long) granularity << 59;
    } finally {
      lock.unlock();
    }
  }

  long iotlbCommand() {
    lock.lock();
    try {
      return iotlbCommand;
    } finally {
      lock.unlock();
    }
  }

  /// IVA.
  long invalidateAddress() {
    lock.lock();
    try {
      return invalidateAddress;
    } finally {
      lock.unlock();
    }
  }

  /// Answers an IOTLB command.
  ///
  /// @param granularity IAIG: what was done, 0 for nothing
  void iotlbCommandDone(int granularity) {
    lock.lock();
    try {
      iotlbCommand &= ~(1L << 63 | 3L << 57);
      iotlbCommand |= (long) granularity << 57;
    } finally {
      lock.unlock();
    }
  }
}
