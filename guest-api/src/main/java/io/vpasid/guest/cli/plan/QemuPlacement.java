package io.vpasid.guest.cli.plan;

import io.vpasid.pci.ConfigSpace;
import io.vpasid.pci.capability.CapabilityChain;
import io.vpasid.pci.capability.CapabilityId;
import io.vpasid.pci.dump.HostFunction;
import io.vpasid.synth.SynthesisRequest;
import java.util.Optional;

/// Where QEMU 11 puts a PASID capability unless `x-vpasid-cap-offset` names another place.
///
/// QEMU asks for a PCI Express function that vfio-pci can own (header type 0), a header at 0x100 of
/// what vfio-pci shows, no PASID capability there yet, and PASIDs of the host. The place is the
/// last 8 bytes, unless a capability begins just there. It looks at nothing else: not at how far
/// capabilities reach, and not at the bytes.
final class QemuPlacement {
  /// The last 8 bytes.
  static final int OFFSET = 0xff8;

  private QemuPlacement() {}

  /// The bytes at QEMU's place; empty where QEMU shows no PASID capability or the function's own.
  static Optional<Clash> of(HostFunction function, SynthesisRequest request) {
    ConfigSpace shown = request.view().config();
    if (!shown.isExtended()
        || shown.headerLayout() != 0
        || shown.u32(ConfigSpace.EXTENDED_START) == 0
        || request.hardware().maxPasidLog2() == 0) {
      return Optional.empty();
    }
    CapabilityChain chain = CapabilityChain.walk(shown);
    boolean taken = chain.extended().stream().anyMatch(c -> c.offset() == OFFSET);
    return chain.find(CapabilityId.PCI_EXPRESS).isEmpty()
            || chain.find(CapabilityId.PASID).isPresent()
            || taken
        ? Optional.empty()
        : Optional.of(Clash.at(OFFSET, function, request));
  }
}
