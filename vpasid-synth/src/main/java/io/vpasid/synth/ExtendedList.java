package io.vpasid.synth;

import io.vpasid.pci.ConfigSpace;
import io.vpasid.pci.capability.Capability;
import io.vpasid.pci.capability.CapabilityChain;
import io.vpasid.pci.capability.CapabilityId;
import io.vpasid.pci.emulation.ConfigPatch;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// The list of extended capabilities that the guest gets: the view's, and ours among them.
///
/// A new capability goes behind the last one below it that leads to one above it, so that an
/// ascending list stays ascending; where there is no such place it becomes the last. A list whose
/// last pointer leads nowhere is ended properly. Not for sharing between threads.
final class ExtendedList {
  private static final int WITHOUT_NEXT = 0x000fffff;

  private final ConfigSpace view;
  private final List<Member> members = new ArrayList<>();

  /// A header in the list.
  ///
  /// @param idAndVersion bits 19:0 of the header
  /// @param isOurs whether the guest reads it from us in any case
  private record Member(int offset, int idAndVersion, boolean isOurs) {}

  ExtendedList(ConfigSpace view, CapabilityChain chain) {
    this.view = view;
    for (Capability c : chain.extended()) {
      members.add(new Member(c.offset(), view.u32(c.offset()) & WITHOUT_NEXT, false));
    }
  }

  /// True if there is no capability at 0x100, where the list has to start.
  boolean isWithoutHead() {
    return members.isEmpty() || isNullHead(members.getFirst());
  }

  private static boolean isNullHead(Member member) {
    return member.isOurs && member.idAndVersion == 0;
  }

  /// Links a capability at `hole`. At 0x100 it takes the place of a placeholder; an empty list
  /// begins there with a null header if the hole is elsewhere.
  void insert(int hole, CapabilityId id, int version) {
    Member member = new Member(hole, id.value() | version << 16, true);
    if (members.isEmpty()) {
      members.add(
          hole == ConfigSpace.EXTENDED_START
              ? member
              : new Member(ConfigSpace.EXTENDED_START, 0, true));
    }
    if (hole == ConfigSpace.EXTENDED_START) {
      members.set(0, member);
    } else {
      members.add(indexFor(hole), member);
    }
  }

  private int indexFor(int hole) {
    for (int i = 1; i < members.size(); i++) {
      if (members.get(i - 1).offset < hole && members.get(i).offset > hole) {
        return i;
      }
    }
    return members.size();
  }

  /// Takes over the header of the capability at `offset`, which is in the list and stays there.
  void adopt(int offset) {
    int index = indexOf(offset);
    members.set(index, new Member(offset, members.get(index).idAndVersion, true));
  }

  /// How the capability at `offset`, which is in the list, hangs in it.
  ChainLink linkOf(int offset) {
    int index = indexOf(offset);
    Optional<Integer> predecessor =
        index == 0 ? Optional.empty() : Optional.of(members.get(index - 1).offset);
    return new ChainLink(
        header(index),
        predecessor,
        view.u32(predecessor.orElse(ConfigSpace.EXTENDED_START)),
        nextOf(index));
  }

  private int indexOf(int offset) {
    for (int i = 0; i < members.size(); i++) {
      if (members.get(i).offset == offset) {
        return i;
      }
    }
    throw new IllegalArgumentException("No capability of the list is at " + offset);
  }

  /// The header dwords that are ours or have another next pointer now.
  List<ConfigPatch> patches() {
    List<ConfigPatch> patches = new ArrayList<>();
    for (int i = 0; i < members.size(); i++) {
      Member member = members.get(i);
      if (member.isOurs || view.u32(member.offset) != header(i)) {
        patches.add(ConfigPatch.readOnly(member.offset, header(i)));
      }
    }
    return patches;
  }

  /// The header as it has to be; a pointer that leads where it should keeps its reserved bits.
  private int header(int index) {
    Member member = members.get(index);
    int before = view.u32(member.offset);
    int next = nextOf(index);
    boolean leadsThere = next == 0 ? before >>> 20 == 0 : (before >>> 20 & ~3) == next;
    boolean isSame = (before & WITHOUT_NEXT) == member.idAndVersion && leadsThere;
    return isSame ? before : member.idAndVersion | next << 20;
  }

  private int nextOf(int index) {
    return index + 1 < members.size() ? members.get(index + 1).offset : 0;
  }

  /// The patches that take the capability at `offset` out of the list of `view`; at the head a
  /// placeholder stays. None if it is not in the list.
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
}
