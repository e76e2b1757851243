package io.vpasid.it.realkernel;

import io.vpasid.guest.vfiouser.Outcome;
import io.vpasid.guest.vfiouser.VfioUserDevice;
import io.vpasid.pci.ConfigSpace;
import io.vpasid.vmm.vfio.Irq;
import io.vpasid.vmm.vfio.PciIndex;
import io.vpasid.vmm.vfio.Region;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/// A PCI function as a machine has it in a slot: nothing is hidden and nothing synthesized. It has
/// no interrupts, and its BARs read as 0.
///
/// Its registers are memory. That is enough for a kernel to enable what it finds, and it does
/// without this project's own guest view, so that the kernel's view of the function owes nothing to
/// it.
final class PhysicalFunction implements VfioUserDevice {
  /// Upper half of the Device Control register in the PCI Express capability; bit 7 of it (bit 15
  /// of the register) initiates a function level reset and always reads as 0.
  private static final int DEVICE_CONTROL_HIGH = 9;

  private static final int INITIATE_RESET = 0x80;
  private static final int CAPABILITIES_POINTER = 0x34;
  private static final int PCI_EXPRESS = 0x10;

  private static final int BAR0 = 0x10;
  private static final int BARS = 6;

  /// In a BAR: it is one of memory with 64 bits, and the next register has the upper ones.
  private static final int MEMORY_64 = 4;

  private static final int BAR_SIZE = 0x10000;

  private final byte[] atReset;
  private final byte[] config;
  private final int deviceControlHigh;

  PhysicalFunction(ConfigSpace config) {
    this.atReset = config.toByteArray();
    this.config = atReset.clone();
    this.deviceControlHigh = pciExpress(config) + DEVICE_CONTROL_HIGH;
  }

  private static int pciExpress(ConfigSpace config) {
    int at = config.u8(CAPABILITIES_POINTER);
    while (config.u8(at) != PCI_EXPRESS) {
      at = config.u8(at + 1);
    }
    return at;
  }

  @Override
  public List<Region> regions() {
    List<Region> regions = new ArrayList<>(Collections.nCopies(PciIndex.REGIONS, Region.NONE));
    regions.set(PciIndex.CONFIG_REGION, new Region(config.length, Region.READ | Region.WRITE));
    for (int bar = 0; bar < BARS; bar++) {
      int register = ConfigSpace.of(atReset).u32(BAR0 + 4 * bar);
      if (register != 0) {
        regions.set(bar, new Region(BAR_SIZE, Region.READ | Region.WRITE));
      }
      bar += (register & MEMORY_64) == MEMORY_64 ? 1 : 0;
    }
    return regions;
  }

  @Override
  public List<Irq> irqs() {
    return Collections.nCopies(PciIndex.IRQS, Irq.NONE);
  }

  @Override
  public boolean isResettable() {
    return true;
  }

  @Override
  public Outcome read(int region, long offset, ByteBuffer destination) {
    if (region != PciIndex.CONFIG_REGION) {
      destination.put(new byte[destination.remaining()]);
      return Outcome.done();
    }
    destination.put(config, (int) offset, destination.remaining());
    return Outcome.done();
  }

  @Override
  public Outcome write(int region, long offset, ByteBuffer source) {
    if (region != PciIndex.CONFIG_REGION) {
      return Outcome.done();
    }
    source.get(config, (int) offset, source.remaining());
    return (config[deviceControlHigh] & INITIATE_RESET) == 0 ? Outcome.done() : reset();
  }

  @Override
  public Outcome reset() {
    System.arraycopy(atReset, 0, config, 0, config.length);
    return Outcome.done();
  }
}
