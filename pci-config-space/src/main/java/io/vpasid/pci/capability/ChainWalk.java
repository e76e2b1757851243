package io.vpasid.pci.capability;

import io.vpasid.pci.ByteRange;
import io.vpasid.pci.ConfigSpace;
import io.vpasid.pci.Header;
import io.vpasid.pci.PartialSpace;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Optional;

/// One walk over both capability lists of a function.
///
/// Software differs in what it makes of odd lists; this walk finds what any of it could find, and
/// reports the rest. It follows a pointer only to a dword that it has not visited, so it ends.
///
/// PCI Express Base Specification 7.0, sections 7.5.1.1.11 (Capabilities Pointer), 7.6 (PCI Express
/// extended capabilities) and 7.9.28 (null capability).
final class ChainWalk {
  private static final int ALL_ONES = 0xffffffff;

  private final ConfigSpace config;
  private final List<Anomaly> anomalies = new ArrayList<>(0);

  /// A bit per dword that the walk has visited: exactly the headers found.
  private final BitSet visited = new BitSet(ConfigSpace.EXTENDED_SIZE / 4);

  /// The space with what is not known of it, where that is anything.
  private final Optional<PartialSpace> partial;

  ChainWalk(ConfigSpace config) {
    this.config = config;
    partial = Optional.empty();
  }

  ChainWalk(PartialSpace space) {
    config = space.withZeros();
    partial = Optional.of(space);
  }

  CapabilityChain chain() {
    List<Capability> standard = measure(walkStandard(), ConfigSpace.EXTENDED_START);
    List<Capability> extended =
        config.isExtended() ? measure(walkExtended(), ConfigSpace.EXTENDED_SIZE) : List.of();
    if (!extended.isEmpty()
        && standard.stream().noneMatch(c -> c.id().equals(CapabilityId.PCI_EXPRESS))) {
      report(
          Anomaly.Kind.EXTENDED_WITHOUT_PCI_EXPRESS,
          ConfigSpace.EXTENDED_START,
          config.u32(ConfigSpace.EXTENDED_START));
    }
    return new CapabilityChain(standard, extended, anomalies);
  }

  /// A header that the walk found, its extent not yet known.
  private record Found(CapabilityId id, int version, int offset, int next) {}

  private List<Found> walkStandard() {
    if ((config.u16(Header.STATUS) & Header.STATUS_CAPABILITIES_LIST) == 0) {
      return List.of();
    }
    List<Found> found = new ArrayList<>();
    int owner = Header.capabilitiesPointer(config.headerLayout());
    int pointer = config.u8(owner);
    while (true) {
      int offset = follow(owner, pointer, Header.RANGE.end());
      if (offset < 0 || isMissing(owner, offset, 2)) {
        return found;
      }
      int header = config.u16(offset);
      if (header == 0) {
        report(Anomaly.Kind.CHAIN_INTO_ZEROS, offset, owner);
        return found;
      }
      if ((header & 0xff) == 0xff) {
        report(Anomaly.Kind.CHAIN_INTO_ALL_ONES, offset, owner);
        return found;
      }
      if ((header & 0xff) == 0) {
        report(Anomaly.Kind.NULL_CAPABILITY, offset, header);
      }
      visited.set(offset >>> 2);
      pointer = header >>> 8;
      found.add(new Found(CapabilityId.standard(header & 0xff), 0, offset, pointer & ~3));
      owner = offset;
    }
  }

  private List<Found> walkExtended() {
    int head = config.u32(ConfigSpace.EXTENDED_START);
    int period = MirroredSpace.period(config);
    if (period > 0) {
      report(Anomaly.Kind.MIRRORED, ConfigSpace.EXTENDED_START, period);
    }
    if (head == 0 || period == ConfigSpace.EXTENDED_START) {
      return List.of();
    }
    if (head == ALL_ONES && isUnreadable()) {
      report(Anomaly.Kind.UNREADABLE, ConfigSpace.EXTENDED_START, head);
      return List.of();
    }
    List<Found> found = new ArrayList<>();
    int owner = ConfigSpace.EXTENDED_START;
    int pointer = ConfigSpace.EXTENDED_START;
    while (true) {
      int offset = follow(owner, pointer, ConfigSpace.EXTENDED_START);
      if (offset < 0 || isMissing(owner, offset, 4)) {
        return found;
      }
      int header = config.u32(offset);
      if (header == 0) {
        report(Anomaly.Kind.CHAIN_INTO_ZEROS, offset, owner);
        return found;
      }
      if (header == ALL_ONES) {
        report(Anomaly.Kind.CHAIN_INTO_ALL_ONES, offset, owner);
        return found;
      }
      if (isPlaceholder(offset, header)) {
        report(Anomaly.Kind.PLACEHOLDER_HEAD, offset, header);
      } else if ((header & 0xffff) == 0) {
        report(Anomaly.Kind.NULL_CAPABILITY, offset, header);
      }
      visited.set(offset >>> 2);
      pointer = header >>> 20;
      found.add(
          new Found(
              CapabilityId.extended(header & 0xffff), header >>> 16 & 0xf, offset, pointer & ~3));
      owner = offset;
    }
  }

