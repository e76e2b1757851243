package io.vpasid.vmm.pasid;

import io.vpasid.vmm.iommufd.BoundDevice;
import io.vpasid.vmm.iommufd.IommufdException;
import io.vpasid.vmm.iommufd.PageTableId;
import io.vpasid.vmm.iommufd.Pasid;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/// The PASIDs of one function that are attached, and what to.
///
/// Requests come from guests, so any number is taken and every refusal is a value. What stands here
/// is what the backend did: a request that the backend refuses leaves everything as it was. Nothing
/// that happens in the guest alone changes it: when the guest disables PASIDs, or resets the
/// function, what is attached stays attached, as it does in the kernel.
///
/// Safe to use from several threads. A request waits for another one only if that is for the same
/// PASID; no lock is held while the backend works or while the observer is told.
public final class PasidAttachments implements AutoCloseable {
  private static final System.Logger LOG = System.getLogger(PasidAttachments.class.getName());

  private static final Refusal NO_PASID = new Refusal.NoPasidOnHost();
  private static final Refusal ZERO = new Refusal.PasidZero();
  private static final Refusal NOT_ENABLED = new Refusal.NotEnabled();
  private static final Refusal CLOSED = new Refusal.Closed();
  private static final DetachOutcome NOT_ATTACHED = new DetachOutcome.NotAttached();

  private final BoundDevice device;
  private final PasidLimits limits;
  private final BooleanSupplier enabled;
  private final PasidObserver observer;
  private final PasidSlots slots;

  /// Attached PASIDs and those being attached, for the quota.
  private final AtomicInteger held = new AtomicInteger();

  private final AtomicLong sequence = new AtomicLong();
  private volatile boolean closed;

  /// No attachments yet, and nobody who is told.
  ///
  /// @param device as below
  /// @param limits as below
  /// @param enabled as below
  public PasidAttachments(BoundDevice device, PasidLimits limits, BooleanSupplier enabled) {
    this(device, limits, enabled, (_, _, _) -> {});
  }

  /// No attachments yet.
  ///
  /// @param device the function; it stays the caller's and is not closed here
  /// @param limits what its PASIDs are limited to
  /// @param enabled whether the guest has PASIDs enabled in its capability right now; asked on the
  ///   requesting thread
  /// @param observer is told what requests do
  public PasidAttachments(
      BoundDevice device, PasidLimits limits, BooleanSupplier enabled, PasidObserver observer) {
    this.device = device;
    this.limits = limits;
    this.enabled = enabled;
    this.observer = observer;
    this.slots = new PasidSlots(limits.width());
  }

  /// Attaches a PASID, or moves it to another page table if it is attached.
  public AttachOutcome attach(Pasid pasid, PageTableId pageTable) {
    return attach(pasid, pageTable, limits.whenDisabled());
  }

  /// Attaches a PASID, or moves it to another page table if it is attached.
  ///
  /// @param whenDisabled what becomes of this request while the guest has not enabled PASIDs
  public AttachOutcome attach(
      Pasid pasid, PageTableId pageTable, PasidLimits.WhenDisabled whenDisabled) {
    Refusal refusal = screen(pasid);
    if (refusal != null) {
      Refused refused = new Refused(pasid, refusal);
      observer.happened(sequence.incrementAndGet(), pasid, refused);
      return refused;
    }
    int at = pasid.value();
    long before = slots.claim(at);
    long after = before;
    boolean fresh = !PasidSlots.isAttached(before);
    AttachOutcome outcome;
    long number;
    try {
      if (closed) {
        outcome = new Refused(pasid, CLOSED);
      } else if (whenDisabled == PasidLimits.WhenDisabled.REFUSE && !enabled.getAsBoolean()) {
        // Asked while the PASID is claimed, so that none is attached behind a detachAll that comes
        // after the guest has disabled them.
        outcome = new Refused(pasid, NOT_ENABLED);
      } else if (fresh && !reserve()) {
        outcome = new Refused(pasid, new Refusal.QuotaReached(limits.quota()));
      } else {
        PageTableId chosen = attachReserved(pasid, pageTable, fresh);
        after = PasidSlots.attachedTo(chosen);
        outcome =
            fresh
                ? new AttachOutcome.Attached(chosen)
                : new AttachOutcome.Replaced(PasidSlots.pageTable(before), chosen);
      }
    } catch (IommufdException e) {
      outcome = new Refused(pasid, new Refusal.BackendFailed(e));
    } finally {
      number = release(at, after);
    }
    observer.happened(number, pasid, outcome);
    return outcome;
  }

  /// Ends a claim.
  ///
  /// @return the outcome's number, which is drawn while the PASID is claimed: the numbers of one
  ///   PASID have the order in which they took effect
  private long release(int pasid, long state) {
    long number = sequence.incrementAndGet();
    slots.release(pasid, state);
    return number;
  }

  /// Returns a fresh PASID's share of the quota if the backend fails, however it fails.
  private PageTableId attachReserved(Pasid pasid, PageTableId pageTable, boolean fresh) {
    try {
      return device.attachPasid(pasid, pageTable);
    } catch (RuntimeException | Error e) {
      if (fresh) {
        held.decrementAndGet();
      }
      throw e;
    }
  }

  /// Detaches a PASID. Numbers that are no PASID of this function are simply not attached.
  public DetachOutcome detach(Pasid pasid) {
    if (!pasid.fits(limits.width())) {
      return NOT_ATTACHED;
    }
    int at = pasid.value();
    if (slots.isFree(at)) {
      return NOT_ATTACHED;
    }
    return detach(pasid, slots.claim(at), closed);
  }

