package io.vpasid.synth;

import io.vpasid.pci.ConfigSpace;
import io.vpasid.pci.capability.Capability;
import io.vpasid.pci.capability.CapabilityChain;
import io.vpasid.pci.capability.CapabilityId;
import io.vpasid.pci.emulation.ConfigPatch;
import io.vpasid.pci.emulation.GuestConfigSpace;
import io.vpasid.pci.emulation.WriteRule;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// The control words of the ATS and PRI capabilities, which vfio-pci shows but does not let the
/// guest write: without emulation a guest would enable them and read back that nothing happened.
///
/// ```text
///  ATS    31 30      21 20    16 15            0
///  +0x04 |E | reserved |  STU   | ATS Capability|       E enable, STU smallest translation unit
///
///  PRI    31        25 24 23   18 17 16 15    2 1 0
///  +0x04 |P| reserved | S| rsvd  |UI|RF| rsvd  |R|E|    R reset, S stopped, RF response failure,
///  +0x08 |   Outstanding Page Request Capacity     |    UI unexpected group index,
///  +0x0c |   Outstanding Page Request Allocation   |    P responses need a PASID
/// ```
///
/// PCI Express Base Specification 7.0, sections 10.5.1 (ATS) and 10.5.2 (PRI).
///
/// @param ats offset of the ATS capability, if the function shows one
/// @param pri offset of the PRI capability, if the function shows one
public record AddressTranslation(Optional<Integer> ats, Optional<Integer> pri) {

  private static final int REGISTERS = 0x04;
  private static final int ATS_ENABLE_AND_STU = 0x801f_0000;

  private static final int PRI_ENABLE = 1;
  private static final int PRI_RESET = 1 << 1;
  private static final int PRI_FAILURES = 3 << 16;
  private static final int PRI_STOPPED = 1 << 24;
  private static final int PRI_ALLOCATION = 0x0c;

  static AddressTranslation of(CapabilityChain chain) {
    return new AddressTranslation(
        offset(chain, CapabilityId.ATS, 8), offset(chain, CapabilityId.PRI, 16));
  }

  /// Where the capability is, if its registers are there and its alone: a header of the list on top
  /// of them, in a list that is broken, has to stay what it is.
  private static Optional<Integer> offset(CapabilityChain chain, CapabilityId id, int length) {
    return chain
        .find(id)
        .map(Capability::offset)
        .filter(o -> o + length <= ConfigSpace.EXTENDED_SIZE)
        .filter(
            o -> chain.extended().stream().noneMatch(c -> isBetween(o, c.offset(), o + length)));
  }

  private static boolean isBetween(int start, int offset, int end) {
    return start < offset && offset < end;
  }

  List<ConfigPatch> patches(ConfigSpace view) {
    List<ConfigPatch> patches = new ArrayList<>();
    ats.ifPresent(offset ->
        patches.add(
            ConfigPatch.register(
                offset + REGISTERS,
                view.u32(offset + REGISTERS) & 0x0000_ffff,
                ATS_ENABLE_AND_STU)));
    pri.ifPresent(offset -> {
      int fixed = view.u32(offset + REGISTERS) & 0x8000_0000;
      patches.add(
          new ConfigPatch(
              offset + REGISTERS,
              0xffffffff,
              fixed | PRI_STOPPED,
              PRI_ENABLE | PRI_RESET,
              PRI_FAILURES));
      patches.add(ConfigPatch.register(offset + PRI_ALLOCATION, 0, 0xffffffff));
    });
    return patches;
  }

  void applyRules(GuestConfigSpace.Builder builder) {
    pri.ifPresent(offset -> builder.rule(offset + REGISTERS, priRule()));
  }

  /// Reset reads as 0 and clears the failures, and only while the interface is off; Stopped says
  /// whether the interface is off, because nothing of ours has requests outstanding.
  private static WriteRule priRule() {
    return (before, proposed) -> {
      int after = proposed & ~PRI_RESET;
      if ((proposed & PRI_RESET) != 0 && (proposed & PRI_ENABLE) == 0) {
        after &= ~PRI_FAILURES;
      }
      return (after & PRI_ENABLE) != 0 ? after & ~PRI_STOPPED : after | PRI_STOPPED;
    };
  }
}
