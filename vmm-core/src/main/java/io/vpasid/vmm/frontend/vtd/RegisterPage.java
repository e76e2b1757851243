package io.vpasid.vmm.frontend.vtd;

/// The registers as the guest reads and writes them (section 11.4; [RegisterOffset] has the map).
///
/// An access has 4 or 8 bytes and is aligned. One of 8 is one of the low, then one of the high 4
/// bytes with nothing between them; so a register of 8 bytes acts when its high half is written, as
/// drivers that write two halves do it in this order, except for IQT, whose high half is reserved.
/// Reads of 1 and 2 bytes give a part of the register; such writes, and every access that is not
/// aligned, do nothing. What is not a register reads as 0. IRTA keeps what is written and means
/// nothing, as there is no interrupt remapping.
///
/// Any thread may call.
final class RegisterPage {
  /// Bytes.
  static final int SIZE = 0x1000;

  /// Version 5.0 of the architecture, the last that has invalidation by registers (section 6.5).
  private static final int VERSION = 0x50;

  private final VtdCapabilities capabilities;
  private final Runnable wake;
  private final RegisterLock lock;
  private final FaultLog faults;
  private final CommandRegisters commands;
  private final InvalidationQueueRegisters queue;
  private final PageRequestQueueRegisters pageQueue;
  private long interruptTable;

  /// The registers after reset.
  ///
  /// @param messages where event interrupts go
  /// @param wake wakes the worker; called often, and must return at once
  RegisterPage(VtdCapabilities capabilities, InterruptMessages messages, Runnable wake) {
    this.capabilities = capabilities;
    this.wake = wake;
    lock = new RegisterLock(messages);
    faults = new FaultLog(lock);
    commands = new CommandRegisters(lock);
    queue = new InvalidationQueueRegisters(lock, commands, faults);
    pageQueue = new PageRequestQueueRegisters(lock);
  }

  /// A guest's read.
  ///
  /// @param offset from 0; beyond the page there is nothing
  /// @param width in bytes
  /// @return the value, zero-extended
  long read(int offset, int width) {
    if (!isAligned(offset, width)) {
      return 0;
    }
    lock.lock();
    try {
      long low = Integer.toUnsignedLong(dword(offset & ~3));
      return switch (width) {
        case 8 -> low | (long) dword(offset + 4) << 32;
        case 4 -> low;
        default -> (low >>> ((offset & 3) * 8)) & Bits.mask(width * 8 - 1, 0);
      };
    } finally {
      lock.unlock();
    }
  }

  /// A guest's write.
  ///
  /// @param offset from 0; beyond the page there is nothing
  /// @param width in bytes
  void write(int offset, int width, long value) {
    if (!isAligned(offset, width) || width < 4) {
      return;
    }
    boolean wakes;
    if (offset == RegisterOffset.IQT) {
      // Written most, and without the lock; its high half is reserved.
      queue.writeTail((int) value);
      wake.run();
      return;
    }
    lock.lock();
    try {
      wakes = write(offset, (int) value);
      if (width == 8) {
        wakes |= write(offset + 4, (int) (value >>> 32));
      }
    } finally {
      lock.unlockAndSend();
    }
    if (wakes) {
      wake.run();
    }
  }

  private static boolean isAligned(int offset, int width) {
    return (width == 1 || width == 2 || width == 4 || width == 8)
        && offset >= 0
        && offset <= SIZE - width
        && (offset & (width - 1)) == 0;
  }

  private int dword(int offset) {
    if (offset < RegisterOffset.FSTS) {
      return switch (offset) {
        case RegisterOffset.VER -> VERSION;
        case RegisterOffset.CAP -> (int) capabilities.cap();
        case RegisterOffset.CAP + 4 -> (int) (capabilities.cap() >>> 32);
        case RegisterOffset.ECAP -> (int) capabilities.ecap();
        case RegisterOffset.ECAP + 4 -> (int) (capabilities.ecap() >>> 32);
        default -> commands.read(offset);
      };
    }
    if (offset <= RegisterOffset.FEUADDR) {
      return offset == RegisterOffset.FSTS
          ? faults.status()
          : lock.fault.read((offset - RegisterOffset.FECTL) >> 2);
    }
    if (offset < RegisterOffset.IRTA) {
      return isEvent(offset, RegisterOffset.IECTL)
          ? lock.invalidation.read((offset - RegisterOffset.IECTL) >> 2)
          : queue.read(offset);
    }
    if (offset < RegisterOffset.PQH) {
      return (int) (interruptTable >>> ((offset & 4) * 8));
    }
    if (offset < RegisterOffset.IVA) {
      return isEvent(offset, RegisterOffset.PECTL)
          ? lock.pageRequest.read((offset - RegisterOffset.PECTL) >> 2)
          : pageQueue.read(offset);
    }
    return isFaultRecord(offset)
        ? faults.read(offset - RegisterOffset.FRCD)
        : commands.read(offset);
  }

  /// Writes a dword.
  ///
  /// @return whether the worker has something to do
  private boolean write(int offset, int value) {
    if (offset < RegisterOffset.FSTS) {
      return commands.write(offset, value);
    }
    if (offset == RegisterOffset.FSTS) {
      faults.writeStatus(value);
      return queue.update();
    }
    if (offset <= RegisterOffset.FEUADDR) {
      lock.fault.write((offset - RegisterOffset.FECTL) >> 2, value);
    } else if (isEvent(offset, RegisterOffset.IECTL)) {
      lock.invalidation.write((offset - RegisterOffset.IECTL) >> 2, value);
    } else if (isEvent(offset, RegisterOffset.PECTL)) {
      lock.pageRequest.write((offset - RegisterOffset.PECTL) >> 2, value);
    } else if (offset < RegisterOffset.IRTA) {
      queue.write(offset, value);
    } else if (offset < RegisterOffset.PQH) {
      interruptTable =
          offset == RegisterOffset.IRTA
              ? Bits.withLow(interruptTable, value & 0xfffff80f)
              : Bits.withHigh(interruptTable, value);
    } else if (offset < RegisterOffset.IVA) {
      pageQueue.write(offset, value);
    } else if (isFaultRecord(offset)) {
      faults.write(offset - RegisterOffset.FRCD, value);
    } else {
      return commands.write(offset, value);
    }
    return false;
  }

  /// True if it is one of the four registers of an event.
  private static boolean isEvent(int offset, int control) {
    return offset >= control && offset < control + 16;
  }

  private static boolean isFaultRecord(int offset) {
    return offset >= RegisterOffset.FRCD && offset < RegisterOffset.FRCD + 16 * FaultLog.RECORDS;
  }

  FaultLog faults() {
    return faults;
  }

  CommandRegisters commands() {
    return commands;
  }

  InvalidationQueueRegisters queue() {
    return queue;
  }

  PageRequestQueueRegisters pageQueue() {
    return pageQueue;
  }

  /// The worker has answered a global command.
  ///
  /// @param bit SRTP or TE
  void setGlobalStatus(int bit, boolean on) {
    lock.lock();
    try {
      commands.setGlobalStatus(bit, on);
    } finally {
      lock.unlock();
    }
  }

  /// Everything as it is after power-on.
  void reset() {
    lock.lock();
    try {
      lock.fault.reset();
      faults.reset();
      commands.reset();
      queue.reset();
      pageQueue.reset();
      interruptTable = 0;
    } finally {
      lock.unlock();
    }
  }
}
