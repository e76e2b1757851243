package io.vpasid.vmm;

import io.vpasid.pci.ConfigSpace;
import io.vpasid.pci.PciAddress;
import io.vpasid.pci.capability.CapabilityChain;
import io.vpasid.pci.emulation.ConfigPatch;
import io.vpasid.pci.emulation.GuestConfigSpace;
import io.vpasid.pci.vfio.VfioView;
import io.vpasid.synth.FurtherResult;
import io.vpasid.synth.HardwareInfo;
import io.vpasid.synth.PasidCapability;
import io.vpasid.synth.Synthesis;
import io.vpasid.synth.SynthesisRequest;
import io.vpasid.synth.SynthesisResult;
import io.vpasid.synth.Synthesizer;
import io.vpasid.vmm.iommufd.BoundDevice;
import io.vpasid.vmm.iommufd.FaultId;
import io.vpasid.vmm.iommufd.HwptData;
import io.vpasid.vmm.iommufd.HwptFlag;
import io.vpasid.vmm.iommufd.HwptId;
import io.vpasid.vmm.iommufd.HwptParentId;
import io.vpasid.vmm.iommufd.HwptRequest;
import io.vpasid.vmm.iommufd.IoasId;
import io.vpasid.vmm.iommufd.IommufdBackend;
import io.vpasid.vmm.iommufd.IommufdException;
import io.vpasid.vmm.iommufd.PageTableId;
import io.vpasid.vmm.iommufd.Pasid;
import io.vpasid.vmm.pasid.AttachOutcome;
import io.vpasid.vmm.pasid.DetachOutcome;
import io.vpasid.vmm.pasid.PasidAttachments;
import io.vpasid.vmm.pasid.PasidLimits;
import io.vpasid.vmm.pasid.PasidOutcome;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// One function that a VMM passes through to its guest: the one object that it holds for it.
///
/// The VMM routes the guest's configuration accesses to [#readConfig] and [#writeConfig], and its
/// requests for PASIDs, wherever they come from, to [#attachPasid] and [#detachPasid]:
///
/// ```java
/// try (IommufdBackend iommufd = provider.open(BackendOptions.DEFAULTS);
///     PassthroughFunction function =
///         PassthroughFunction.open(iommufd, address, FunctionOptions.defaults())) {
///   ... // run the guest
/// }
/// ```
///
/// Safe to use from several threads: configuration accesses come from any vCPU, allocate nothing
/// and hold no lock while they reach the device; requests wait for one another only for the same
/// PASID.
public final class PassthroughFunction implements AutoCloseable {
  private static final System.Logger LOG = System.getLogger(PassthroughFunction.class.getName());
  private static final FunctionEvent RESET = new FunctionEvent.RegistersReset();
  private static final FunctionEvent DETACHED = new FunctionEvent.FunctionDetached();

  private final IommufdBackend backend;
  private final BoundDevice device;
  private final HardwareInfo hardware;
  private final SynthesisResult synthesis;
  private final GuestConfigSpace guest;
  private final FunctionLevelReset functionLevelReset;
  private final PasidAttachments attachments;
  private final List<Consumer<? super FunctionEvent>> listeners = new CopyOnWriteArrayList<>();

  /// Those that [#newPageTable] made and that are not destroyed.
  private final Set<PageTableId> pageTables = ConcurrentHashMap.newKeySet();

  /// The page table of the function itself, if it was made here. Guarded by [#pageTables].
  private @Nullable HwptId own;

  private final LongAdder refusedControlWrites = new LongAdder();

  private PassthroughFunction(IommufdBackend backend, BoundDevice device, FunctionOptions options) {
    this.backend = backend;
    this.device = device;
    hardware = device.hwInfo().hardwareInfo();
    ConfigSpace region = GuestConfigSpace.over(device.config()).build().toConfigSpace();
    synthesis =
        Synthesizer.synthesize(
            new SynthesisRequest(
                VfioView.read(region),
                options.kind(),
                hardware,
                options.quirks(),
                options.policy(),
                options.otherCaptures(),
                options.further()));
    functionLevelReset = FunctionLevelReset.of(region, CapabilityChain.walk(region));
    GuestConfigSpace.Builder view = synthesis.applyTo(GuestConfigSpace.over(device.config()));
    int width =
        switch (synthesis) {
          case Synthesis s -> {
            view.observe(s.registers(), this::controlWritten);
            s.further().forEach(result -> observe(view, result));
            yield s.capability().width();
          }
          case SynthesisResult.Declined _ -> 0;
        };
    guest = view.build();
    attachments =
        new PasidAttachments(
            device,
            new PasidLimits(width, options.quota(), options.whenDisabled()),
            () -> control().enabled(),
            this::pasidRequested);
  }

  private void observe(GuestConfigSpace.Builder view, FurtherResult result) {
    if (result instanceof FurtherResult.Placed placed) {
      for (ConfigPatch register : placed.capability().registers()) {
        int offset = placed.offset() + register.offset();
        if ((register.writable() | register.writeOneToClear()) != 0) {
          view.observe(
              offset,
              (before, proposed, after) -> {
                if (!listeners.isEmpty()) {
                  tell(new FunctionEvent.RegisterWritten(offset, before, proposed, after));
                }
              });
        }
      }
    }
  }

