package io.vpasid.pci.emulation;

import io.vpasid.pci.capability.CapabilityId;

/// On what it depends whether a function has a register or a field. Those that need no argument are
/// in [Conditions]: the JVM keeps lambdas from one start to the next unless their interface has
/// constants.
@FunctionalInterface
interface Condition {
  /// True if it holds for a capability.
  boolean holds(RegisterBlock at);

  default Condition and(Condition other) {
    return at -> holds(at) && other.holds(at);
  }

  default Condition or(Condition other) {
    return at -> holds(at) || other.holds(at);
  }

  default Condition negate() {
    return at -> !holds(at);
  }

  /// A bit of the doubleword at `register` is set.
  static Condition bit(int register, int position) {
    return at -> at.bit(register, position);
  }

  /// A field of the doubleword at `register` is not 0.
  static Condition any(int register, int high, int low) {
    return at -> at.bits(register, high, low) != 0;
  }

  /// The function has a capability.
  static Condition has(CapabilityId id) {
    return at -> at.other(id).isPresent();
  }

  /// The function has a capability for which `condition` holds.
  static Condition other(CapabilityId id, Condition condition) {
    return at -> at.other(id).filter(condition::holds).isPresent();
  }
}
