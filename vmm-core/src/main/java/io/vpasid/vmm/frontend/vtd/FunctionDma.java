package io.vpasid.vmm.frontend.vtd;

import io.vpasid.vmm.frontend.GuestMemory;
import io.vpasid.vmm.frontend.GuestMemoryException;
import java.nio.ByteBuffer;
import java.util.EnumSet;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.Lock;
import java.util.function.Supplier;

/// DMA of a function that is emulated, through a unit: each page's address is translated by what
/// the guest's tables say at that moment.
///
/// A page is translated and copied as one: when the guest is told that an invalidation is done, no
/// copy that uses a translation from before is under way. Any thread may call; different accesses
/// may overlap.
public final class FunctionDma {
  /// Most pages that are requested again for one access, because they were gone when the answer
  /// came.
  static final int MAX_PAGE_REQUESTS = 64;

  /// Page request groups of a function.
  private static final int GROUPS = 512;

  /// Faults that a page request can put right.
  private static final Set<FaultReason> RECOVERABLE =
      EnumSet.of(
          FaultReason.FIRST_STAGE_NOT_PRESENT,
          FaultReason.SECOND_STAGE_NOT_PRESENT,
          FaultReason.NO_WRITE,
          FaultReason.NO_READ,
          FaultReason.SUPERVISOR_PAGE);

  private final SourceId function;
  private final GuestMemory memory;
  private final TranslationTables tables;
  private final VtdCapabilities capabilities;
  private final Supplier<RootTable> root;
  private final Lock underWay;
  private final PageRequests pageRequests;
  private final FaultLog faults;
  private final AtomicInteger nextGroup = new AtomicInteger();

  FunctionDma(
      SourceId function,
      GuestMemory memory,
      TranslationTables tables,
      VtdCapabilities capabilities,
      Supplier<RootTable> root,
      WaitPoint waitPoint,
      PageRequests pageRequests,
      FaultLog faults) {
    this.function = function;
    this.memory = memory;
    this.tables = tables;
    this.capabilities = capabilities;
    this.root = root;
    underWay = waitPoint.use();
    this.pageRequests = pageRequests;
    this.faults = faults;
  }

  /// Reads, as a device does that knows nothing of translation.
  ///
  /// @param pasid 0 for the function itself, up to 2^20 - 1
  /// @param address untranslated
  /// @param destination filled from its position on; the position moves over what was copied
  public DmaOutcome read(int pasid, long address, ByteBuffer destination) {
    return new Transfer(pasid, address, destination, false).run(false);
  }

  /// Writes, as a device does that knows nothing of translation.
  ///
  /// @param pasid 0 for the function itself, up to 2^20 - 1
  /// @param address untranslated
  /// @param source from its position on; the position moves over what was copied
  public DmaOutcome write(int pasid, long address, ByteBuffer source) {
    return new Transfer(pasid, address, source, true).run(false);
  }

  /// Reads, as a device does that has its own translations (ATS) and asks for pages that are not
  /// there (PRI). The guest has to have switched both on in the function's context entry.
  ///
  /// @param pasid 0 for the function itself, up to 2^20 - 1
  /// @param address untranslated
  /// @param destination filled from its position on; not to be touched until the outcome is there
  /// @return completed by this thread, or by the unit's worker when the guest answers
  public CompletableFuture<DmaOutcome> readWithPageRequests(
      int pasid, long address, ByteBuffer destination) {
    return new Transfer(pasid, address, destination, false).withPageRequests();
  }

  /// Writes, as [#readWithPageRequests] reads.
  ///
  /// @param pasid 0 for the function itself, up to 2^20 - 1
  /// @param address untranslated
  /// @param source from its position on; not to be touched until the outcome is there
  /// @return completed by this thread, or by the unit's worker when the guest answers
  public CompletableFuture<DmaOutcome> writeWithPageRequests(
      int pasid, long address, ByteBuffer source) {
    return new Transfer(pasid, address, source, true).withPageRequests();
  }

