package io.vpasid.vmm.frontend.vtd;

/// The registers of one event interrupt: control, data, address, upper address (sections 11.4.7.2,
/// 11.4.9.6 and 11.4.11.5, which are alike).
///
/// ```text
///         31   30   29                               0
/// control | IM | IP |            reserved             |
/// data    |             message data                 |
/// address |             message address 31:2    | 0 0 |
/// upper   |             message address 63:32        |
/// ```
///
/// IM masks: it is 1 after reset. IP is set when an event comes while it is masked, and the message
/// is sent when the mask is taken away; it is cleared when it is sent, or when the guest has
/// cleared the status that is behind it. Under [RegisterLock].
final class EventRegisters {
  /// The masked bit of the control register.
  static final int IM = 1 << 31;

  /// The pending bit of the control register.
  static final int IP = 1 << 30;

  private int control = IM;
  private int data;
  private int address;
  private int upperAddress;
  private boolean unsent;

  /// Reads one of the four.
  ///
  /// @param index 0 to 3
  int read(int index) {
    return switch (index) {
      case 0 -> control;
      case 1 -> data;
      case 2 -> address;
      default -> upperAddress;
    };
  }

  /// Writes one of the four.
  ///
  /// @param index 0 to 3
  void write(int index, int value) {
    switch (index) {
      case 0 -> {
        control = (control & IP) | (value & IM);
        if (control == IP) {
          control = 0;
          unsent = true;
        }
      }
      case 1 -> data = value;
      case 2 -> address = value & ~3;
      default -> upperAddress = value;
    }
  }

  /// An event has come.
  void raise() {
    if ((control & IM) != 0) {
      control |= IP;
    } else {
      unsent = true;
    }
  }

  /// The guest has cleared all status that is behind a pending event.
  void serviced() {
    control &= ~IP;
  }

  void reset() {
    control = IM;
    data = 0;
    address = 0;
    upperAddress = 0;
    unsent = false;
  }

  /// True if there is a message to be sent.
  boolean hasUnsent() {
    return unsent;
  }

  /// The message is on its way.
  void sent() {
    unsent = false;
  }

  long messageAddress() {
    return (long) upperAddress << 32 | Integer.toUnsignedLong(address);
  }

  int messageData() {
    return data;
  }
}
