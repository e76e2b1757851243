package io.vpasid.pci.emulation;

import io.vpasid.pci.capability.CapabilityId;

/// On what it depends whether a function has a register or a field.
@FunctionalInterface
interface Condition {
  Condition ALWAYS = _ -> true;
  Condition EXPRESS = at -> at.function().isExpress();
  Condition CONVENTIONAL = EXPRESS.negate();
  Condition PHYSICAL = at -> !at.function().isVirtual();

  Condition ENDPOINT = at -> at.function().isEndpoint();
  Condition BRIDGE = at -> at.function().isBridge();
  Condition ROOT_PORT = at -> at.function().isRootPort();

  /// Root port or root complex event collector.
  Condition ROOT = at -> at.function().isRoot();

  /// Root port or switch port.
  Condition ROUTING = at -> at.function().isRouting();

  /// There is a link, above or below.
  Condition LINK = at -> at.function().hasLink();

  /// There is a link below.
  Condition DOWNSTREAM = at -> at.function().isDownstream();

  Condition FLIT_MODE = at -> at.function().hasFlitMode();

  Condition DECODES_IO = at -> at.function().hasIo();
  Condition DECODES_MEMORY = at -> at.function().hasMemory();

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
