package io.vpasid.vmm;

import io.vpasid.pci.ConfigSpace;
import io.vpasid.pci.PciAddress;
import io.vpasid.pci.capability.CapabilityChain;
import io.vpasid.pci.emulation.ConfigPatch;
import io.vpasid.pci.emulation.GuestConfigSpace;
import io.vpasid.pci.emulation.WriteObserver;
import io.vpasid.pci.vfio.VfioView;
import io.vpasid.synth.FurtherResult;
import io.vpasid.synth.HardwareInfo;
import io.vpasid.synth.PasidCapability;
import io.vpasid.synth.SynthesisRequest;
import io.vpasid.synth.SynthesisResult;
import io.vpasid.synth.Synthesizer;
import io.vpasid.vmm.iommufd.BoundDevice;
import io.vpasid.vmm.iommufd.IommufdBackend;
import io.vpasid.vmm.iommufd.PageTableId;
import io.vpasid.vmm.iommufd.Pasid;
import io.vpasid.vmm.pasid.AttachOutcome;
import io.vpasid.vmm.pasid.DetachOutcome;
import io.vpasid.vmm.pasid.PasidAttachments;
import io.vpasid.vmm.pasid.PasidLimits;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.LongAdder;

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
  private final BoundDevice device;
  private final HardwareInfo hardware;
  private final SynthesisResult synthesis;
  private final GuestConfigSpace guest;
  private final FunctionLevelReset functionLevelReset;
  private final PasidAttachments attachments;
  private final List<PasidControl.Listener> controlListeners = new CopyOnWriteArrayList<>();
  private final List<RegisterListener> registerListeners = new CopyOnWriteArrayList<>();
  private final List<Runnable> resetListeners = new CopyOnWriteArrayList<>();
  private final LongAdder refusedControlWrites = new LongAdder();

  private PassthroughFunction(BoundDevice device, FunctionOptions options) {
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
          case SynthesisResult.Synthesized s -> {
            view.observe(s.synthesis().registers(), this::controlWritten);
            s.synthesis().further().forEach(result -> observe(view, result));
            yield s.synthesis().capability().width();
          }
          case SynthesisResult.Declined _ -> 0;
        };
    guest = view.build();
    attachments =
        new PasidAttachments(
            device,
            new PasidLimits(width, options.quota(), options.whenDisabled()),
            () -> control().enabled());
  }

  private record RegisterListener(int offset, WriteObserver observer) {}

  private void observe(GuestConfigSpace.Builder view, FurtherResult result) {
    if (result instanceof FurtherResult.Placed placed) {
      for (ConfigPatch register : placed.capability().registers()) {
        int offset = placed.offset() + register.offset();
        if ((register.writable() | register.writeOneToClear()) != 0) {
          view.observe(
              offset,
              (before, proposed, after) -> registerWritten(offset, before, proposed, after));
        }
      }
    }
  }

  private void registerWritten(int offset, int before, int proposed, int after) {
    for (RegisterListener listener : registerListeners) {
      if (listener.offset == offset) {
        listener.observer.written(before, proposed, after);
      }
    }
  }

  /// Binds the function to `backend`, asks what the host can do with it, reads its configuration
  /// space and synthesizes its vPASID, or finds that it gets none: [#synthesis] says which.
  ///
  /// @throws io.vpasid.vmm.iommufd.IommufdException if the function cannot be bound; nothing stays
  ///   open then
  public static PassthroughFunction open(
      IommufdBackend backend, PciAddress address, FunctionOptions options) {
    BoundDevice device = backend.bind(address);
    try {
      return new PassthroughFunction(device, options);
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

  /// What the host can do with PASIDs on it.
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

  /// What a guest that reads everything would see now.
  public ConfigSpace guestView() {
    return guest.toConfigSpace();
  }

  /// What the guest has switched on in its PASID control register.
  public PasidControl control() {
    return switch (synthesis) {
      case SynthesisResult.Synthesized s -> controlOf(guest.read(s.synthesis().registers(), 4));
      case SynthesisResult.Declined _ -> PasidControl.OFF;
    };
  }

  /// How many guest writes tried to change EXEC or PRIV while PASID was enabled, which is refused.
  public long refusedControlWrites() {
    return refusedControlWrites.sum();
  }

  /// Tells `listener` of changes of the PASID control register from now on.
  public void listenToControl(PasidControl.Listener listener) {
    controlListeners.add(listener);
  }

  /// Tells `observer` of guest writes to a register of a further capability from now on.
  ///
  /// @param offset of the register in configuration space
  public void listenToRegister(int offset, WriteObserver observer) {
    registerListeners.add(new RegisterListener(offset, observer));
  }

  /// Runs `listener` after every reset of the registers from now on, on the thread that reset them.
  public void listenToReset(Runnable listener) {
    resetListeners.add(listener);
  }

  /// Changes what the guest reads in a register of a further capability. Listeners are not told.
  ///
  /// @param offset of the register in configuration space
  /// @param mask the bits that change
  /// @param value what they become; others are ignored
  public void setRegister(int offset, int mask, int value) {
    guest.set(offset, mask, value);
  }

  /// Attaches a PASID for the guest, or moves it to another page table.
  ///
  /// @param pageTable one that was made with [PASID][io.vpasid.vmm.iommufd.HwptFlag#PASID]
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
  /// @throws io.vpasid.vmm.iommufd.IommufdException if the device cannot be reset; nothing has
  ///   changed then
  public void reset() {
    device.reset();
    resetRegisters();
  }

  /// Resets only the registers that we emulate, for a function that itself cannot be reset.
  public void resetRegisters() {
    PasidControl before = control();
    guest.reset();
    for (Runnable listener : resetListeners) {
      listener.run();
    }
    if (!before.equals(PasidControl.OFF)) {
      tellControl(PasidControl.OFF);
    }
  }

  private void controlWritten(int before, int proposed, int after) {
    if (PasidCapability.isRefused(before, proposed)) {
      refusedControlWrites.increment();
    }
    PasidControl now = controlOf(after);
    if (!now.equals(controlOf(before))) {
      tellControl(now);
    }
  }

  private void tellControl(PasidControl control) {
    for (PasidControl.Listener listener : controlListeners) {
      listener.changed(control);
    }
  }

  private static PasidControl controlOf(int registers) {
    return new PasidControl(
        PasidCapability.isEnabled(registers),
        PasidCapability.isExecEnabled(registers),
        PasidCapability.isPrivEnabled(registers));
  }

  /// Detaches every PASID, in ascending order, and gives the function back. Afterwards every
  /// request is refused. Closing again does nothing.
  @Override
  public void close() {
    attachments.close();
    device.close();
  }
}
