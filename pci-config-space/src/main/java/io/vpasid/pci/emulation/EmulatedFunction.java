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

/// Facts about a function whose registers are emulated.
///
/// @param config its bytes as captured
/// @param capabilities those that a guest finds and whose registers are theirs alone: if the header
///   of another lies on them, in a list that is broken, the header has to stay what it is
/// @param isVirtual whether it is an SR-IOV virtual function
/// @param bars the Base Address Registers that it implements
/// @param vfBars those of its virtual functions, in its SR-IOV capability
record EmulatedFunction(
    ConfigSpace config,
    List<Capability> capabilities,
    boolean isVirtual,
    List<Bar> bars,
    List<Bar> vfBars) {

  /// CardBus bridges; a guest has nothing to do with functions of another layout.
  private static final int LAST_LAYOUT = 2;

  /// Bits 7:6 of it: the device is capable of 533 MHz, of 266 MHz.
  private static final int PCI_X_STATUS_HIGH_BYTE = 0x07;

  private static final int ROOT_PORT = 4;
  private static final int UPSTREAM_PORT = 5;
  private static final int DOWNSTREAM_PORT = 6;
  private static final int EXPRESS_TO_PCI_BRIDGE = 7;
  private static final int PCI_TO_EXPRESS_BRIDGE = 8;
  private static final int ROOT_COMPLEX_ENDPOINT = 9;
  private static final int ROOT_COMPLEX_EVENT_COLLECTOR = 10;

  EmulatedFunction {
    capabilities = List.copyOf(capabilities);
    bars = List.copyOf(bars);
    vfBars = List.copyOf(vfBars);
  }

  /// @param chain the capabilities of `config`
  static EmulatedFunction of(
      ConfigSpace config,
      CapabilityChain chain,
      boolean isVirtual,
      List<Bar> bars,
      List<Bar> vfBars) {
    List<Capability> capabilities = new ArrayList<>();
    if (config.headerLayout() <= LAST_LAYOUT) {
      addWhole(chain.standard(), capabilities);
      if (hasExtendedSpace(config, capabilities)) {
        addWhole(chain.extended(), capabilities);
      }
    }
    return new EmulatedFunction(config, capabilities, isVirtual, bars, vfBars);
  }

  private static void addWhole(List<Capability> list, List<Capability> whole) {
    for (Capability capability : list) {
      ByteRange behindHeader =
          ByteRange.between(capability.offset() + 1, capability.extent().range().end());
      if (list.stream().noneMatch(other -> behindHeader.contains(other.offset()))) {
        whole.add(capability);
      }
    }
  }

  /// True if a guest looks for extended capabilities: it does in functions of PCI Express and in
  /// those of PCI-X that can do 266 or 533 MHz.
  private static boolean hasExtendedSpace(ConfigSpace config, List<Capability> standard) {
    return standard.stream()
        .anyMatch(capability ->
            capability.id().equals(CapabilityId.PCI_EXPRESS)
                || (capability.id().equals(CapabilityId.PCI_X)
                    && capability.offset() + PCI_X_STATUS_HIGH_BYTE < ConfigSpace.STANDARD_SIZE
                    && config.u8(capability.offset() + PCI_X_STATUS_HIGH_BYTE) >>> 6 != 0));
  }

  /// The first capability with this id.
  Optional<Capability> find(CapabilityId id) {
    return capabilities.stream().filter(capability -> capability.id().equals(id)).findFirst();
  }

  /// The capabilities with these ids.
  List<Capability> findAll(Set<CapabilityId> ids) {
    return capabilities.stream().filter(capability -> ids.contains(capability.id())).toList();
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

  /// True if it is an endpoint of any kind.
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

  /// True if the Root registers apply.
  boolean isRoot() {
    return isRootPort() || portType() == ROOT_COMPLEX_EVENT_COLLECTOR;
  }

  /// True if it forwards what others send.
  boolean isRouting() {
    return isRootPort() || portType() == UPSTREAM_PORT || portType() == DOWNSTREAM_PORT;
  }

  /// True if a link begins below it.
  boolean isDownstream() {
    return isRootPort() || portType() == DOWNSTREAM_PORT || portType() == PCI_TO_EXPRESS_BRIDGE;
  }

  /// True if the Link registers apply.
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

  /// True if it decodes I/O addresses.
  boolean hasIo() {
    return isBridge() || bars.stream().anyMatch(bar -> !bar.isMemory());
  }

  /// True if it decodes memory addresses.
  boolean hasMemory() {
    return isBridge()
        || bars.stream().anyMatch(Bar::isMemory)
        || find(CapabilityId.ENHANCED_ALLOCATION).isPresent();
  }
}
