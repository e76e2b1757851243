package io.vpasid.guest.iommu;

import io.vpasid.guest.vfiouser.VfioUserDevice;
import io.vpasid.guest.vfiouser.VfioUserPeer;
import io.vpasid.pci.PciAddress;
import io.vpasid.vmm.PassthroughFunction;
import io.vpasid.vmm.frontend.nested.Bounds;
import io.vpasid.vmm.frontend.nested.EntryListener;
import io.vpasid.vmm.frontend.nested.GuestPageTables;
import io.vpasid.vmm.frontend.nested.NestedFormat;
import io.vpasid.vmm.frontend.nested.TranslationMode;
import io.vpasid.vmm.frontend.vtd.GuestEntry;
import io.vpasid.vmm.frontend.vtd.SourceId;
import io.vpasid.vmm.frontend.vtd.VtdCapabilities;
import io.vpasid.vmm.frontend.vtd.VtdStatus;
import io.vpasid.vmm.frontend.vtd.VtdUnit;
import io.vpasid.vmm.iommufd.HwInfo;
import io.vpasid.vmm.iommufd.HwInfoData;
import io.vpasid.vmm.iommufd.IoasId;
import io.vpasid.vmm.iommufd.IommufdBackend;
import io.vpasid.vmm.iommufd.IommufdException;
import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// A virtual IOMMU of a client's machine, Intel VT-d in scalable mode, with what stands behind it
/// on the host: the unit, the page tables, and the guest's memory as an I/O address space.
///
/// It covers functions that are bound to one iommufd context. [#device] is served to the client
/// that the functions are served to.
public final class VirtualIommu implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(VirtualIommu.class);

  private static final int MAX_PASID_BITS = 20;

  private final IommufdBackend iommufd;
  private final IoasId ioas;
  private final TranslationMode mode;
  private final ClientWindows windows;
  private final GuestPageTables tables;
  private final VtdUnit unit;
  private final InterruptSenders senders = new InterruptSenders();
  private final VtdDevice device;
  private final ExecutorService worker;
  private final Map<PassthroughFunction, SourceId> places = new ConcurrentHashMap<>();

  /// A function to cover.
  ///
  /// @param place where the guest has it, on bus 0 of segment 0
  /// @param function stays the caller's, and is closed after the IOMMU
  /// @param client the function's client, while it has one
  public record Covered(
      PciAddress place, PassthroughFunction function, Supplier<Optional<VfioUserPeer>> client) {}

  /// Makes one, whose guest is offered what the host can do for all functions.
  ///
  /// @param iommufd the context that the functions are bound to
  /// @param forced the mode, if the host is not to decide
  /// @throws io.vpasid.vmm.iommufd.IommufdException if the host refuses something; nothing is left
  /// @throws IllegalArgumentException if a mode was forced that the host cannot do
  public static VirtualIommu open(
      IommufdBackend iommufd, List<Covered> functions, Optional<TranslationMode.Kind> forced) {
    Map<PciAddress, HwInfo> infos = new HashMap<>();
    functions.forEach(covered -> infos.put(covered.place, covered.function.device().hwInfo()));
    TranslationMode best = TranslationMode.of(infos);
    TranslationMode mode =
        forced
            .filter(kind -> kind != best.kind())
            .map(kind -> new TranslationMode(kind, "The mode was asked for."))
            .orElse(best);
    VtdCapabilities capabilities = capabilities(mode.kind(), infos);
    IoasId ioas = iommufd.ioasAlloc();
    VirtualIommu made = new VirtualIommu(iommufd, ioas, mode, capabilities);
    try {
      functions.forEach(made::cover);
    } catch (RuntimeException e) {
      made.close();
      throw e;
    }
    return made;
  }

  private VirtualIommu(
      IommufdBackend iommufd, IoasId ioas, TranslationMode mode, VtdCapabilities capabilities) {
    this.iommufd = iommufd;
    this.ioas = ioas;
    this.mode = mode;
    windows = new ClientWindows(iommufd, ioas);
    tables =
        new GuestPageTables(
            iommufd,
            new GuestPageTables.Memory(windows, windows.host(), ioas),
            mode.kind(),
            NestedFormat.VTD,
            Bounds.DEFAULT);
    windows.beforeUnmap(tables::withdraw);
    worker =
        Executors.newSingleThreadExecutor(Thread.ofPlatform().daemon().name("vtd-unit").factory());
    unit = new VtdUnit(capabilities, windows, tables, senders, worker);
    tables.reportTo(unit);
    tables.listen(refused -> LOG.debug("{}", refused.text()));
    device = new VtdDevice(unit, windows, senders);
  }

  /// Adds memory of the guest. A client of [#device] adds its own by sharing it.
  ///
  /// @param address guest-physical, a multiple of 4096
  /// @param memory native, whole pages; it stays until [#close]
  /// @throws io.vpasid.vmm.iommufd.IommufdException if the kernel refuses it
  public void addMemory(long address, MemorySegment memory) {
    windows.add(address, memory, true);
  }

  private static VtdCapabilities capabilities(
      TranslationMode.Kind mode, Map<PciAddress, HwInfo> infos) {
    // A function without PASIDs shows none to the guest, whatever the unit has.
    int bits =
        infos.values().stream()
            .mapToInt(HwInfo::maxPasidLog2)
            .filter(width -> width > 0)
            .min()
            .orElse(0);
    bits = Math.min(bits, MAX_PASID_BITS);
    if (mode == TranslationMode.Kind.SHADOW) {
      return VtdCapabilities.shadow(bits);
    }
    long cap = -1;
    long ecap = -1;
    long pss = 0x1f;
    for (HwInfo info : infos.values()) {
      if (info.data() instanceof HwInfoData.IntelVtd vtd) {
        cap &= vtd.cap();
        ecap &= vtd.ecap();
        pss = Math.min(pss, vtd.pasidBits() - 1);
      } else {
        throw new IllegalArgumentException("Page tables can be nested on VT-d only.");
      }
    }
    ecap = (ecap & ~(0x1fL << 35)) | (pss << 35);
    return VtdCapabilities.nested(cap, ecap, bits, true);
  }

  private void cover(Covered covered) {
    SourceId id = SourceId.of(covered.place);
    tables.cover(id, covered.function);
    places.put(covered.function, id);
    senders.add(covered.client);
    var _ = unit.cover(id).join();
  }

  /// Lets a function go, blocked, before it is closed; one that is not covered may be named too.
  /// What the host keeps of it is logged, and goes when the function is closed.
  public void uncover(PassthroughFunction function) {
    SourceId id = places.remove(function);
    if (id != null) {
      letGo(id, () -> unit.uncover(id).join());
      // What is told to the page tables is told by the worker.
      letGo(id, () -> CompletableFuture.runAsync(() -> tables.uncover(id), worker).join());
    }
  }

  /// True if it covers a function.
  public boolean covers(PassthroughFunction function) {
    return places.containsKey(function);
  }

  /// What it does, for whoever looks.
  ///
  /// @param status of the unit
  /// @param entries the first of those of the status
  public record Snapshot(VtdStatus status, List<ShownEntry> entries) {

    /// Keeps a copy.
    public Snapshot {
      entries = List.copyOf(entries);
    }
  }

  /// An entry, with what stands in the guest's memory and what the host does.
  ///
  /// @param told what the host's side was last told
  /// @param path the guest's entries that lead to it, as they are in its memory now
  /// @param attachedTo what the requester is attached to, in words
  public record ShownEntry(VtdStatus.Entry told, List<GuestEntry> path, String attachedTo) {

    /// Keeps a copy.
    public ShownEntry {
      path = List.copyOf(path);
    }
  }

  /// Its state now.
  ///
  /// @param limit most entries
  /// @return completes when the unit's worker has done what was asked of it before
  public CompletableFuture<Snapshot> snapshot(int limit) {
    return unit.status()
        .thenApplyAsync(
            status ->
                new Snapshot(
                    status, status.entries().stream().limit(limit).map(this::shown).toList()),
            worker);
  }

  private ShownEntry shown(VtdStatus.Entry told) {
    return new ShownEntry(
        told, unit.guestEntries(told.requester()), tables.attachedTo(told.requester()));
  }

  /// The function of class 0806 whose BAR 0 is the register page.
  public VfioUserDevice device() {
    return device;
  }

  /// How page tables get into the hardware, and why.
  public TranslationMode mode() {
    return mode;
  }

  /// The unit.
  public VtdUnit unit() {
    return unit;
  }

  /// Tells a listener what becomes of entries, from now on.
  public void listen(EntryListener listener) {
    tables.listen(listener);
  }

  private static void letGo(Object what, Runnable step) {
    try {
      step.run();
    } catch (CompletionException | IommufdException e) {
      Throwable why = e.getCause() instanceof IommufdException kept ? kept : e;
      LOG.warn("{} is let go, but the host keeps something: {}", what, why.getMessage());
    }
  }

  /// Lets all functions go, blocked; they stay open. The client has gone. What the host keeps is
  /// logged.
  @Override
  public void close() {
    letGo("The IOMMU", unit::close);
    letGo("The IOMMU", tables::close);
    worker.shutdown();
    letGo("The guest's memory", () -> iommufd.destroy(ioas));
  }
}
