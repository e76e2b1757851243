package io.vpasid.vmm.frontend.nested;

import io.vpasid.vmm.frontend.vtd.Translation;
import io.vpasid.vmm.iommufd.FaultId;
import io.vpasid.vmm.iommufd.HwptFlag;
import io.vpasid.vmm.iommufd.HwptId;
import io.vpasid.vmm.iommufd.HwptRequest;
import io.vpasid.vmm.iommufd.IoasId;
import io.vpasid.vmm.iommufd.IommufdBackend;
import io.vpasid.vmm.linux.Errno;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// Makes the page tables of the host that a guest's entries ask for, and gives them back.
final class Targets {
  private static final Set<HwptFlag> PASID = Set.of(HwptFlag.PASID);
  private static final Set<HwptFlag> PASID_WITH_FAULTS =
      Set.of(HwptFlag.PASID, HwptFlag.FAULT_ID_VALID);

  private final IommufdBackend iommufd;
  private final MemoryTables memory;
  private final boolean nests;
  private final NestedFormat format;
  private final ShadowTables shadow;
  private final Supplier<FaultId> faultQueue;

  /// @param faultQueue where page requests go, asked once there is a page table that has some
  Targets(
      IommufdBackend iommufd,
      IoasId guestMemory,
      TranslationMode.Kind mode,
      NestedFormat format,
      ShadowTables shadow,
      Supplier<FaultId> faultQueue) {
    this.iommufd = iommufd;
    nests = mode == TranslationMode.Kind.NESTED;
    memory = new MemoryTables(iommufd, guestMemory, nests);
    this.format = format;
    this.shadow = shadow;
    this.faultQueue = faultQueue;
  }

  /// Makes what a requester's entry asks for; [#release] gives it back.
  ///
  /// @throws UnattachableException if there is no such thing
  /// @throws io.vpasid.vmm.iommufd.IommufdException if the kernel refuses to make it
  Target make(RequesterState state) throws UnattachableException {
    return switch (state.wanted) {
      case Translation.Untranslated _, Translation.PassThrough _ ->
          new Target.Memory(memory.of(state.function));
      case Translation.FirstStage first -> nested(state, first);
      case Translation.SecondStage second -> shadow(state, second);
      case Translation.Nested _ ->
          throw new UnattachableException(
              Errno.EOPNOTSUPP, "the guest was not offered both stages together");
      case Translation.Absent _ -> throw new IllegalStateException("Nothing to attach to");
    };
  }

  private Target nested(RequesterState state, Translation.FirstStage wanted)
      throws UnattachableException {
    if (!nests) {
      throw new UnattachableException(
          Errno.EOPNOTSUPP, "the guest was offered the second stage only");
    }
    boolean faults = state.pageRequests;
    Target.Nested spare = state.function.spares().take(wanted, faults);
    if (spare != null) {
      return spare;
    }
    HwptId made =
        iommufd.hwptAlloc(
            new HwptRequest(
                state.function.device(),
                memory.of(state.function),
                faults ? PASID_WITH_FAULTS : PASID,
                format.pageTable(wanted.table()),
                faults ? faultQueue.get() : FaultId.NONE));
    return new Target.Nested(made, wanted, faults, new InvalidationBatch());
  }

  private Target shadow(RequesterState state, Translation.SecondStage wanted)
      throws UnattachableException {
    ShadowDomain domain = shadow.use(wanted.domainId(), wanted.table());
    try {
      Optional<ShadowDomain.Broken> broken = shadow.update(domain);
      if (broken.isPresent()) {
        throw new UnattachableException(broken.get().errno(), broken.get().reason());
      }
      return new Target.Shadow(domain.pageTable(state.function), wanted, domain);
    } catch (UnattachableException | RuntimeException e) {
      domain.users--;
      throw e;
    }
  }

  /// Gives back what nothing is attached to any more.
  ///
  /// @param function the one that it was made for
  void release(GuestFunction function, @Nullable Target target) {
    switch (target) {
      case null -> {}
      case Target.Memory _ -> {}
      case Target.Nested nested -> function.spares().keep(iommufd, nested);
      case Target.Shadow its -> its.domain().users--;
    }
  }

  /// A function goes, with its page tables. Nothing of it is attached.
  void remove(GuestFunction function) {
    shadow.remove(function);
    function.spares().destroy(iommufd);
    memory.remove(function);
  }
}