  private DetachOutcome detach(Pasid pasid, long before, boolean refuse) {
    long after = before;
    DetachOutcome outcome;
    long number;
    try {
      if (!PasidSlots.isAttached(before)) {
        outcome = NOT_ATTACHED;
      } else if (refuse) {
        outcome = new Refused(pasid, CLOSED);
      } else {
        device.detachPasid(pasid);
        after = PasidSlots.FREE;
        held.decrementAndGet();
        outcome = new DetachOutcome.Detached(PasidSlots.pageTable(before));
      }
    } catch (IommufdException e) {
      outcome = new Refused(pasid, new Refusal.BackendFailed(e));
    } finally {
      number = release(pasid.value(), after);
    }
    if (outcome instanceof PasidOutcome happened) {
      observer.happened(number, pasid, happened);
    }
    return outcome;
  }

  /// Detaches every PASID, in ascending order. Requests that come in meanwhile are served; a PASID
  /// that is attached behind the one being detached stays. If requests are refused already because
  /// PASIDs are not enabled, none stays.
  public Cleared detachAll() {
    return clear(Optional.empty());
  }

  /// Detaches every PASID that is attached to one page table, in ascending order, so that the page
  /// table can be destroyed. Requests that come in meanwhile are served.
  public Cleared detachAll(PageTableId pageTable) {
    return clear(Optional.of(pageTable));
  }

  /// Refuses further requests, waits for those under way, and detaches every PASID in ascending
  /// order. A PASID that the backend refuses to detach is logged and left to the function's own
  /// close, which detaches whatever there is. Closing again does nothing.
  @Override
  public void close() {
    closed = true;
    for (Refused refused : clear(Optional.empty()).refused()) {
      LOG.log(System.Logger.Level.WARNING, refused.text());
    }
  }

  /// @param only the page table whose PASIDs are detached; empty for those of all
  private Cleared clear(Optional<PageTableId> only) {
    int detached = 0;
    List<Refused> refused = new ArrayList<>();
    for (int at = slots.firstInUse(1); at >= 0; at = slots.firstInUse(at + 1)) {
      long before = slots.claim(at);
      if (only.isPresent() && !isAttachedTo(only.get(), before)) {
        slots.release(at, before);
        continue;
      }
      switch (detach(new Pasid(at), before, false)) {
        case DetachOutcome.Detached _ -> detached++;
        case DetachOutcome.NotAttached _ -> {}
        case Refused r -> refused.add(r);
      }
    }
    return new Cleared(detached, refused);
  }

  private static boolean isAttachedTo(PageTableId pageTable, long slot) {
    return PasidSlots.isAttached(slot) && PasidSlots.pageTable(slot).equals(pageTable);
  }

  /// True if the PASID is attached. A request under way counts when it is done.
  public boolean isAttached(Pasid pasid) {
    return pasid.fits(limits.width()) && slots.isAttached(pasid.value());
  }

  /// The page table that the PASID is attached to; empty if it is not attached.
  public Optional<PageTableId> pageTable(Pasid pasid) {
    if (!pasid.fits(limits.width())) {
      return Optional.empty();
    }
    long slot = slots.read(pasid.value());
    return PasidSlots.isAttached(slot) ? Optional.of(PasidSlots.pageTable(slot)) : Optional.empty();
  }

  /// The lowest attached PASID from `first` to `last`, both included; empty if there is none.
  public Optional<Pasid> firstAttachedIn(Pasid first, Pasid last) {
    if (limits.width() == 0 || Integer.toUnsignedLong(first.value()) > slots.last()) {
      return Optional.empty();
    }
    int end = (int) Math.min(Integer.toUnsignedLong(last.value()), slots.last());
    int at = slots.firstAttached(Math.max(first.value(), 1), end);
    return at < 0 ? Optional.empty() : Optional.of(new Pasid(at));
  }

  /// The number of PASIDs that are attached or being attached.
  public int count() {
    return held.get();
  }

  /// The limits of the PASIDs.
  public PasidLimits limits() {
    return limits;
  }

  /// All attachments, ascending by PASID. Requests that are served meanwhile may be in it or not.
  public List<Attachment> snapshot() {
    List<Attachment> all = new ArrayList<>();
    for (int at = slots.firstAttached(1, slots.last());
        at >= 0;
        at = slots.firstAttached(at + 1, slots.last())) {
      long slot = slots.read(at);
      if (PasidSlots.isAttached(slot)) {
        all.add(new Attachment(new Pasid(at), PasidSlots.pageTable(slot)));
      }
    }
    return all;
  }

  /// Outcome of [#detachAll].
  ///
  /// @param detached number of PASIDs that were detached
  /// @param refused those that the backend refused to detach; they are attached still
  public record Cleared(int detached, List<Refused> refused) {

    /// Keeps a copy.
    public Cleared {
      refused = List.copyOf(refused);
    }
  }

  private @Nullable Refusal screen(Pasid pasid) {
    if (limits.width() == 0) {
      return NO_PASID;
    }
    if (pasid.value() == 0) {
      return ZERO;
    }
    if (!pasid.fits(limits.width())) {
      return new Refusal.BeyondWidth(limits.width());
    }
    return null;
  }

  private boolean reserve() {
    int now = held.get();
    while (now < limits.quota()) {
      int seen = held.compareAndExchange(now, now + 1);
      if (seen == now) {
        return true;
      }
      now = seen;
    }
    return false;
  }
}
