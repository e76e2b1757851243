package io.vpasid.guest.host;

import io.vpasid.guest.config.CapturedHardware;
import io.vpasid.guest.config.FunctionDescription;
import io.vpasid.guest.config.FunctionDescription.Doorbell;
import io.vpasid.guest.vfiouser.Outcome;
import io.vpasid.guest.vfiouser.VfioUserDevice;
import io.vpasid.guest.vfiouser.VfioUserPeer;
import io.vpasid.pci.ConfigSpace;
import io.vpasid.pci.PciAddress;
import io.vpasid.pci.emulation.Bar;
import io.vpasid.pci.emulation.DeviceConfig;
import io.vpasid.pci.emulation.EmulatedRegisters;
import io.vpasid.pci.emulation.GuestConfigSpace;
import io.vpasid.pci.vfio.VfioView;
import io.vpasid.synth.HardwareInfo;
import io.vpasid.vmm.frontend.vtd.DmaEngine;
import io.vpasid.vmm.frontend.vtd.FunctionDma;
import io.vpasid.vmm.iommufd.simulated.SimulatedDevice;
import io.vpasid.vmm.vfio.Irq;
import io.vpasid.vmm.vfio.PciIndex;
import io.vpasid.vmm.vfio.Region;
import io.vpasid.vmm.vfio.RegisterAccess;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// An emulated function as its host has it: registers as vfio-pci shows them, BARs whose bytes are
/// memory, and interrupts that are raised from outside or through a doorbell register.
///
/// A guest does not see these registers but the view that a [io.vpasid.vmm.PassthroughFunction]
/// lays over them, which [io.vpasid.guest.device.FunctionDevice] serves in front of this. A reset
/// of the function, from whichever side, empties its BARs.
public final class EmulatedHardware implements VfioUserDevice {
  private final PciAddress address;
  private final boolean isVirtual;
  private final GuestConfigSpace registers;
  private final List<Region> regions;
  private final List<Irq> irqs;
  private final Optional<Doorbell> doorbell;
  private final BarMemory memory;
  private final Optional<Integer> engineBar;
  private volatile @Nullable DmaEngine engine;
  private volatile @Nullable VfioUserPeer peer;

  /// Makes a function.
  ///
  /// @param isVirtual whether it is an SR-IOV virtual function
  /// @param pages what the memory of its BARs is taken from
  EmulatedHardware(FunctionDescription description, boolean isVirtual, BarPages pages) {
    memory = new BarMemory(pages);
    address = description.address();
    this.isVirtual = isVirtual;
    ConfigSpace config =
        VfioView.of(description.captured().config(), description.captured().id()).config();
    List<Bar> bars = description.bars();
    registers =
        (isVirtual
                ? EmulatedRegisters.ofVirtualFunction(config, bars)
                : EmulatedRegisters.ofFunction(config, bars))
            .applyTo(GuestConfigSpace.over(DeviceConfig.readOnly(config)))
            .onReset(this::clear)
            .build();
    List<Region> all = new ArrayList<>(Collections.nCopies(PciIndex.REGIONS, Region.NONE));
    for (Bar bar : bars) {
      all.set(
          PciIndex.BAR0_REGION + bar.index(), new Region(bar.size(), Region.READ | Region.WRITE));
    }
    this.regions = List.copyOf(all);
    this.irqs = List.copyOf(CapturedHardware.irqs(config));
    this.doorbell = description.doorbell();
    engineBar = description.engineBar();
  }

  /// Makes a function that has the memory of its BARs for itself.
  ///
  /// @param isVirtual whether it is an SR-IOV virtual function
  public static EmulatedHardware of(FunctionDescription description, boolean isVirtual) {
    return new EmulatedHardware(description, isVirtual, BarPages.ofOneFunction());
  }

  /// Lets its DMA engine, if it has one, reach the guest's memory.
  public void doDmaThrough(FunctionDma dma) {
    if (engineBar.isPresent()) {
      engine = new DmaEngine(dma, () -> raise(0));
    }
  }

  private void clear() {
    memory.clear();
    DmaEngine its = engine;
    if (its != null) {
      its.reset();
    }
  }

  /// The engine, if a register of it is what a guest accesses.
  private Optional<DmaEngine> engine(int region, long offset) {
    return offset < DmaEngine.SIZE && engineBar.filter(bar -> bar == region).isPresent()
        ? Optional.ofNullable(engine)
        : Optional.empty();
  }

  /// Its registers as vfio-pci shows them.
  public DeviceConfig config() {
    return registers;
  }

  /// The device that a simulated host has at its address; a reset there is one here.
  ///
  /// @param reported what the host's IOMMU reports for it
  public SimulatedDevice device(HardwareInfo reported) {
    SimulatedDevice device =
        SimulatedDevice.at(address).reporting(reported).config(registers).onReset(this::reset);
    return isVirtual ? device.virtualFunction() : device;
  }

  @Override
  public List<Region> regions() {
    return regions;
  }

  @Override
  public List<Irq> irqs() {
    return irqs;
  }

  @Override
  public boolean isResettable() {
    return true;
  }

  @Override
  public Outcome read(int region, long offset, ByteBuffer destination) {
    Optional<DmaEngine> registers = engine(region, offset);
    if (registers.isPresent()) {
      DmaEngine its = registers.get();
      RegisterAccess.readWide(offset, destination, (at, width) -> its.read((int) at, width));
    } else {
      memory.read(region, offset, destination);
    }
    return Outcome.done();
  }

  @Override
  public Outcome write(int region, long offset, ByteBuffer source) {
    Optional<DmaEngine> registers = engine(region, offset);
    if (registers.isPresent()) {
      DmaEngine its = registers.get();
      RegisterAccess.writeWide(
          offset, source, (at, width, value) -> its.write((int) at, width, value));
      return Outcome.done();
    }
    boolean rings = doorbell.filter(d -> isWritten(d, region, offset, source)).isPresent();
    Outcome outcome = memory.write(region, offset, source);
    if (rings) {
      doorbell.ifPresent(this::ring);
    }
    return outcome;
  }

  /// True if a write covers the register as a whole.
  private static boolean isWritten(Doorbell register, int region, long offset, ByteBuffer source) {
    return region == register.bar()
        && offset <= register.offset()
        && register.offset() + Integer.BYTES <= offset + source.remaining();
  }

  private void ring(Doorbell register) {
    ByteBuffer value = ByteBuffer.allocate(Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    memory.read(register.bar(), register.offset(), value);
    raise(value.getInt(0));
  }

  /// Raises an MSI-X vector. May be called by any thread.
  ///
  /// @return whether the client was told; false if it does not listen to this one
  public boolean raise(int vector) {
    VfioUserPeer present = peer;
    return present != null && present.trigger(PciIndex.MSIX_IRQ, vector);
  }

  @Override
  public Outcome reset() {
    registers.reset();
    return Outcome.done();
  }

  @Override
  public void connected(VfioUserPeer connected) {
    peer = connected;
  }

  @Override
  public void disconnected() {
    peer = null;
  }
}
