package io.vpasid.it.realkernel;

import io.vpasid.guest.vfiouser.Irq;
import io.vpasid.guest.vfiouser.Outcome;
import io.vpasid.guest.vfiouser.PciIndex;
import io.vpasid.guest.vfiouser.Region;
import io.vpasid.guest.vfiouser.VfioUserDevice;
import io.vpasid.pci.ConfigSpace;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/// A PCI function as a machine has it in a slot: nothing is hidden and nothing synthesized. It has
/// no BARs and no interrupts.
///
/// Its registers are memory. That is enough for a kernel to enable what it finds, and it does
/// without this project's own guest view, so that the kernel's view of the function owes nothing to
/// it.
final class PhysicalFunction implements VfioUserDevice {
  /// Upper half of the Device Control register of a function from [Accelerators]; bit 7 of it (bit
  /// 15 of the register) initiates a function level reset and always reads as 0.
  private static final int DEVICE_CONTROL_HIGH = 0x49;

  private static final int INITIATE_RESET = 0x80;

  private final byte[] atReset;
  private final byte[] config;

  PhysicalFunction(ConfigSpace config) {
    atReset = config.toByteArray();
    this.config = atReset.clone();
  }

  @Override
  public List<Region> regions() {
    List<Region> regions = new ArrayList<>(Collections.nCopies(PciIndex.REGIONS, Region.NONE));
    regions.set(PciIndex.CONFIG_REGION, new Region(config.length, Region.READ | Region.WRITE));
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
    destination.put(config, (int) offset, destination.remaining());
    return Outcome.done();
  }

  @Override
  public Outcome write(int region, long offset, ByteBuffer source) {
    source.get(config, (int) offset, source.remaining());
    return (config[DEVICE_CONTROL_HIGH] & INITIATE_RESET) == 0 ? Outcome.done() : reset();
  }

  @Override
  public Outcome reset() {
    System.arraycopy(atReset, 0, config, 0, config.length);
    return Outcome.done();
  }
}
