package io.vpasid.synth.quirk;

import io.vpasid.pci.dump.HostFunction;

/// Role of a function in SR-IOV.
public enum FunctionKind {
  /// A physical function, or a function of a device without SR-IOV: `physical` in a quirk file.
  PHYSICAL("physical"),
  /// A virtual function: `virtual` in a quirk file.
  VIRTUAL("virtual");

  /// What a virtual function's own Vendor ID register reads as (PCI Express Base Specification 7.0,
  /// section 9.3.4.1.1).
  private static final int VIRTUAL_VENDOR = 0xffff;

  private final String word;

  FunctionKind(String word) {
    this.word = word;
  }

  /// The kind of a capture: a function whose own Vendor ID reads as 0xffff is a virtual function.
  public static FunctionKind of(HostFunction capture) {
    return capture.config().id().vendor() == VIRTUAL_VENDOR ? VIRTUAL : PHYSICAL;
  }

  /// The word of quirk files: `physical` or `virtual`.
  @Override
  public String toString() {
    return word;
  }
}
