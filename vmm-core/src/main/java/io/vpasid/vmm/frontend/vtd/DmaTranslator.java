package io.vpasid.vmm.frontend.vtd;

import io.vpasid.vmm.frontend.GuestMemory;
import org.jspecify.annotations.Nullable;

/// Translates one address of an emulated function's DMA, from the guest's tables as they are now;
/// nothing is cached. Belongs to one thread.
final class DmaTranslator {
  private final TranslationTables tables;
  private final SecondStageWalk second;
  private final FirstStageWalk first;
  private final int addressBits;
  private final Lookup lookup = new Lookup();
  private long output;
  private long remaining;
  private boolean silent;

  DmaTranslator(GuestMemory memory, TranslationTables tables, VtdCapabilities capabilities) {
    this.tables = tables;
    second = new SecondStageWalk(memory, capabilities);
    first = new FirstStageWalk(memory, capabilities, second);
    addressBits = capabilities.addressBits();
  }

  /// Translates.
  ///
  /// @param translationRequest whether it is one of ATS, for which DTE has to be set
  /// @return why it cannot be translated; null if it can: then [#output] has where
  @Nullable FaultReason translate(
      RootTable root,
      Requester requester,
      long address,
      Access access,
      boolean translationRequest) {
    boolean withPasid = requester instanceof Requester.WithPasid;
    silent = false;
    lookup.begin();
    if (!root.enabled()) {
      // Without translation requests with PASID are aborted, and nobody is told (section 3.4.5).
      silent = withPasid;
      return withPasid ? FaultReason.PASID_IN_LEGACY_MODE : untranslated(address);
    }
    if (!withPasid && isInterruptRange(address)) {
      return untranslated(address);
    }
    tables.find(root, requester.function(), requester.pasid(), withPasid, lookup);
    FaultReason fault = lookup.fault();
    if (fault != null) {
      return fault;
    }
    if (translationRequest && !lookup.deviceTlb(root.isScalable())) {
      return FaultReason.DEVICE_TLB_DISABLED;
    }
    return throughEntry(root.isScalable(), tables.translation(root, lookup), address, access);
  }

  private @Nullable FaultReason throughEntry(
      boolean scalable, Translation translation, long address, Access access) {
    FaultReason fault =
        switch (translation) {
          case Translation.FirstStage stage ->
              walked(first.walk(stage.table(), null, stage.pageWalkSnoop(), address, access));
          case Translation.Nested nested ->
              walked(
                  first.walk(
                      nested.first(), nested.second(), nested.pageWalkSnoop(), address, access));
          case Translation.SecondStage stage -> {
            FaultReason reason =
                second.walk(
                    stage.table(), stage.pageWalkSnoop(), scalable, address, access.write());
            output = second.output();
            remaining = second.span() - (address & (second.span() - 1));
            yield reason;
          }
          case Translation.PassThrough _ -> {
            untranslated(address);
            yield address >>> addressBits == 0
                ? null
                : scalable
                    ? FaultReason.ADDRESS_BEYOND_UNIT
                    : FaultReason.LEGACY_ADDRESS_BEYOND_WIDTH;
          }
          case Translation.Untranslated _, Translation.Absent _ ->
              throw new IllegalStateException("No entry says this.");
        };
    if (fault == null && isInterruptRange(output)) {
      return scalable ? FaultReason.INTERRUPT_ADDRESS : FaultReason.LEGACY_INTERRUPT_ADDRESS;
    }
    return fault;
  }

  private @Nullable FaultReason walked(@Nullable FaultReason fault) {
    output = first.output();
    remaining = first.span() - (output & (first.span() - 1));
    return fault;
  }

  private @Nullable FaultReason untranslated(long address) {
    output = address;
    remaining = 4096 - (address & 4095);
    return null;
  }

  private static boolean isInterruptRange(long address) {
    return address >>> 20 == 0xfee;
  }

  /// Where the address is.
  long output() {
    return output;
  }

  /// Bytes from there to the end of the page, for which the translation is the same.
  long remaining() {
    return remaining;
  }

  /// True if the fault of the last translation is to be recorded.
  boolean records(FaultReason reason) {
    return !silent && lookup.records(reason);
  }

  /// PRE of the function.
  boolean pageRequests(RootTable root) {
    return lookup.pageRequests(root.isScalable());
  }
}
