package io.vpasid.pci.emulation;

import io.vpasid.pci.ByteRange;
import io.vpasid.pci.ConfigSpace;
import io.vpasid.pci.Header;
import io.vpasid.pci.capability.Capability;
import io.vpasid.pci.capability.CapabilityChain;
import io.vpasid.pci.capability.CapabilityId;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/// What is known of a function whose registers are emulated.
///
/// Of its capabilities count those whose registers are theirs alone: if the header of another lies
/// on them, in a list that is broken, the header has to stay what it is.
///
/// @param config its bytes as captured
/// @param chain its capabilities
/// @param isVirtual whether it is an SR-IOV virtual function
/// @param bars the Base Address Registers that it implements
/// @param vfBars those of its virtual functions, in its SR-IOV capability
record EmulatedFunction(
    ConfigSpace config,
    CapabilityChain chain,
    boolean isVirtual,
    List<Bar> bars,
    List<Bar> vfBars) {

  private static final int ROOT_PORT = 4;
  private static final int UPSTREAM_PORT = 5;
  private static final int DOWNSTREAM_PORT = 6;
  private static final int EXPRESS_TO_PCI_BRIDGE = 7;
  private static final int PCI_TO_EXPRESS_BRIDGE = 8;
  private static final int ROOT_COMPLEX_ENDPOINT = 9;
  private static final int ROOT_COMPLEX_EVENT_COLLECTOR = 10;

  EmulatedFunction {
    bars = List.copyOf(bars);
    vfBars = List.copyOf(vfBars);
  }

  /// The first capability with this id.
  Optional<Capability> find(CapabilityId id) {
    return chain.find(id).filter(this::isWhole);
  }

  /// The capabilities with these ids.
  List<Capability> findAll(Set<CapabilityId> ids) {
    List<Capability> found = new ArrayList<>();
    for (List<Capability> list : List.of(chain.standard(), chain.extended())) {
      for (Capability capability : list) {
        if (ids.contains(capability.id()) && isWhole(capability)) {
          found.add(capability);
        }
      }
    }
    return found;
  }

  private boolean isWhole(Capability capability) {
    ByteRange behindHeader =
        ByteRange.between(capability.offset() + 1, capability.extent().range().end());
    List<Capability> list = capability.id().isExtended() ? chain.extended() : chain.standard();
    for (Capability other : list) {
      if (behindHeader.contains(other.offset())) {
        return false;
      }
    }
    return true;
  }

  boolean isExpress() {
    return find(CapabilityId.PCI_EXPRESS).isPresent();
  }

  /// A field of the PCI Express capability, 0 if there is none.
  private int expressBits(int register, int high, int low) {
    return find(CapabilityId.PCI_EXPRESS)
        .map(capability -> RegisterBlock.of(this, capability).bits(register, high, low))
        .orElse(0);
  }

  /// Device/Port Type, 0 to 15.
  private int portType() {
    return expressBits(0x00, 23, 20);
  }

  /// Whether it is an endpoint of any kind.
  boolean isEndpoint() {
    return portType() <= 1 || isIntegratedEndpoint();
  }

  boolean isIntegratedEndpoint() {
    return portType() == ROOT_COMPLEX_ENDPOINT;
  }

  boolean isRootPort() {
    return portType() == ROOT_PORT;
  }

  boolean isExpressToPciBridge() {
    return portType() == EXPRESS_TO_PCI_BRIDGE;
  }

  /// Whether the Root registers apply.
  boolean isRoot() {
    return isRootPort() || portType() == ROOT_COMPLEX_EVENT_COLLECTOR;
  }

  /// Whether it forwards what others send.
  boolean isRouting() {
    return isRootPort() || portType() == UPSTREAM_PORT || portType() == DOWNSTREAM_PORT;
  }

  /// Whether a link begins below it.
  boolean isDownstream() {
    return isRootPort() || portType() == DOWNSTREAM_PORT || portType() == PCI_TO_EXPRESS_BRIDGE;
  }

  /// Whether the Link registers apply.
  boolean hasLink() {
    return !isIntegratedEndpoint() && portType() != ROOT_COMPLEX_EVENT_COLLECTOR;
  }

  /// Flit Mode Supported.
  boolean hasFlitMode() {
    return expressBits(0x00, 31, 31) == 1;
  }

  /// Maximum Link Width.
  int lanes() {
    return expressBits(0x0c, 9, 4);
  }

  boolean isBridge() {
    return config.headerLayout() == 1;
  }

  boolean isVga() {
    return config.classCode() >>> 8 == 0x0300;
  }

  boolean hasInterruptPin() {
    return config.u8(Header.INTERRUPT_PIN) != 0;
  }

  /// Whether it decodes I/O addresses.
  boolean hasIo() {
    return isBridge() || bars.stream().anyMatch(bar -> !bar.isMemory());
  }

  /// Whether it decodes memory addresses.
  boolean hasMemory() {
    return isBridge()
        || bars.stream().anyMatch(Bar::isMemory)
        || find(CapabilityId.ENHANCED_ALLOCATION).isPresent();
  }
}
