package io.vpasid.guest.emulator;

import java.util.Optional;
import java.util.concurrent.locks.LockSupport;

/// Software in an emulated guest that uses the request mailbox, with nothing but configuration
/// accesses; written from `docs/mailbox.md`, not from the mailbox.
public final class MailboxDriver {
  private static final int DVSEC = 0x23;
  private static final int VENDOR = 0xf00d;
  private static final int DVSEC_ID = 1;

  private static final int STATUS = 0x0c;
  private static final int CONTROL = 0x10;
  private static final int PASID = 0x14;
  private static final int HANDLE = 0x18;
  private static final int RESULT = 0x1c;

  private static final int ATTACH = 1;
  private static final int DETACH = 2;
  private static final int QUERY = 3;

  private static final int ETIMEDOUT = 110;
  private static final int BUSY = 1;
  private static final int FIRST = 0x100;
  private static final int MOST_CAPABILITIES = (4096 - FIRST) / 8;
  private static final long PATIENCE_NANOS = 60_000_000_000L;
  private static final int SPINS = 1000;
  private static final long NANOS_BETWEEN_LOOKS = 20_000;

  private final ConfigPort port;
  private final int offset;
  private int sequence;

  private MailboxDriver(ConfigPort port, int offset) {
    this.port = port;
    this.offset = offset;
  }

  /// The mailbox's answer.
  ///
  /// @param errno 0, or why not
  /// @param result what the Result register had
  public record Answer(int errno, int result) {}

  /// The mailbox of a function, if it has one.
  public static Optional<MailboxDriver> find(ConfigPort port) {
    int at = FIRST;
    for (int i = 0; i < MOST_CAPABILITIES && at >= FIRST; i++) {
      int header = port.read(at, 4);
      if ((header & 0xffff) == DVSEC
          && (port.read(at + 4, 4) & 0xffff) == VENDOR
          && (port.read(at + 8, 4) & 0xffff) == DVSEC_ID) {
        return Optional.of(new MailboxDriver(port, at));
      }
      at = header >>> 20 & ~3;
    }
    return Optional.empty();
  }

  /// Offset of the capability.
  public int offset() {
    return offset;
  }

  /// Asks for a PASID to be attached, or moved.
  public Answer attach(int pasid, int handle) {
    return ask(ATTACH, pasid, handle);
  }

  /// Asks for a PASID to be detached.
  public Answer detach(int pasid) {
    return ask(DETACH, pasid, 0);
  }

  /// Asks what a PASID is attached to.
  public Answer query(int pasid) {
    return ask(QUERY, pasid, 0);
  }

  /// Waits for the answer, a minute at most.
  private Answer ask(int operation, int pasid, int handle) {
    sequence = (sequence + 1) & 0xffff;
    port.write(offset + PASID, 4, pasid);
    port.write(offset + HANDLE, 4, handle);
    port.write(offset + CONTROL, 4, sequence << 16 | operation);
    long start = System.nanoTime();
    for (int i = 0; System.nanoTime() - start < PATIENCE_NANOS; i++) {
      int status = port.read(offset + STATUS, 4);
      if (status >>> 16 == sequence && (status & BUSY) == 0) {
        return new Answer(status >>> 4 & 0xfff, port.read(offset + RESULT, 4));
      }
      if (i < SPINS) {
        Thread.onSpinWait();
      } else {
        LockSupport.parkNanos(NANOS_BETWEEN_LOOKS);
      }
    }
    return new Answer(ETIMEDOUT, 0);
  }
}