  /// One access, from its first to its last byte.
  private final class Transfer {
    private final Requester requester;
    private final long address;
    private final ByteBuffer buffer;
    private final int start;
    private final int end;
    private final Access access;
    private final DmaTranslator translator = new DmaTranslator(memory, tables, capabilities);
    private final CompletableFuture<DmaOutcome> outcome = new CompletableFuture<>();
    private boolean wantsPages;
    private int requested;

    Transfer(int pasid, long address, ByteBuffer buffer, boolean write) {
      this.requester = Requester.of(function, pasid);
      this.address = address;
      this.buffer = buffer;
      start = buffer.position();
      end = buffer.limit();
      access = write ? Access.WRITE : Access.READ;
    }

    /// Copies until it is done or cannot go on.
    ///
    /// @param translationRequests whether what a page request can put right is no fault yet
    DmaOutcome run(boolean translationRequests) {
      wantsPages = false;
      while (buffer.hasRemaining()) {
        underWay.lock();
        try {
          RootTable now = root.get();
          FaultReason fault =
              translator.translate(now, requester, current(), access, translationRequests);
          if (fault != null) {
            wantsPages =
                translationRequests && RECOVERABLE.contains(fault) && translator.pageRequests(now);
            return faulted(fault);
          }
          copy();
        } catch (GuestMemoryException e) {
          buffer.limit(end);
          return new DmaOutcome.NotMemory(current(), copied());
        } finally {
          underWay.unlock();
        }
      }
      return DmaOutcome.Done.DONE;
    }

    private DmaOutcome faulted(FaultReason fault) {
      if (!wantsPages && translator.records(fault)) {
        faults.record(
            new Fault(
                requester,
                fault,
                access.write() ? Fault.Access.WRITE : Fault.Access.READ,
                current(),
                false,
                access.privileged()));
      }
      return new DmaOutcome.Faulted(fault, current(), copied());
    }

    private void copy() throws GuestMemoryException {
      int length = (int) Math.min(translator.remaining(), buffer.remaining());
      buffer.limit(buffer.position() + length);
      if (access.write()) {
        memory.write(translator.output(), buffer);
      } else {
        memory.read(translator.output(), buffer);
      }
      buffer.limit(end);
    }

    private long current() {
      return address + copied();
    }

    private int copied() {
      return buffer.position() - start;
    }

    CompletableFuture<DmaOutcome> withPageRequests() {
      attempt();
      return outcome;
    }

    private void attempt() {
      DmaOutcome now = run(true);
      if (!wantsPages) {
        outcome.complete(now);
      } else if (++requested > MAX_PAGE_REQUESTS) {
        refused(PageResponse.Code.SUCCESS);
      } else {
        requestPage();
      }
    }

    private void requestPage() {
      int group = nextGroup.getAndIncrement() & (GROUPS - 1);
      Optional<CompletableFuture<PageResponse.Code>> answer = pageRequests.await(requester, group);
      if (answer.isEmpty()) {
        refused(PageResponse.Code.SUCCESS);
        return;
      }
      PageRequest.Outcome made =
          pageRequests.request(
              root.get(),
              new PageRequest(
                  requester,
                  group,
                  true,
                  current(),
                  !access.write(),
                  access.write(),
                  false,
                  access.privileged()));
      switch (made) {
        case QUEUED -> {
          var _ = answer.get().thenAccept(this::answered);
        }
        case OVERFLOW -> {
          pageRequests.forget(requester, group);
          refused(PageResponse.Code.SUCCESS);
        }
        case REFUSED -> {
          pageRequests.forget(requester, group);
          refused(PageResponse.Code.INVALID_REQUEST);
        }
      }
    }

    private void answered(PageResponse.Code code) {
      if (code == PageResponse.Code.SUCCESS) {
        attempt();
      } else {
        refused(code);
      }
    }

    private void refused(PageResponse.Code code) {
      outcome.complete(new DmaOutcome.PageRefused(code, current(), copied()));
    }
  }
}
