package io.vpasid.synth.quirk;

import io.vpasid.pci.PciId;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.BiPredicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/// The functions that a quirk is about. A function must fulfil every condition; a condition with
/// several alternatives is fulfilled by any of them.
///
/// Of two matches, the first of these that tells them apart decides which is more specific: the
/// subsystem (device named, vendor named, not named), the device (one id, a range, a vendor, any
/// vendor), the revision (named, not named), the function kind (named, not named), the number of
/// fixed digits in the class pattern.
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

  /// Rank of a condition that the function does not fulfil.
  static final int NO_MATCH = -1;

  /// Ranks of the device condition.
  static final int ANY_VENDOR = 0;

  static final int WHOLE_VENDOR = 1;
  static final int DEVICE_RANGE = 2;
  static final int ONE_DEVICE = 3;

  /// @throws IllegalArgumentException if the vendor needs more than 16 bits, or devices are named
  ///   without a vendor
  public QuirkMatch {
    if (vendor == ANY ? !devices.isEmpty() : (vendor & ~0xffff) != 0) {
      throw new IllegalArgumentException("No vendor and devices: " + vendor + ", " + devices);
    }
    devices = List.copyOf(devices);
    subsystems = List.copyOf(subsystems);
    classes = List.copyOf(classes);
    revisions = List.copyOf(revisions);
  }

  /// True if `function` fulfils every condition.
  boolean matches(FunctionIdentity function) {
    int device = deviceRank(function.id());
    return device != NO_MATCH && specificity(function, device) != NO_MATCH;
  }

  /// The condition that keeps a function of a vendor and device that the match names from being
  /// meant, as in `revision 0xa1, not 0x01`; empty if it is meant, or if the match names no vendor,
  /// another one or another device, or another class of any device.
  Optional<String> misfit(FunctionIdentity function) {
    int device = deviceRank(function.id());
    if (device == NO_MATCH || device == ANY_VENDOR || matches(function)) {
      return Optional.empty();
    }
    if (device == WHOLE_VENDOR && classDigits(function.classCode()) == NO_MATCH) {
      // It is about another kind of device, not about this one.
      return Optional.empty();
    }
    return failing(function);
  }

  /// The vendor or the device, if these keep a function from being meant, as in `vendor 0x10de, not
  /// 0x8086`.
  Optional<String> failing(PciId id) {
    if (vendor != ANY && vendor != id.vendor()) {
      return misfit(
          "vendor",
          Stream.of(String.format(Locale.ROOT, "0x%04x", vendor)),
          String.format(Locale.ROOT, "0x%04x", id.vendor()));
    }
    return deviceRank(id) != NO_MATCH
        ? Optional.empty()
        : misfit(
            "device",
            devices.stream().map(IdRange::toString),
            String.format(Locale.ROOT, "0x%04x", id.device()));
  }

  /// The first condition that keeps a function from being meant; empty if it is meant.
  Optional<String> failing(FunctionIdentity function) {
    Optional<String> id = failing(function.id());
    if (id.isPresent() || matches(function)) {
      return id;
    }
    if (subsystemRank(function.subsystem()) == NO_MATCH) {
      PciId found = function.subsystem();
      return misfit(
          "subsystem",
          subsystems.stream().map(SubsystemMatch::toString),
          found.equals(FunctionIdentity.NO_SUBSYSTEM) ? "none" : found.toString());
    }
    if (classDigits(function.classCode()) == NO_MATCH) {
      return misfit(
          "class",
          classes.stream().map(ClassPattern::toString),
          String.format(Locale.ROOT, "0x%06x", function.classCode()));
    }
    if (!isAnyOf(revisions, function.revision())) {
      return misfit(
          "revision",
          revisions.stream().map(IdRange::toRevisions),
          String.format(Locale.ROOT, "0x%02x", function.revision()));
    }
    return misfit(
        "function", kind.stream().map(FunctionKind::toString), function.kind().toString());
  }

  private static Optional<String> misfit(String condition, Stream<String> wanted, String found) {
    return Optional.of(
        condition + ' ' + wanted.collect(Collectors.joining(" or ")) + ", not " + found);
  }

  /// How specifically it names a device: one of the ranks above.
  int deviceRank(PciId id) {
    if (vendor == ANY) {
      return ANY_VENDOR;
    }
    if (vendor != id.vendor()) {
      return NO_MATCH;
    }
    int rank = devices.isEmpty() ? WHOLE_VENDOR : NO_MATCH;
    for (IdRange range : devices) {
      if (range.contains(id.device())) {
        rank = Math.max(rank, range.isSingle() ? ONE_DEVICE : DEVICE_RANGE);
      }
    }
    return rank;
  }

  /// How specific the match is for a function that fulfils the device condition: the higher the
  /// more; [#NO_MATCH] if it fails another.
  ///
  /// ```text
  ///  bits  8  7  |  6  5  |    4     |  3   |  2  1  0
  ///   subsystem  | device | revision | kind | class digits
  /// ```
  ///
  /// @param device rank of the device condition
  int specificity(FunctionIdentity function, int device) {
    int subsystem = subsystemRank(function.subsystem());
    int digits = classDigits(function.classCode());
    if (subsystem == NO_MATCH
        || digits == NO_MATCH
        || !isAnyOf(revisions, function.revision())
        || (kind.isPresent() && kind.get() != function.kind())) {
      return NO_MATCH;
    }
    int revisionNamed = revisions.isEmpty() ? 0 : 1;
    int kindNamed = kind.isEmpty() ? 0 : 1;
    return subsystem << 7 | device << 5 | revisionNamed << 4 | kindNamed << 3 | digits;
  }

  private int subsystemRank(PciId subsystem) {
    if (subsystems.isEmpty()) {
      return 0;
    }
    int rank = NO_MATCH;
    for (SubsystemMatch s : subsystems) {
      if (s.matches(subsystem)) {
        rank = Math.max(rank, s.device() == ANY ? 1 : 2);
      }
    }
    return rank;
  }

  private int classDigits(int classCode) {
    if (classes.isEmpty()) {
      return 0;
    }
    int digits = NO_MATCH;
    for (ClassPattern pattern : classes) {
      if (pattern.matches(classCode)) {
        digits = Math.max(digits, pattern.fixedDigits());
      }
    }
    return digits;
  }

  private static boolean isAnyOf(List<IdRange> ranges, int id) {
    if (ranges.isEmpty()) {
      return true;
    }
    for (IdRange range : ranges) {
      if (range.contains(id)) {
        return true;
      }
    }
    return false;
  }

  /// True if every function that fulfils `other` fulfils this too. False may also mean that this
  /// was not recognized, where it takes several alternatives together.
  boolean contains(QuirkMatch other) {
    return (vendor == ANY || vendor == other.vendor)
        && containsAll(devices, other.devices, IdRange::contains)
        && containsAll(subsystems, other.subsystems, SubsystemMatch::contains)
        && containsAll(classes, other.classes, ClassPattern::contains)
        && containsAll(revisions, other.revisions, IdRange::contains)
        && (kind.isEmpty() || kind.equals(other.kind));
  }

  /// True if each of `inner` lies in one of `outer`; an empty list stands for everything.
  private static <T> boolean containsAll(List<T> outer, List<T> inner, BiPredicate<T, T> contains) {
    if (outer.isEmpty()) {
      return true;
    }
    return !inner.isEmpty()
        && inner.stream().allMatch(i -> outer.stream().anyMatch(o -> contains.test(o, i)));
  }

  /// Its conditions, as quirk files write them: `vendor 0x10de, device 0x20b0-0x20bf, class
  /// 0x03xxxx, function physical`.
  @Override
  public String toString() {
    List<String> conditions = new ArrayList<>();
    if (vendor != ANY) {
      conditions.add(String.format(Locale.ROOT, "vendor 0x%04x", vendor));
    }
    addCondition("device", devices.stream().map(IdRange::toString), conditions);
    addCondition("subsystem", subsystems.stream().map(SubsystemMatch::toString), conditions);
    addCondition("class", classes.stream().map(ClassPattern::toString), conditions);
    addCondition("revision", revisions.stream().map(IdRange::toRevisions), conditions);
    addCondition("function", kind.stream().map(FunctionKind::toString), conditions);
    return String.join(", ", conditions);
  }

  private static void addCondition(String name, Stream<String> values, List<String> conditions) {
    String alternatives = values.collect(Collectors.joining(" or "));
    if (!alternatives.isEmpty()) {
      conditions.add(name + ' ' + alternatives);
    }
  }
}
