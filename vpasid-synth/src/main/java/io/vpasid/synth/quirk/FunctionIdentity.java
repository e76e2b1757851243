package io.vpasid.synth.quirk;

import io.vpasid.pci.ConfigSpace;
import io.vpasid.pci.PciId;
import io.vpasid.pci.dump.HostFunction;
import java.util.Locale;

/// Identity of a function, by which quirks are matched.
///
/// @param id Vendor ID and Device ID
/// @param subsystem Subsystem Vendor ID and Subsystem ID, or [#NO_SUBSYSTEM]
/// @param classCode Class Code, 24 bits: base class, sub-class, programming interface
/// @param revision Revision ID, 8 bits
/// @param kind physical or virtual function
public record FunctionIdentity(
    PciId id, PciId subsystem, int classCode, int revision, FunctionKind kind) {

  /// The subsystem of a function that has none, such as a bridge; no quirk that names a subsystem
  /// matches it.
  public static final PciId NO_SUBSYSTEM = new PciId(0, 0);

  /// Layout 0 in the Header Type register, the only one with the subsystem registers at 0x2c.
  private static final int ENDPOINT_HEADER = 0;

  /// @throws IllegalArgumentException if the class code needs more than 24 bits or the revision
  ///   more than 8
  public FunctionIdentity {
    if ((classCode & ~0xffffff) != 0 || (revision & ~0xff) != 0) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "A class code has 24 bits and a revision 8, not %x and %x",
              classCode,
              revision));
    }
  }

  /// The identity that the registers of `config` give.
  ///
  /// A virtual function's own Vendor ID and Device ID registers read as 0xffff (PCI Express Base
  /// Specification 7.0, section 9.3.4.1); where `config` holds that, and not what vfio-pci puts in
  /// its place, set the right id by [#withId].
  public static FunctionIdentity of(ConfigSpace config, FunctionKind kind) {
    return new FunctionIdentity(
        config.id(),
        config.headerLayout() == ENDPOINT_HEADER ? config.subsystem() : NO_SUBSYSTEM,
        config.classCode(),
        config.revision(),
        kind);
  }

  /// The identity that a capture shows.
  public static FunctionIdentity of(HostFunction capture) {
    return of(capture.config(), FunctionKind.of(capture)).withId(capture.id());
  }

  /// The same function under another id.
  public FunctionIdentity withId(PciId other) {
    return new FunctionIdentity(other, subsystem, classCode, revision, kind);
  }

  /// As in `10de:20b0, subsystem 10de:134f, class 030200, revision a1, physical function`.
  @Override
  public String toString() {
    return String.format(
        Locale.ROOT,
        "%s, %sclass %06x, revision %02x, %s function",
        id,
        subsystem.equals(NO_SUBSYSTEM) ? "" : "subsystem " + subsystem + ", ",
        classCode,
        revision,
        kind);
  }
}
