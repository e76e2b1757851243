package io.vpasid.synth;

import io.vpasid.pci.ConfigSpace;
import io.vpasid.pci.capability.Capability;
import io.vpasid.pci.capability.CapabilityChain;
import io.vpasid.pci.capability.CapabilityId;
import io.vpasid.pci.emulation.ConfigPatch;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// How a new capability hangs in the list of extended capabilities.
///
/// @param header the new capability's own header dword
/// @param predecessor offset of the capability or null header that leads to it; empty if the new
///   one is the head of the list
/// @param predecessorHeader that header dword before the change; 0 where there was none, and where
///   the new capability is the head what stood at 0x100
/// @param next offset of the capability behind the new one, 0 at the end of the list
/// @param patches the header dwords that change, the new capability's first
public record ChainLink(
    int header,
    Optional<Integer> predecessor,
    int predecessorHeader,
    int next,
    List<ConfigPatch> patches) {

  private static final int HEAD = 0x100;
  private static final int WITHOUT_NEXT = 0x000fffff;

  public ChainLink {
    patches = List.copyOf(patches);
  }

  /// Links a capability at `hole` into the list of `view`.
  ///
  /// It goes behind the last capability below it that leads to one above it, so that an ascending
  /// list stays ascending; where there is no such place it becomes the last. A list whose last
  /// pointer leads nowhere is ended properly.
  static ChainLink insert(
      ConfigSpace view, CapabilityChain chain, int hole, CapabilityId id, int version) {
    List<Capability> list = chain.extended();
    int idAndVersion = id.value() | version << 16;
    List<ConfigPatch> patches = new ArrayList<>();
    if (hole == HEAD) {
      int next = list.size() > 1 ? list.get(1).offset() : 0;
      int header = idAndVersion | next << 20;
      patches.add(ConfigPatch.readOnly(hole, header));
      endProperly(view, list, patches);
      return new ChainLink(header, Optional.empty(), view.u32(HEAD), next, patches);
    }
    if (list.isEmpty()) {
      patches.add(ConfigPatch.readOnly(hole, idAndVersion));
      patches.add(ConfigPatch.readOnly(HEAD, hole << 20));
      return new ChainLink(idAndVersion, Optional.of(HEAD), view.u32(HEAD), 0, patches);
    }
    int index = predecessorIndex(list, hole);
    Capability predecessor = list.get(index);
    int next = index + 1 < list.size() ? list.get(index + 1).offset() : 0;
    int header = idAndVersion | next << 20;
    int before = view.u32(predecessor.offset());
    patches.add(ConfigPatch.readOnly(hole, header));
    endProperly(view, list, patches);
    patches.add(ConfigPatch.readOnly(predecessor.offset(), (before & WITHOUT_NEXT) | hole << 20));
    return new ChainLink(header, Optional.of(predecessor.offset()), before, next, patches);
  }

  /// Leaves the list as it is: the capability at `offset` is in it.
  static ChainLink present(ConfigSpace view, CapabilityChain chain, Capability capability) {
    int index = chain.extended().indexOf(capability);
    Optional<Integer> predecessor =
        index == 0 ? Optional.empty() : Optional.of(chain.extended().get(index - 1).offset());
    int header = view.u32(capability.offset());
    return new ChainLink(
        header,
        predecessor,
        predecessor.map(view::u32).orElse(header),
        capability.next(),
        List.of(ConfigPatch.readOnly(capability.offset(), header)));
  }

  /// The patches that take the capability at `offset` out of the list; at the head a placeholder
  /// stays. None if it is not in the list.
  static List<ConfigPatch> remove(ConfigSpace view, CapabilityChain chain, int offset) {
    int predecessor = -1;
    List<Capability> list = chain.extended();
    for (int i = 0; i < list.size(); i++) {
      if (list.get(i).offset() == offset) {
        int next = i + 1 < list.size() ? list.get(i + 1).offset() : 0;
        return predecessor < 0
            ? List.of(ConfigPatch.readOnly(offset, next << 20))
            : List.of(
                ConfigPatch.readOnly(offset, 0),
                ConfigPatch.readOnly(
                    predecessor, (view.u32(predecessor) & WITHOUT_NEXT) | next << 20));
      }
      predecessor = list.get(i).offset();
    }
    return List.of();
  }

  private static int predecessorIndex(List<Capability> list, int hole) {
    for (int i = 0; i + 1 < list.size(); i++) {
      if (list.get(i).offset() < hole && list.get(i + 1).offset() > hole) {
        return i;
      }
    }
    return list.size() - 1;
  }

  /// The walk stops at the last capability; where its pointer is not 0 it leads back, into zeros or
  /// outside, and a guest must not follow it.
  private static void endProperly(
      ConfigSpace view, List<Capability> list, List<ConfigPatch> patches) {
    if (!list.isEmpty()) {
      int last = list.getLast().offset();
      int header = view.u32(last);
      if (header >>> 20 != 0 && last != HEAD) {
        patches.add(ConfigPatch.readOnly(last, header & WITHOUT_NEXT));
      }
    }
  }
}
