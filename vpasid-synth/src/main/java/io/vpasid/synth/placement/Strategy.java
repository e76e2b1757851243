package io.vpasid.synth.placement;

/// The ways of finding a place, in the order in which they are tried.
public enum Strategy {
  /// The capability is in the list already; it stays where it is.
  PRESENT("already there"),
  /// The user named the offset.
  REQUESTED("requested offset"),
  /// A quirk names the offset.
  PINNED("pinned by a quirk"),
  /// The device's own capability, which vfio-pci hides, is there: no other register can own its
  /// bytes.
  OWN_SLOT("the device's own hidden capability"),
  /// A range that the user or a quirk declares available.
  AVAILABLE("declared available"),
  /// The head of an empty list, 0x100, which has to be ours in any case.
  EMPTY_HEAD("head of the empty list"),
  /// Bytes that nothing is known to use and that read as 0.
  ZERO_HOLE("all-zero hole"),
  /// Likewise, in a zone where devices are known to keep registers outside every capability.
  RISKY_ZERO_HOLE("all-zero hole in a risky zone"),
  /// Live bytes that the policy and a quirk allow to shadow.
  SHADOWED("shadowed gap");

  private final String title;

  Strategy(String title) {
    this.title = title;
  }

  /// A few words for people.
  public String title() {
    return title;
  }
}
