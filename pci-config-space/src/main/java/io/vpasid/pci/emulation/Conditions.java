package io.vpasid.pci.emulation;

/// The [Condition]s that need no argument.
final class Conditions {
  static final Condition ALWAYS = _ -> true;
  static final Condition EXPRESS = at -> at.function().isExpress();
  static final Condition CONVENTIONAL = EXPRESS.negate();
  static final Condition PHYSICAL = at -> !at.function().isVirtual();

  static final Condition ENDPOINT = at -> at.function().isEndpoint();
  static final Condition BRIDGE = at -> at.function().isBridge();
  static final Condition ROOT_PORT = at -> at.function().isRootPort();

  /// Root port or root complex event collector.
  static final Condition ROOT = at -> at.function().isRoot();

  /// Root port or switch port.
  static final Condition ROUTING = at -> at.function().isRouting();

  /// There is a link, above or below.
  static final Condition LINK = at -> at.function().hasLink();

  /// There is a link below.
  static final Condition DOWNSTREAM = at -> at.function().isDownstream();

  static final Condition FLIT_MODE = at -> at.function().hasFlitMode();

  static final Condition DECODES_IO = at -> at.function().hasIo();
  static final Condition DECODES_MEMORY = at -> at.function().hasMemory();

  private Conditions() {}
}
