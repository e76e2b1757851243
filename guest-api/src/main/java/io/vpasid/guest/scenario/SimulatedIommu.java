package io.vpasid.guest.scenario;

import io.vpasid.guest.emulator.IommuPort;
import io.vpasid.guest.host.EmulatedBacking;
import io.vpasid.guest.iommu.VirtualIommu;
import io.vpasid.guest.iommu.VirtualIommu.ShownEntry;
import io.vpasid.guest.vfiouser.VfioUserDevice;
import io.vpasid.pci.PciAddress;
import io.vpasid.vmm.frontend.GuestMemory;
import io.vpasid.vmm.frontend.MappedGuestMemory;
import io.vpasid.vmm.frontend.nested.TranslationMode;
import io.vpasid.vmm.frontend.vtd.SourceId;
import io.vpasid.vmm.frontend.vtd.Translation;
import io.vpasid.vmm.frontend.vtd.VtdUnit;
import io.vpasid.vmm.iommufd.HwptId;
import io.vpasid.vmm.iommufd.Pasid;
import io.vpasid.vmm.iommufd.simulated.SimulatedHost;
import io.vpasid.vmm.linux.calls.Memfd;
import io.vpasid.vmm.vfio.PciIndex;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/// The virtual IOMMU of a guest in this process, with the guest's memory.
final class SimulatedIommu implements IommuPort, AutoCloseable {
  /// More than a guest can have entries.
  private static final int ALL_ENTRIES = Integer.MAX_VALUE;

  private final EmulatedBacking backing;
  private final Memfd memory;
  private final GuestMemory view;
  private final VirtualIommu iommu;
  private final VtdUnit unit;
  private final VfioUserDevice device;

  private SimulatedIommu(EmulatedBacking backing, Memfd memory, VirtualIommu iommu) {
    this.backing = backing;
    this.memory = memory;
    this.iommu = iommu;
    view = MappedGuestMemory.of(new MappedGuestMemory.Range(0, memory.memory()));
    unit = iommu.unit();
    device = backing.device();
  }

  /// Puts a function that is alone on its host behind an IOMMU.
  ///
  /// @throws IllegalArgumentException if the host cannot do the mode
  static SimulatedIommu open(EmulatedBacking backing, TranslationMode.Kind mode) {
    PciAddress place = new PciAddress(0, 0, DEVICE, 0);
    Memfd memory = Memfd.create("scenario-guest", MEMORY_SIZE);
    try {
      VirtualIommu iommu =
          VirtualIommu.open(
              backing.iommufd(),
              List.of(new VirtualIommu.Covered(place, backing.function(), Optional::empty)),
              Optional.of(mode));
      iommu.addMemory(0, memory.memory());
      backing.hardware().doDmaThrough(iommu.unit().dma(SourceId.of(place)));
      return new SimulatedIommu(backing, memory, iommu);
    } catch (RuntimeException e) {
      memory.close();
      throw e;
    }
  }

  @Override
  public GuestMemory memory() {
    return view;
  }

  @Override
  public long readRegister(int offset, int width) {
    return unit.readRegister(offset, width);
  }

  @Override
  public void writeRegister(int offset, int width, long value) {
    unit.writeRegister(offset, width, value);
  }

  @Override
  public long readBar(int bar, int offset, int width) {
    ByteBuffer bytes = ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    var _ = device.read(PciIndex.BAR0_REGION + bar, offset, bytes.limit(width));
    return bytes.clear().getLong();
  }

  @Override
  public void writeBar(int bar, int offset, int width, long value) {
    ByteBuffer bytes =
        ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN).putLong(0, value);
    var _ = device.write(PciIndex.BAR0_REGION + bar, offset, bytes.limit(width));
  }

  /// The attachments of the simulated kernel, by PASID; 0 is the function itself, which is left out
  /// while translation is off.
  SortedMap<Integer, String> attached() {
    Map<Integer, ShownEntry> entries = new HashMap<>();
    for (ShownEntry entry : iommu.snapshot(ALL_ENTRIES).join().entries()) {
      entries.put(entry.told().requester().pasid(), entry);
    }
    SimulatedHost host = backing.host();
    PciAddress address = backing.captured().address();
    SortedMap<Integer, String> attached = new TreeMap<>();
    host.attachment(address)
        .map(pageTable -> text(pageTable, entries.get(0)))
        .filter(text -> !text.isEmpty())
        .ifPresent(text -> attached.put(0, text));
    for (Pasid pasid : host.attachedPasids(address)) {
      host.attachment(address, pasid)
          .ifPresent(pageTable ->
              attached.put(pasid.value(), text(pageTable, entries.get(pasid.value()))));
    }
    return attached;
  }

  /// A page table of the kernel in words: of a nested one the kernel knows, of others the IOMMU.
  private String text(HwptId pageTable, @Nullable ShownEntry entry) {
    OptionalLong firstStage = backing.reach(pageTable).firstStage();
    if (firstStage.isPresent()) {
      return "first stage at 0x%x".formatted(firstStage.getAsLong());
    }
    if (entry == null || !entry.attachedTo().contains(pageTable.toString())) {
      return "page table " + pageTable.value();
    }
    return switch (entry.told().translation()) {
      case Translation.Untranslated _ -> "";
      case Translation.PassThrough _ -> "pass-through";
      case Translation.SecondStage second ->
          "second stage at 0x%x".formatted(second.table().pointer());
      default -> "page table " + pageTable.value();
    };
  }

  /// How many bytes are mapped for a PASID; empty if it has no page table, or a nested one.
  OptionalLong mapped(Pasid pasid) {
    return backing
        .host()
        .attachment(backing.captured().address(), pasid)
        .map(pageTable -> backing.reach(pageTable).mapped())
        .orElse(OptionalLong.empty());
  }

  /// Lets the function go, before it is closed.
  void release() {
    iommu.uncover(backing.function());
  }

  @Override
  public void close() {
    try {
      iommu.close();
    } finally {
      memory.close();
    }
  }
}
