package io.vpasid.pci.emulation;

import io.vpasid.pci.ByteRange;
import io.vpasid.pci.ConfigSpace;
import io.vpasid.pci.Header;
import io.vpasid.pci.capability.Capability;
import io.vpasid.pci.capability.CapabilityId;
import java.util.Optional;

/// The registers of one capability of one function, or of its header: what the conditions of the
/// register tables ask.
///
/// Registers are named by their offset in the capability; those outside the space read 0.
///
/// @param function that it belongs to
/// @param range the bytes of the capability
/// @param version of an extended capability's header; 0 for others
record RegisterBlock(EmulatedFunction function, ByteRange range, int version) {

  static RegisterBlock header(EmulatedFunction function) {
    return new RegisterBlock(function, Header.RANGE, 0);
  }

  static RegisterBlock of(EmulatedFunction function, Capability capability) {
    return new RegisterBlock(function, capability.extent().range(), capability.version());
  }

  /// Another capability of the same function.
  Optional<RegisterBlock> other(CapabilityId id) {
    return function.find(id).map(capability -> of(function, capability));
  }

  /// Offset of its first byte in the configuration space.
  int offset() {
    return range.offset();
  }

  /// True if the byte at `register` belongs to it.
  boolean contains(int register) {
    return range.contains(range.offset() + register);
  }

  /// The doubleword at `register`, or as much of it as lies in the space.
  int dword(int register) {
    ConfigSpace config = function.config();
    int value = 0;
    for (int i = 0; i < 4 && range.offset() + register + i < config.size(); i++) {
      value |= config.u8(range.offset() + register + i) << (i << 3);
    }
    return value;
  }

  /// The field `high:low` of the doubleword at `register`, both included.
  int bits(int register, int high, int low) {
    return dword(register) >>> low & -1 >>> (31 - (high - low));
  }

  boolean bit(int register, int position) {
    return bits(register, position, position) == 1;
  }
}
