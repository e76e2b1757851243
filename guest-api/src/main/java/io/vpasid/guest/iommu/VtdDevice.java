package io.vpasid.guest.iommu;

import io.vpasid.guest.vfiouser.DmaWindow;
import io.vpasid.guest.vfiouser.Outcome;
import io.vpasid.guest.vfiouser.VfioUserDevice;
import io.vpasid.guest.vfiouser.VfioUserPeer;
import io.vpasid.pci.ConfigSpace;
import io.vpasid.pci.emulation.Bar;
import io.vpasid.pci.emulation.DeviceConfig;
import io.vpasid.pci.emulation.EmulatedRegisters;
import io.vpasid.pci.emulation.GuestConfigSpace;
import io.vpasid.vmm.frontend.vtd.VtdUnit;
import io.vpasid.vmm.linux.Errno;
import io.vpasid.vmm.vfio.Irq;
import io.vpasid.vmm.vfio.PciIndex;
import io.vpasid.vmm.vfio.Region;
import io.vpasid.vmm.vfio.RegisterAccess;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;

/// A remapping unit as a function of class 0806 (IOMMU), whose BAR 0 is the unit's register page.
///
/// Its configuration space is that of a root complex integrated endpoint with nothing else. A reset
/// of the function is one of the unit, as is a client that goes: nothing stays translated.
final class VtdDevice implements VfioUserDevice {
  private static final int VENDOR = 0xf00d;
  private static final int DEVICE = 0x0806;
  private static final int IOMMU_CLASS = 0x080600;
  private static final int CAPABILITIES = 0x40;
  private static final int PCI_EXPRESS_INTEGRATED_ENDPOINT = 0x0092_0010;
  private static final int CAPABILITY_LIST = 1 << 20;

  /// Seconds that a reset may take.
  private static final int RESET_SECONDS = 30;

  private final VtdUnit unit;
  private final ClientWindows windows;
  private final InterruptSenders senders;
  private final GuestConfigSpace config;

  VtdDevice(VtdUnit unit, ClientWindows windows, InterruptSenders senders) {
    this.unit = unit;
    this.windows = windows;
    this.senders = senders;
    ConfigSpace registers = registers();
    config =
        EmulatedRegisters.ofFunction(
                registers, List.of(Bar.memory32(0, VtdUnit.REGISTER_PAGE_SIZE)))
            .applyTo(GuestConfigSpace.over(DeviceConfig.readOnly(registers)))
            .build();
  }

  private static ConfigSpace registers() {
    ByteBuffer bytes =
        ByteBuffer.allocate(ConfigSpace.EXTENDED_SIZE).order(ByteOrder.LITTLE_ENDIAN);
    bytes.putInt(0x00, DEVICE << 16 | VENDOR).putInt(0x04, CAPABILITY_LIST);
    bytes.putInt(0x08, IOMMU_CLASS << 8).putInt(0x2c, DEVICE << 16 | VENDOR);
    bytes.put(0x34, (byte) CAPABILITIES).putInt(CAPABILITIES, PCI_EXPRESS_INTEGRATED_ENDPOINT);
    return ConfigSpace.of(bytes.array());
  }

  @Override
  public List<Region> regions() {
    List<Region> regions = new ArrayList<>(Collections.nCopies(PciIndex.REGIONS, Region.NONE));
    int readWrite = Region.READ | Region.WRITE;
    regions.set(PciIndex.BAR0_REGION, new Region(VtdUnit.REGISTER_PAGE_SIZE, readWrite));
    regions.set(PciIndex.CONFIG_REGION, new Region(config.size(), readWrite));
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
    if (region == PciIndex.CONFIG_REGION) {
      RegisterAccess.read(offset, destination, (at, width) -> config.read((int) at, width));
    } else {
      RegisterAccess.readWide(
          offset, destination, (at, width) -> unit.readRegister((int) at, width));
    }
    return Outcome.done();
  }

  @Override
  public Outcome write(int region, long offset, ByteBuffer source) {
    if (region == PciIndex.CONFIG_REGION) {
      RegisterAccess.write(
          offset, source, (at, width, value) -> config.write((int) at, width, value));
    } else {
      RegisterAccess.writeWide(
          offset, source, (at, width, value) -> unit.writeRegister((int) at, width, value));
    }
    return Outcome.done();
  }

  @Override
  public Outcome reset() {
    config.reset();
    try {
      var _ = unit.reset().orTimeout(RESET_SECONDS, TimeUnit.SECONDS).join();
      return Outcome.done();
    } catch (CompletionException e) {
      return Outcome.refused(Errno.EIO, "The unit cannot be reset: " + e.getCause());
    }
  }

  @Override
  public Outcome dmaMapped(DmaWindow window) {
    return windows.add(window);
  }

  @Override
  public void dmaUnmapped(DmaWindow window) {
    windows.remove(window);
  }

  @Override
  public void connected(VfioUserPeer peer) {
    senders.unitIs(peer);
  }

  @Override
  public void disconnected() {
    senders.unitIsGone();
    var _ = reset();
  }
}
