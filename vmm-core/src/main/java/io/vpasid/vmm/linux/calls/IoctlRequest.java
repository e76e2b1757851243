package io.vpasid.vmm.linux.calls;

/// A request of `ioctl` whose argument is a structure.
///
/// @param name its name in the header
/// @param number its number, `0x3b00` and up
/// @param struct its argument
public record IoctlRequest(String name, int number, Struct struct) {

  /// This thread's frame with the argument, zero but for its size.
  public CallFrame frame() {
    return CallFrame.with(struct);
  }
}
