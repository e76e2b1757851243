package io.vpasid.vmm.linux.calls;

import io.vpasid.vmm.linux.Errno;

/// A call that opens a descriptor failed, so there is none on which to return an error.
public final class SystemCallException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final int number;
  private final String call;
  private final String argument;

  /// A failed call.
  ///
  /// @param errno why it failed
  /// @param call name of the C function
  /// @param argument what it was to open; may be empty
  SystemCallException(Errno errno, String call, String argument) {
    super(
        call
            + (argument.isEmpty() ? "" : " (" + argument + ")")
            + " failed with "
            + errno
            + " ("
            + errno.number()
            + ").");
    this.number = errno.number();
    this.call = call;
    this.argument = argument;
  }

  /// The reason why it failed.
  public Errno errno() {
    return new Errno(number);
  }

  /// Name of the C function, such as `open`.
  public String call() {
    return call;
  }

  /// The file that it was to open; may be empty.
  public String argument() {
    return argument;
  }
}