  private void pasidRequested(long sequence, Pasid pasid, PasidOutcome outcome) {
    if (!listeners.isEmpty()) {
      tell(new FunctionEvent.PasidRequested(sequence, pasid, outcome));
    }
  }

  /// Binds the function to `backend`, asks what the host can do with it, reads its configuration
  /// space and synthesizes its vPASID, or finds that it gets none: [#synthesis] says which.
  ///
  /// @throws IommufdException if the function cannot be bound; nothing stays open then
  public static PassthroughFunction open(
      IommufdBackend backend, PciAddress address, FunctionOptions options) {
    BoundDevice device = backend.bind(address);
    try {
      return new PassthroughFunction(backend, device, options);
    } catch (RuntimeException e) {
      device.close();
      throw e;
    }
  }

  /// Where the function sits on the host.
  public PciAddress address() {
    return device.address();
  }

  /// The function as the backend has it, for what this class does not do: regions, interrupts, its
  /// own page table. It is closed with this object.
  public BoundDevice device() {
    return device;
  }

  /// The host's support for PASIDs on it.
  public HardwareInfo hardware() {
    return hardware;
  }

  /// The vPASID, or why there is none.
  public SynthesisResult synthesis() {
    return synthesis;
  }

  /// The PASIDs that are attached.
  public PasidAttachments attachments() {
    return attachments;
  }

  /// Number of bytes of the configuration space, 256 or 4096.
  public int configSize() {
    return guest.size();
  }

  /// Reads a register for the guest.
  ///
  /// @param offset of its first byte, any alignment; bytes outside the space read as 0xff
  /// @param width 1, 2 or 4 bytes
  /// @return the value, little endian, zero-extended
  /// @throws IllegalArgumentException if the width is another
  public int readConfig(int offset, int width) {
    return guest.read(offset, width);
  }

  /// Writes a register for the guest. A write that initiates a function-level reset also resets the
  /// registers that we emulate.
  ///
  /// @param offset of its first byte, any alignment; bytes outside the space are dropped
  /// @param width 1, 2 or 4 bytes
  /// @param value the value, little endian; bits above the width are ignored
  /// @throws IllegalArgumentException if the width is another
  public void writeConfig(int offset, int width, int value) {
    guest.write(offset, width, value);
    if (functionLevelReset.isInitiatedBy(offset, width, value)) {
      resetRegisters();
    }
  }

  /// The bytes that a guest would read now.
  public ConfigSpace guestView() {
    return guest.toConfigSpace();
  }

  /// The switches that the guest has set in its PASID control register.
  public PasidControl control() {
    return switch (synthesis) {
      case Synthesis s -> controlOf(guest.read(s.registers(), 4));
      case SynthesisResult.Declined _ -> PasidControl.OFF;
    };
  }

  /// How many guest writes tried to change EXEC or PRIV while PASID was enabled, which is refused.
  public long refusedControlWrites() {
    return refusedControlWrites.sum();
  }

  /// Tells `listener` what happens to the function from now on; once for each time it is added.
  ///
  /// It is called on the thread that made the request, the vCPU's that wrote the register or the
  /// one that reset the function, with no lock held: it may make requests itself, and whoever made
  /// this one waits for it. What it throws is logged and changes nothing.
  public Subscription listen(Consumer<? super FunctionEvent> listener) {
    listeners.add(listener);
    AtomicBoolean ended = new AtomicBoolean();
    return () -> {
      if (ended.compareAndSet(false, true)) {
        listeners.remove(listener);
      }
    };
  }

  /// Changes what the guest reads in a register of a further capability, which is no event.
  ///
  /// @param offset of the register in configuration space
  /// @param mask the bits that change
  /// @param value what they become; others are ignored
  public void setRegister(int offset, int mask, int value) {
    guest.set(offset, mask, value);
  }

  /// Makes a page table that PASIDs of this function can be attached to. It belongs to the
  /// function, whose [#close] destroys it; [#destroyPageTable] does so before.
  ///
  /// @param memory what it translates to; [IommufdBackend#ioasAlloc] makes one
  /// @throws IommufdException if it cannot be made: EOPNOTSUPP where the host has no PASIDs for the
  ///   function
  public HwptId newPageTable(IoasId memory) {
    return newPageTable(memory, HwptData.None.NONE);
  }

  /// Makes a page table as [#newPageTable(IoasId)] does, on one of the guest's.
  ///
  /// @param parent a nest parent, or a virtual IOMMU on one
  /// @param data what the guest says of its page table
  /// @throws IommufdException if it cannot be made
  public HwptId newPageTable(HwptParentId parent, HwptData data) {
    // Without the flag no PASID can be attached to it, nor beside it if the function itself is.
    HwptRequest request =
        new HwptRequest(device.id(), parent, Set.of(HwptFlag.PASID), data, FaultId.NONE);
    HwptId made = backend.hwptAlloc(request);
    pageTables.add(made);
    return made;
  }

