package io.vpasid.synth.quirk;

import java.util.List;
import java.util.Optional;

/// Which functions a quirk is about. A function must fulfil every condition; a condition with several
/// alternatives is fulfilled by any of them.
///
/// Of two matches, that one is more specific which is so in the first of these that tells them apart:
/// the subsystem (device named, vendor named, not named), the device (one id, a range, a vendor,
/// any vendor), the revision (named or not), the function kind (named or not), the number of fixed
/// digits in the class pattern.
///
/// @param vendor Vendor ID, or [#ANY]
/// @param devices Device IDs; empty for any
/// @param subsystems subsystems; empty for any and none
/// @param classes class codes; empty for any
/// @param revisions Revision IDs; empty for any
/// @param kind physical or virtual function; empty for both
public record QuirkMatch(
    int vendor,
    List<IdRange> devices,
    List<SubsystemMatch> subsystems,
    List<ClassPattern> classes,
    List<IdRange> revisions,
    Optional<FunctionKind> kind) {

  /// Stands for every id.
  public static final int ANY = -1;

  public QuirkMatch {
    devices = List.copyOf(devices);
    subsystems = List.copyOf(subsystems);
    classes = List.copyOf(classes);
    revisions = List.copyOf(revisions);
  }
}
