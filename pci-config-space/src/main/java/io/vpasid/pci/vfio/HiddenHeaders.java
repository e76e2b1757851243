package io.vpasid.pci.vfio;

import io.vpasid.pci.ByteRange;
import io.vpasid.pci.ConfigSpace;
import io.vpasid.pci.capability.Capability;
import io.vpasid.pci.capability.CapabilityChain;
import io.vpasid.pci.capability.CapabilityId;
import io.vpasid.pci.occupancy.OccupancyMap;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;

/// Finds the extended capabilities that vfio-pci took out of the list by their headers, which stay
/// readable in the gaps.
///
/// A dword counts as such a header if its id is a known one that vfio-pci hides, its version is
/// plausible, and it points to nothing, to a listed capability or to another such header. A false
/// find costs a hole that could have been used; it breaks nothing.
final class HiddenHeaders {
  private static final int HIGHEST_VERSION = 4;
  private static final int HIGHEST_ID = 0x3a;

  private HiddenHeaders() {}

  /// The hidden capabilities of the extended space, in address order.
  static List<Capability> find(ConfigSpace vfioView, CapabilityChain chain) {
    if (!vfioView.isExtended()) {
      return List.of();
    }
    List<Capability> found = new ArrayList<>();
    List<ByteRange> gaps = OccupancyMap.of(vfioView, chain).gaps();
    BitSet headers = plausibleHeaders(vfioView, chain, gaps);
    for (ByteRange gap : gaps) {
      for (int offset = headers.nextSetBit(gap.offset());
          offset >= 0 && offset < gap.end();
          offset = headers.nextSetBit(offset + 1)) {
        int header = vfioView.u32(offset);
        CapabilityId id = CapabilityId.extended(header & 0xffff);
        Capability capability = Capability.at(vfioView, id, version(header), offset, gap.end());
        // The registers of a PASID capability get emulated: they must not be somebody else's.
        if (!id.equals(CapabilityId.PASID) || gap.contains(capability.extent().range())) {
          found.add(capability);
        }
      }
    }
    return found;
  }

  private static BitSet plausibleHeaders(
      ConfigSpace config, CapabilityChain chain, List<ByteRange> gaps) {
    BitSet headers = new BitSet(ConfigSpace.EXTENDED_SIZE);
    for (ByteRange gap : gaps) {
      int start = Math.max(ConfigSpace.EXTENDED_START, (gap.offset() + 3) & ~3);
      for (int offset = start; offset + 4 <= gap.end(); offset += 4) {
        headers.set(offset, looksLikeHeader(config.u32(offset)));
      }
    }
    BitSet targets = new BitSet(ConfigSpace.EXTENDED_SIZE);
    targets.set(0);
    chain.extended().forEach(c -> targets.set(c.offset()));
    // A header falls if what it points to has fallen; each round drops one at least, or is the
    // last.
    boolean dropped = true;
    while (dropped) {
      dropped = false;
      for (int offset = headers.nextSetBit(0);
          offset >= 0;
          offset = headers.nextSetBit(offset + 1)) {
        int next = config.u32(offset) >>> 20;
        if (!targets.get(next) && !headers.get(next)) {
          headers.clear(offset);
          dropped = true;
        }
      }
    }
    return headers;
  }

  private static boolean looksLikeHeader(int header) {
    int id = header & 0xffff;
    int version = version(header);
    return version >= 1
        && version <= HIGHEST_VERSION
        && (header >>> 20 & 3) == 0
        && id != 0
        && id <= HIGHEST_ID
        && VfioView.isHiddenExtendedId(id);
  }

  private static int version(int header) {
    return header >>> 16 & 0xf;
  }
}
