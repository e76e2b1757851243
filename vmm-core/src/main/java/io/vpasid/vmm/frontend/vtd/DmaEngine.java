package io.vpasid.vmm.frontend.vtd;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.ReentrantLock;

/// The smallest function that does DMA with a PASID when it is told to: eight registers, and a copy
/// of up to 64 KiB from one address to another. With it a guest's driver can be tried out, shared
/// virtual addressing included, without hardware.
///
/// ```text
///      31                                  8 7        0
/// 00  |                ID: 0x314d4456 "VDM1"             |   read only
/// 04  |  0                            | IE | PRI | PASID |   FLAGS
/// 08  |                  PASID, 19:0                     |
/// 0c  |                  LENGTH, 1 to 65536              |
/// 10  |                  SOURCE address, 8 bytes         |
/// 18  |                  DESTINATION address, 8 bytes    |
/// 20  |                  DATA, 8 bytes                   |
/// 28  |                                       | COMMAND  |   write only
/// 2c  |       0         | REASON | 0          | STATUS   |   read only
/// 30  |                  ADDRESS of the failure, 8 bytes |   read only
/// ```
///
/// - FLAGS: PASID (bit 0) uses the PASID, else the function itself does it; PRI (bit 1) asks for
///   translations and pages (ATS and PRI) in place of plain requests; IE (bit 2) sends an interrupt
///   when a command ends.
/// - COMMAND: 1 reads 8 bytes from SOURCE into DATA; 2 writes DATA to DESTINATION; 3 copies LENGTH
///   bytes from SOURCE to DESTINATION. Others end with STATUS 6.
/// - STATUS: 0 nothing was asked; 1 busy; 2 done; 3 fault, with its reason as in a fault record; 4
///   a page was refused, with the response code as reason; 5 not memory; 6 bad command. A command
///   while it is busy is ignored, and so are writes of the other registers.
///
/// Accesses have 4 or 8 bytes and are aligned; others read as 0 and are not written. Any thread may
/// call. The write of COMMAND does the work: at most 64 KiB, through at most 34 translations, which
/// takes microseconds, so that whoever serves other functions by the same thread need not share it
/// out. Only what waits for the guest's answer to a page request goes on in the unit's worker.
public final class DmaEngine {
  /// Bytes of the register page.
  public static final int SIZE = 0x1000;

  /// Value of ID.
  public static final int ID = 0x314d4456;

  private static final int MAX_LENGTH = 65536;
  private static final int ID_AT = 0x00;
  private static final int FLAGS_AT = 0x04;
  private static final int PASID_AT = 0x08;
  private static final int LENGTH_AT = 0x0c;
  private static final int SOURCE_AT = 0x10;
  private static final int DESTINATION_AT = 0x18;
  private static final int DATA_AT = 0x20;
  private static final int COMMAND_AT = 0x28;
  private static final int STATUS_AT = 0x2c;
  private static final int ADDRESS_AT = 0x30;
  private static final int REGISTERS_END = 0x38;

  private static final int BUSY = 1;
  private static final int DONE = 2;
  private static final int FAULT = 3;
  private static final int PAGE_REFUSED = 4;
  private static final int NOT_MEMORY = 5;
  private static final int BAD_COMMAND = 6;

  private final FunctionDma dma;
  private final Runnable interrupt;
  private final ReentrantLock lock = new ReentrantLock();
  private final ByteBuffer registers =
      ByteBuffer.allocate(REGISTERS_END).order(ByteOrder.LITTLE_ENDIAN);

  /// Counts resets, so that what ends after one is not seen.
  private int generation;

  /// An engine after reset.
  ///
  /// @param dma of the function
  /// @param interrupt sends the function's interrupt; by the thread on which a command ends
  public DmaEngine(FunctionDma dma, Runnable interrupt) {
    this.dma = dma;
    this.interrupt = interrupt;
    registers.putInt(ID_AT, ID);
  }

  /// A guest's read.
  ///
  /// @param offset in bytes from the start of the page
  /// @param width in bytes
  /// @return the value, zero-extended
  public long read(int offset, int width) {
    if (!isRegister(offset, width)) {
      return 0;
    }
    lock.lock();
    try {
      return width == 8
          ? registers.getLong(offset)
          : Integer.toUnsignedLong(registers.getInt(offset));
    } finally {
      lock.unlock();
    }
  }

  /// A guest's write.
  ///
  /// @param offset in bytes from the start of the page
  /// @param width in bytes
  public void write(int offset, int width, long value) {
    if (!isRegister(offset, width)) {
      return;
    }
    Command command;
    lock.lock();
    try {
      if (status() == BUSY) {
        return;
      }
      writeLocked(offset, (int) value);
      if (width == 8) {
        writeLocked(offset + 4, (int) (value >>> 32));
      }
      if (status() != BUSY) {
        return;
      }
      command = new Command(registers, generation);
    } finally {
      lock.unlock();
    }
    command.run();
  }