  /// Where a pointer leads, or -1 at the end of the list.
  ///
  /// @param owner offset of the register that holds the pointer
  private int follow(int owner, int pointer, int from) {
    int offset = pointer & ~3;
    if (pointer != offset) {
      report(Anomaly.Kind.UNALIGNED_POINTER, owner, pointer);
    }
    if (offset == 0) {
      return -1;
    }
    if (offset < from) {
      report(Anomaly.Kind.POINTER_INTO_HEADER, owner, pointer);
      return -1;
    }
    if (visited.get(offset >>> 2)) {
      report(Anomaly.Kind.LOOP, owner, pointer);
      return -1;
    }
    if (offset < owner) {
      report(Anomaly.Kind.BACKWARD_POINTER, owner, pointer);
    }
    return offset;
  }

  private static boolean isPlaceholder(int offset, int header) {
    return offset == ConfigSpace.EXTENDED_START
        && ((header & 0xfffff) == 0 || (header & 0xffff) == 0xffff);
  }

  private boolean isUnreadable() {
    for (int offset = ConfigSpace.EXTENDED_START; offset < ConfigSpace.EXTENDED_SIZE; offset += 8) {
      if (config.u64(offset) != -1L) {
        return false;
      }
    }
    return true;
  }

  /// Gives each capability its extent, and reports duplicates and overlaps.
  private List<Capability> measure(List<Found> found, int end) {
    List<Capability> measured = new ArrayList<>(found.size());
    FunctionTraits traits = FunctionTraits.of(config);
    for (Found f : found) {
      Extent extent =
          isPlaceholder(f.offset, config.u32(f.offset))
              ? new Extent(
                  new ByteRange(f.offset, 4), Extent.Certainty.EXACT, "placeholder: header only")
              : measure(traits, f, nextHeader(f.offset, end));
      measured.add(new Capability(f.id, f.offset, f.version, f.next, extent));
    }
    reportDuplicates(measured);
    reportOverlaps(measured);
    return measured;
  }

  private void reportDuplicates(List<Capability> list) {
    for (int i = 1; i < list.size(); i++) {
      CapabilityId id = list.get(i).id();
      if (mayRepeat(id)) {
        continue;
      }
      for (int j = 0; j < i; j++) {
        if (list.get(j).id().equals(id)) {
          report(Anomaly.Kind.DUPLICATE_ID, list.get(i).offset(), list.get(j).offset());
          break;
        }
      }
    }
  }

  /// True if a function may have the capability more than once.
  private static boolean mayRepeat(CapabilityId id) {
    return switch (id.kind()) {
      case STANDARD ->
          switch (id.value()) {
            case 0x00, 0x08, 0x09, 0x14 -> true; // null, HyperTransport, vendor-specific, EA
            default -> false;
          };
      case EXTENDED ->
          switch (id.value()) {
            // null, VSEC, multi-path VC, DVSEC, alternate protocol, DOE, MMIO register block
            // locator
            case 0x00, 0x0b, 0x09, 0x23, 0x2b, 0x2e, 0x36 -> true;
            default -> false;
          };
    };
  }

  /// Reports each capability that starts before the extents of those at lower offsets have ended.
  private void reportOverlaps(List<Capability> list) {
    List<Capability> ascending = new ArrayList<>(list);
    ascending.sort((a, b) -> Integer.compare(a.offset(), b.offset()));
    Capability furthest = null;
    for (Capability capability : ascending) {
      if (furthest != null && furthest.extent().range().end() > capability.offset()) {
        report(Anomaly.Kind.OVERLAP, capability.offset(), furthest.offset());
      }
      if (furthest == null || capability.extent().range().end() > furthest.extent().range().end()) {
        furthest = capability;
      }
    }
  }

  /// Offset of the first header behind `offset`, `end` if there is none below it.
  private int nextHeader(int offset, int end) {
    int next = visited.nextSetBit((offset >>> 2) + 1);
    return next < 0 ? end : Math.min(end, next << 2);
  }

  /// Reports a header that the dump does not have.
  private boolean isMissing(int owner, int offset, int bytes) {
    if (partial.isEmpty() || partial.get().has(new ByteRange(offset, bytes))) {
      return false;
    }
    report(Anomaly.Kind.NOT_IN_DUMP, offset, owner);
    return true;
  }

  /// Where the length depends on bytes that are not known, the shorter reading is a lower bound.
  private Extent measure(FunctionTraits traits, Found f, int limit) {
    Extent extent = ExtentRules.of(config, traits, f.id, f.version, f.offset, limit);
    if (partial.isEmpty() || extent.isLowerBound()) {
      return extent;
    }
    ConfigSpace ones = partial.get().withOnes();
    Extent other = ExtentRules.of(ones, FunctionTraits.of(ones), f.id, f.version, f.offset, limit);
    if (other.equals(extent)) {
      return extent;
    }
    Extent shorter = other.range().length() < extent.range().length() ? other : extent;
    return new Extent(
        shorter.range(),
        Extent.Certainty.LOWER_BOUND,
        shorter.rule() + "; registers that decide are not in the dump");
  }

  private void report(Anomaly.Kind kind, int offset, int value) {
    anomalies.add(new Anomaly(kind, offset, value));
  }
}
