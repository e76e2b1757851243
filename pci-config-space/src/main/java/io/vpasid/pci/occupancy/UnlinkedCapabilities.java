package io.vpasid.pci.occupancy;

import io.vpasid.pci.ByteRange;
import io.vpasid.pci.ConfigSpace;
import io.vpasid.pci.Header;
import io.vpasid.pci.capability.Anomaly;
import io.vpasid.pci.capability.Capability;
import io.vpasid.pci.capability.CapabilityChain;
import io.vpasid.pci.capability.CapabilityId;
import io.vpasid.pci.occupancy.CapabilityBody.Likeness;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;

/// Finds capabilities that are in the bytes, but in no list: firmware or a fuse took them out, and
/// their registers are still there, many of which read as 0.
///
/// A dword is believed to be the header of one if its id is known, its version is one of that id,
/// its length is known and lies outside everything in a list, its registers can be those of that
/// capability ([CapabilityBody]), and one of these holds:
///
/// 1. Its next pointer leads to a capability that is in the list, or through other such headers to
///    one that is.
/// 2. It is one of at least two such headers of which one leads to the next and the last ends.
/// 3. Its next pointer is 0 and its registers are what hardly anything else has.
/// 4. Its next pointer is 0, and so are those of its neighbours at the next multiple of 16 bytes;
///    there are three at least, all different, or one is of the third kind.
///
/// Of the standard list only VPD, MSI, MSI-X, PCI Express and power management are looked for.
public final class UnlinkedCapabilities {
  private static final int EXTENDED_START = 0x100;
  private static final int HIGHEST_ID = 0x3a;
  private static final int GROUP_ALIGNMENT = 16;
  private static final int FEWEST_OF_A_GROUP = 3;

  private final ConfigSpace config;
  private final BitSet known = new BitSet(ConfigSpace.EXTENDED_SIZE);
  private final BitSet listed = new BitSet(ConfigSpace.EXTENDED_SIZE);

  /// Possible headers of the extended list, by offset.
  private final SortedMap<Integer, Candidate> candidates = new TreeMap<>();

  private record Candidate(Capability capability, Likeness likeness, boolean fits) {
    int end() {
      return capability.extent().range().end();
    }
  }

  private UnlinkedCapabilities(ConfigSpace config) {
    this.config = config;
  }

  /// Those of a function, in address order; none share bytes.
  ///
  /// @param chain what the lists have
  /// @param others further capabilities that are known, such as those that vfio-pci hides
  public static List<Capability> find(
      ConfigSpace config, CapabilityChain chain, List<Capability> others) {
    if (chain.find(Anomaly.Kind.MIRRORED).isPresent()
        || chain.find(Anomaly.Kind.UNREADABLE).isPresent()) {
      return List.of();
    }
    UnlinkedCapabilities search = new UnlinkedCapabilities(config);
    search.known.set(0, Header.RANGE.end());
    search.know(chain.standard());
    search.know(chain.extended());
    search.know(others);
    List<Capability> found = new ArrayList<>();
    search.findStandard(found, chain.find(CapabilityId.PCI_EXPRESS).isPresent());
    search.findExtended(found);
    return found;
  }

  private void know(List<Capability> capabilities) {
    for (Capability capability : capabilities) {
      ByteRange range = capability.extent().range();
      known.set(range.offset(), range.end());
      listed.set(capability.offset());
    }
  }

  private boolean isFree(ByteRange range) {
    int next = known.nextSetBit(range.offset());
    return next < 0 || next >= range.end();
  }