  private static boolean isRegister(int offset, int width) {
    return (width == 4 || width == 8)
        && offset >= 0
        && offset <= REGISTERS_END - width
        && (offset & (width - 1)) == 0;
  }

  private void writeLocked(int offset, int value) {
    switch (offset) {
      case FLAGS_AT -> registers.putInt(offset, value & 7);
      case PASID_AT -> registers.putInt(offset, value & 0xfffff);
      case LENGTH_AT,
          SOURCE_AT,
          SOURCE_AT + 4,
          DESTINATION_AT,
          DESTINATION_AT + 4,
          DATA_AT,
          DATA_AT + 4 ->
          registers.putInt(offset, value);
      case COMMAND_AT -> {
        registers.putInt(COMMAND_AT, value & 0xff);
        registers.putInt(STATUS_AT, BUSY);
        registers.putLong(ADDRESS_AT, 0);
      }
      default -> {
        // Read only.
      }
    }
  }

  private int status() {
    return registers.getInt(STATUS_AT) & 0xff;
  }

  /// Forgets everything. What is under way goes on, but nobody sees how it ends.
  public void reset() {
    lock.lock();
    try {
      generation++;
      for (int offset = FLAGS_AT; offset < REGISTERS_END; offset += 4) {
        registers.putInt(offset, 0);
      }
    } finally {
      lock.unlock();
    }
  }

  /// One command, with the registers as they were when it was given.
  private final class Command {
    private final int code;
    private final int flags;
    private final int pasid;
    private final int length;
    private final long source;
    private final long destination;
    private final long data;
    private final int begun;

    Command(ByteBuffer registers, int begun) {
      code = registers.getInt(COMMAND_AT);
      registers.putInt(COMMAND_AT, 0);
      flags = registers.getInt(FLAGS_AT);
      pasid = (flags & 1) == 0 ? 0 : registers.getInt(PASID_AT);
      length = registers.getInt(LENGTH_AT);
      source = registers.getLong(SOURCE_AT);
      destination = registers.getLong(DESTINATION_AT);
      data = registers.getLong(DATA_AT);
      this.begun = begun;
    }

    void run() {
      switch (code) {
        case 1 -> {
          ByteBuffer bytes = bytes(8);
          var _ = read(bytes).thenAccept(outcome -> ended(outcome, bytes.getLong(0)));
        }
        case 2 -> {
          ByteBuffer bytes = bytes(8).putLong(0, data);
          var _ = write(bytes).thenAccept(outcome -> ended(outcome, data));
        }
        case 3 -> copy();
        default -> end(BAD_COMMAND, 0, data);
      }
    }

    private void copy() {
      if (length < 1 || length > MAX_LENGTH) {
        end(BAD_COMMAND, 0, data);
        return;
      }
      ByteBuffer bytes = bytes(length);
      var _ =
          read(bytes)
              .thenCompose(outcome ->
                  outcome == DmaOutcome.Done.DONE
                      ? write(bytes.flip())
                      : CompletableFuture.completedFuture(outcome))
              .thenAccept(outcome -> ended(outcome, data));
    }

    private static ByteBuffer bytes(int length) {
      return ByteBuffer.allocate(length).order(ByteOrder.LITTLE_ENDIAN);
    }

    private CompletableFuture<DmaOutcome> read(ByteBuffer bytes) {
      return (flags & 2) == 0
          ? CompletableFuture.completedFuture(dma.read(pasid, source, bytes))
          : dma.readWithPageRequests(pasid, source, bytes);
    }

    private CompletableFuture<DmaOutcome> write(ByteBuffer bytes) {
      return (flags & 2) == 0
          ? CompletableFuture.completedFuture(dma.write(pasid, destination, bytes))
          : dma.writeWithPageRequests(pasid, destination, bytes);
    }

    private void ended(DmaOutcome outcome, long result) {
      switch (outcome) {
        case DmaOutcome.Done _ -> end(DONE, 0, result);
        case DmaOutcome.Faulted faulted ->
            end(FAULT | faulted.reason().code() << 16, faulted.address(), data);
        case DmaOutcome.PageRefused refused ->
            end(PAGE_REFUSED | code(refused.code()) << 16, refused.address(), data);
        case DmaOutcome.NotMemory nowhere -> end(NOT_MEMORY, nowhere.address(), data);
      }
    }

    private static int code(PageResponse.Code code) {
      return switch (code) {
        case SUCCESS -> 0;
        case INVALID_REQUEST -> 1;
        case RESPONSE_FAILURE -> 15;
      };
    }

    private void end(int status, long address, long result) {
      lock.lock();
      try {
        if (generation != begun) {
          return;
        }
        registers.putLong(DATA_AT, result);
        registers.putLong(ADDRESS_AT, address);
        registers.putInt(STATUS_AT, status);
      } finally {
        lock.unlock();
      }
      if ((flags & 4) != 0) {
        interrupt.run();
      }
    }
  }
}