  /// Destroys a page table that [#newPageTable] made, and that nothing is attached to any more:
  /// what a PASID was moved from ([AttachOutcome.Replaced]), or what [PasidAttachments#detachAll]
  /// has left.
  ///
  /// @throws IllegalArgumentException if it is not one of this function's
  /// @throws IommufdException EBUSY something is attached to it still; it stays
  public void destroyPageTable(PageTableId pageTable) {
    if (!pageTables.contains(pageTable)) {
      throw new IllegalArgumentException(pageTable + " is no page table of " + address() + ".");
    }
    backend.destroy(pageTable);
    pageTables.remove(pageTable);
  }

  /// Lets the function itself do DMA, without a PASID, to what is mapped; or to something else than
  /// before.
  ///
  /// @param memory where the guest's memory is mapped
  /// @throws IommufdException as [BoundDevice#attach]; what it was attached to before stays
  public void attach(IoasId memory) {
    PageTableId chosen;
    synchronized (pageTables) {
      if (hardware.maxPasidLog2() == 0) {
        chosen = device.attach(memory);
      } else {
        HwptId made = newPageTable(memory);
        try {
          chosen = device.attach(made);
        } catch (RuntimeException e) {
          destroyUnused(made);
          throw e;
        }
        ownIs(made);
      }
    }
    tell(new FunctionEvent.FunctionAttached(chosen));
  }

  /// Lets the function itself do DMA, without a PASID, through a page table; or through another
  /// than before.
  ///
  /// @param pageTable stays the caller's
  /// @throws IommufdException as [BoundDevice#attach]; what it was attached to before stays
  public void attach(HwptId pageTable) {
    PageTableId chosen;
    synchronized (pageTables) {
      chosen = device.attach(pageTable);
      ownIs(null);
    }
    tell(new FunctionEvent.FunctionAttached(chosen));
  }

  /// Blocks the function's own DMA. PASIDs stay attached.
  ///
  /// @throws IommufdException as [BoundDevice#detach]; it is attached still
  public void detach() {
    synchronized (pageTables) {
      device.detach();
      ownIs(null);
    }
    tell(DETACHED);
  }

  private void ownIs(@Nullable HwptId made) {
    HwptId before = own;
    own = made;
    if (before != null) {
      destroyUnused(before);
    }
  }

  /// Attaches a PASID for the guest, or moves it to another page table.
  ///
  /// @param pageTable one of [#newPageTable]'s
  /// @return what became of it; a refusal is a value
  public AttachOutcome attachPasid(Pasid pasid, PageTableId pageTable) {
    return attachments.attach(pasid, pageTable);
  }

  /// Detaches a PASID for the guest.
  ///
  /// @return what became of it; a refusal is a value
  public DetachOutcome detachPasid(Pasid pasid) {
    return attachments.detach(pasid);
  }

  /// Resets the function and the registers that we emulate. What is attached stays attached, as in
  /// the kernel.
  ///
  /// @throws IommufdException if the device cannot be reset; nothing has changed then
  public void reset() {
    device.reset();
    resetRegisters();
  }

  /// Resets only the registers that we emulate, for a function that itself cannot be reset.
  public void resetRegisters() {
    PasidControl before = control();
    guest.reset();
    tell(RESET);
    if (!before.equals(PasidControl.OFF)) {
      tell(new FunctionEvent.ControlChanged(PasidControl.OFF));
    }
  }

  private void controlWritten(int before, int proposed, int after) {
    if (PasidCapability.isRefused(before, proposed)) {
      refusedControlWrites.increment();
    }
    PasidControl now = controlOf(after);
    if (!now.equals(controlOf(before))) {
      tell(new FunctionEvent.ControlChanged(now));
    }
  }

  private void tell(FunctionEvent event) {
    for (Consumer<? super FunctionEvent> listener : listeners) {
      try {
        listener.accept(event);
      } catch (RuntimeException e) {
        LOG.log(System.Logger.Level.WARNING, "A listener failed on " + event, e);
      }
    }
  }

  private static PasidControl controlOf(int registers) {
    return new PasidControl(
        PasidCapability.isEnabled(registers),
        PasidCapability.isExecEnabled(registers),
        PasidCapability.isPrivEnabled(registers));
  }

  /// Detaches every PASID, in ascending order, gives the function back and destroys its page
  /// tables. Afterwards every request is refused. Closing again does nothing.
  @Override
  public void close() {
    attachments.close();
    device.close();
    pageTables.forEach(this::destroyUnused);
  }

  /// Destroys what nothing uses any more. What the kernel keeps all the same goes with the context.
  private void destroyUnused(PageTableId pageTable) {
    try {
      backend.destroy(pageTable);
      pageTables.remove(pageTable);
    } catch (IommufdException e) {
      LOG.log(System.Logger.Level.WARNING, pageTable + " stays: " + e.getMessage());
    }
  }
}