  private void findStandard(List<Capability> found, boolean express) {
    for (int offset = Header.RANGE.end(); offset + 4 <= ConfigSpace.STANDARD_SIZE; offset += 4) {
      int header = config.u16(offset);
      int next = header >>> 8;
      boolean leads = next != 0 && (next & 3) == 0 && listed.get(next);
      if (known.get(offset) || (next != 0 && !leads)) {
        continue;
      }
      CapabilityId id = CapabilityId.standard(header & 0xff);
      Likeness likeness = CapabilityBody.standard(config, id, offset, express);
      if (likeness == Likeness.DISTINCT || (likeness == Likeness.PLAUSIBLE && leads)) {
        Capability capability = Capability.at(config, id, 0, offset, ConfigSpace.STANDARD_SIZE);
        if (!capability.extent().isLowerBound() && isFree(capability.extent().range())) {
          found.add(capability);
          know(List.of(capability));
        }
      }
    }
  }

  private void findExtended(List<Capability> found) {
    for (int offset = EXTENDED_START; offset + 4 <= config.size(); offset += 4) {
      int header = config.u32(offset);
      int id = header & 0xffff;
      if (id != 0 && id <= HIGHEST_ID && !known.get(offset)) {
        consider(offset, header);
      }
    }
    if (candidates.isEmpty()) {
      return;
    }
    BitSet believed = new BitSet(ConfigSpace.EXTENDED_SIZE);
    candidates.values().forEach(candidate -> followFrom(candidate, believed));
    findGroups(believed);
    for (Candidate candidate : candidates.values()) {
      Capability capability = candidate.capability;
      if (believed.get(capability.offset()) && !known.get(capability.offset())) {
        found.add(capability);
        know(List.of(capability));
      }
    }
  }

  private void consider(int offset, int header) {
    int next = header >>> 20;
    int version = header >>> 16 & 0xf;
    CapabilityId id = CapabilityId.extended(header & 0xffff);
    if ((next & 3) != 0
        || next == offset
        || (next != 0 && next <= EXTENDED_START)
        || version == 0) {
      return;
    }
    Capability capability = Capability.at(config, id, version, offset, config.size());
    Likeness likeness = CapabilityBody.extended(config, id, offset);
    if (!capability.extent().isLowerBound() && likeness != Likeness.NONE) {
      boolean fits = isFree(capability.extent().range());
      candidates.put(offset, new Candidate(capability, likeness, fits));
    }
  }

  /// Believes a candidate and those that it leads to, if they lead anywhere.
  private void followFrom(Candidate first, BitSet believed) {
    BitSet path = new BitSet(ConfigSpace.EXTENDED_SIZE);
    int at = first.capability.offset();
    Candidate candidate = first;
    while (candidate != null && !path.get(at)) {
      path.set(at);
      at = candidate.capability.next();
      if (at == 0 || listed.get(at)) {
        break;
      }
      candidate = candidates.get(at);
    }
    boolean ends = at == 0 && path.cardinality() >= 2;
    boolean alone = at == 0 && first.likeness == Likeness.DISTINCT;
    if (first.fits && (listed.get(at) || ends || alone)) {
      believed.or(path);
    }
  }

  /// Neighbours with next pointers of 0.
  private void findGroups(BitSet believed) {
    List<Candidate> group = new ArrayList<>();
    BitSet ids = new BitSet();
    for (Candidate candidate : candidates.values()) {
      int offset = candidate.capability.offset();
      int id = candidate.capability.id().value();
      boolean joins =
          !group.isEmpty()
              && offset == ((group.getLast().end() + GROUP_ALIGNMENT - 1) & -GROUP_ALIGNMENT)
              && !ids.get(id);
      if (!joins) {
        believe(group, believed);
        group.clear();
        ids.clear();
      }
      if (candidate.capability.next() == 0 && candidate.fits) {
        group.add(candidate);
        ids.set(id);
      }
    }
    believe(group, believed);
  }

  private static void believe(List<Candidate> group, BitSet believed) {
    boolean distinct = group.stream().anyMatch(c -> c.likeness == Likeness.DISTINCT);
    if (group.size() >= FEWEST_OF_A_GROUP || (group.size() > 1 && distinct)) {
      group.forEach(c -> believed.set(c.capability.offset()));
    }
  }
}
