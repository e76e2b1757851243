package io.vpasid.vmm;

import io.vpasid.pci.ConfigSpace;
import io.vpasid.pci.PciAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/// Functions as they might be captured.
public final class Captures {
  /// Where they are.
  public static final PciAddress ADDRESS = new PciAddress(0, 1, 0, 0);

  private Captures() {}

  /// An endpoint with function-level reset, AER at 0x100 and its own PASID capability, which
  /// vfio-pci hides, at 0x200.
  public static ConfigSpace endpoint() {
    return endpoint(0x00020001);
  }

  /// The same as its host has it: the list leads to the PASID capability.
  public static ConfigSpace endpointOnHost() {
    return endpoint(0x20020001);
  }

  private static ConfigSpace endpoint(int aer) {
    ByteBuffer bytes =
        ByteBuffer.allocate(ConfigSpace.EXTENDED_SIZE).order(ByteOrder.LITTLE_ENDIAN);
    bytes.putInt(0x00, 0x0001f00d).putInt(0x04, 0x00100006).putInt(0x08, 0x02000000);
    bytes.put(0x34, (byte) 0x40);
    bytes.putInt(0x40, 0x00020010).putInt(0x44, 0x10008022);
    bytes.putInt(0x100, aer);
    bytes.putInt(0x200, 0x0001001b).putInt(0x204, 0x00071406);
    return ConfigSpace.of(bytes.array());
  }
}
