package io.vpasid.vmm;

import io.vpasid.pci.ConfigSpace;
import io.vpasid.pci.capability.Capability;
import io.vpasid.pci.capability.CapabilityChain;
import io.vpasid.pci.capability.CapabilityId;

/// Recognizes the guest's writes that reset the function: Initiate Function Level Reset in the PCI
/// Express capability's Device Control register, and Initiate FLR in the Advanced Features
/// capability (PCI Express Base Specification 7.0, sections 7.5.3.4 and 7.9.21.3).
///
/// @param deviceControl offset of the byte that has the bit, -1 if the function has no such reset
/// @param advancedFeatures likewise
record FunctionLevelReset(int deviceControl, int advancedFeatures) {
  private static final int DEVICE_CAPABILITIES = 0x04;
  private static final int FLR_SUPPORTED = 1 << 28;
  private static final int DEVICE_CONTROL_HIGH_BYTE = 0x09;
  private static final int INITIATE = 0x80;

  private static final int AF_CAPABILITIES = 0x03;
  private static final int AF_FLR_SUPPORTED = 1 << 1;
  private static final int AF_CONTROL = 0x04;
  private static final int AF_INITIATE = 1;

  static FunctionLevelReset of(ConfigSpace config, CapabilityChain chain) {
    int deviceControl = -1;
    int advancedFeatures = -1;
    for (Capability capability : chain.standard()) {
      int at = capability.offset();
      if (capability.id().equals(CapabilityId.PCI_EXPRESS)
          && at + DEVICE_CONTROL_HIGH_BYTE < ConfigSpace.STANDARD_SIZE
          && (config.u32(at + DEVICE_CAPABILITIES) & FLR_SUPPORTED) != 0) {
        deviceControl = at + DEVICE_CONTROL_HIGH_BYTE;
      }
      if (capability.id().equals(CapabilityId.ADVANCED_FEATURES)
          && at + AF_CONTROL < ConfigSpace.STANDARD_SIZE
          && (config.u8(at + AF_CAPABILITIES) & AF_FLR_SUPPORTED) != 0) {
        advancedFeatures = at + AF_CONTROL;
      }
    }
    return new FunctionLevelReset(deviceControl, advancedFeatures);
  }

  /// True if a write initiates a reset.
  boolean isInitiatedBy(int offset, int width, int value) {
    return hasBit(deviceControl, INITIATE, offset, width, value)
        || hasBit(advancedFeatures, AF_INITIATE, offset, width, value);
  }

  private static boolean hasBit(int register, int bit, int offset, int width, int value) {
    return register >= offset
        && register < offset + width
        && (value >>> ((register - offset) << 3) & bit) != 0;
  }
}
