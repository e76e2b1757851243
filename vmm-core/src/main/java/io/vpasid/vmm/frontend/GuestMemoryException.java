package io.vpasid.vmm.frontend;

/// An access to a guest's memory reached something else: nothing at all, a device, memory that may
/// not be written, or a guest that has gone.
///
/// Guests name addresses as they like, so this is an answer and no bug. It is checked, so that
/// whoever reads a guest's memory says what an address outside means; it has no stack trace, so
/// that a guest that provokes it a million times costs next to nothing.
public final class GuestMemoryException extends Exception {
  private static final long serialVersionUID = 1;

  /// Address of the first byte of the access.
  private final long address;

  /// Makes one.
  ///
  /// @param address of the first byte of the access that failed
  /// @param reason as a part of a sentence, without a full stop: `is not memory`
  public GuestMemoryException(long address, String reason) {
    super("0x" + Long.toHexString(address) + " " + reason + ".", null, false, false);
    this.address = address;
  }

  /// Address of the first byte of the access.
  public long address() {
    return address;
  }
}
