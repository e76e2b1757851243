package io.vpasid.guest.emulator.vtd;

import io.vpasid.guest.emulator.IommuPort;

/// The driver of the DMA engine that described functions can have; docs/viommu.md names the page on
/// its registers.
public final class DmaEngineDriver {
  private static final int ID = 0x314d4456;
  private static final int FLAGS = 0x04;
  private static final int PASID = 0x08;
  private static final int SOURCE = 0x10;
  private static final int DESTINATION = 0x18;
  private static final int DATA = 0x20;
  private static final int COMMAND = 0x28;
  private static final int STATUS = 0x2c;
  private static final int ADDRESS = 0x30;

  private static final int USE_PASID = 1;
  private static final int PAGE_REQUESTS = 2;
  private static final int BUSY = 1;

  private final IommuPort port;
  private final int bar;

  /// The ways in which a transfer can end.
  public enum End {
    /// All was read or written.
    DONE,
    /// The IOMMU blocked it, and has recorded a fault.
    FAULT,
    /// The guest refused a page that the function asked for.
    REFUSED,
    /// It goes to where there is no memory.
    NO_MEMORY,
    /// It waits for a page.
    WAITS
  }

  /// The outcome of a transfer.
  ///
  /// @param data what was read, or was written
  /// @param reason of a fault, or the code of a refusal
  /// @param address at which it failed
  public record Outcome(End end, long data, int reason, long address) {}

  /// A transfer of 8 bytes.
  ///
  /// @param pasid 0 for the function itself
  /// @param address as the function uses it
  /// @param write whether it writes them
  /// @param data what it writes
  /// @param pageRequests whether it asks for pages that are not there
  public record Transfer(int pasid, long address, boolean write, long data, boolean pageRequests) {}

  /// @param bar index of the BAR that begins with the engine's registers
  /// @throws DriverException if they are not there
  public DmaEngineDriver(IommuPort port, int bar) {
    this.port = port;
    this.bar = bar;
    if (port.readBar(bar, 0, Integer.BYTES) != ID) {
      throw new DriverException("there is no DMA engine in BAR " + bar);
    }
  }

  /// Starts a transfer.
  ///
  /// @return what it has come to by now
  public Outcome start(Transfer transfer) {
    int flags = (transfer.pasid == 0 ? 0 : USE_PASID) | (transfer.pageRequests ? PAGE_REQUESTS : 0);
    port.writeBar(bar, FLAGS, Integer.BYTES, flags);
    port.writeBar(bar, PASID, Integer.BYTES, transfer.pasid);
    port.writeBar(bar, transfer.write ? DESTINATION : SOURCE, Long.BYTES, transfer.address);
    port.writeBar(bar, DATA, Long.BYTES, transfer.data);
    port.writeBar(bar, COMMAND, Integer.BYTES, transfer.write ? 2 : 1);
    return outcome();
  }

  /// The outcome of the last transfer by now.
  public Outcome outcome() {
    int status = (int) port.readBar(bar, STATUS, Integer.BYTES);
    return new Outcome(
        switch (status & 0xff) {
          case BUSY -> End.WAITS;
          case 2 -> End.DONE;
          case 3 -> End.FAULT;
          case 4 -> End.REFUSED;
          case 5 -> End.NO_MEMORY;
          default -> throw new DriverException("the DMA engine's status is " + status);
        },
        port.readBar(bar, DATA, Long.BYTES),
        status >>> 16,
        port.readBar(bar, ADDRESS, Long.BYTES));
  }

  /// Waits until the last transfer waits no more.
  ///
  /// @throws DriverException if it takes too long
  public Outcome await() {
    Unit.await("what the DMA engine waits for", () -> outcome().end != End.WAITS);
    return outcome();
  }
}
