package io.vpasid.vmm.frontend.vtd;

import io.vpasid.vmm.frontend.GuestMemory;
import io.vpasid.vmm.frontend.GuestMemoryException;
import io.vpasid.vmm.frontend.vtd.PageRequest.Outcome;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/// Page requests on their way into the guest's queue, and its responses on their way back (sections
/// 7.4 and 7.6).
///
/// ```text
///     63      54  53  52 51       32 31    16 15     9  8  7      0
/// 0  |    0     | PR | EX |  PASID  | source |   0    | PP|   1    |
///     63                      12 11          3   2    1   0
/// 1  |       address 63:12      | group index | last | W | R |
/// 2,3|                            0                            |
/// ```
///
/// The queue has 2^(PQS + 7) places of 32 bytes, one of which stays free. A request that finds none
/// sets PRO; until the guest has cleared that, all others are lost too. The last of a lost group is
/// answered with success, so that its function tries again; one that the guest's tables do not
/// allow is answered as invalid, and makes a fault (section 7.4.1, table 31).
final class PageRequests {
  private final GuestMemory memory;
  private final PageRequestQueueRegisters registers;
  private final FaultLog faults;
  private final VtdBackend backend;
  private final TranslationTables tables;
  private final VtdCapabilities capabilities;

  /// Groups that emulated functions of this unit wait for.
  private final Map<Group, CompletableFuture<PageResponse.Code>> waiting =
      new ConcurrentHashMap<>();

  private record Group(Requester requester, int index) {}

  PageRequests(
      GuestMemory memory,
      PageRequestQueueRegisters registers,
      FaultLog faults,
      VtdBackend backend,
      TranslationTables tables,
      VtdCapabilities capabilities) {
    this.memory = memory;
    this.registers = registers;
    this.faults = faults;
    this.backend = backend;
    this.tables = tables;
    this.capabilities = capabilities;
  }

  /// Puts a request into the guest's queue. Any thread may call.
  Outcome request(RootTable root, PageRequest request) {
    if (!capabilities.pageRequests() || !root.enabled()) {
      return Outcome.REFUSED;
    }
    FaultReason refusal = check(root, request);
    if (refusal != null) {
      return Outcome.REFUSED;
    }
    return enqueue(request);
  }

  private @Nullable FaultReason check(RootTable root, PageRequest request) {
    Lookup lookup = new Lookup();
    FaultReason reason;
    if (root.mode() == RootTable.Mode.LEGACY) {
      lookup.begin();
      reason = FaultReason.PAGE_REQUEST_IN_LEGACY_MODE;
    } else {
      Requester requester = request.requester();
      boolean withPasid = requester instanceof Requester.WithPasid;
      tables.find(root, requester.function(), requester.pasid(), withPasid, lookup);
      reason =
          lookup.hasContext() && !lookup.pageRequests(true)
              ? FaultReason.PAGE_REQUEST_DISABLED
              : lookup.fault();
    }
    if (reason != null && lookup.records(reason)) {
      faults.record(
          new Fault(
              request.requester(),
              reason,
              Fault.Access.PAGE_REQUEST,
              request.address(),
              request.execute(),
              request.privileged()));
    }
    return reason;
  }

  /// One at a time: between taking a place and moving the tail nobody else may take it.
  private synchronized Outcome enqueue(PageRequest request) {
    QueueBase queue = registers.base();
    if (queue.equals(QueueBase.NONE)) {
      return Outcome.REFUSED;
    }
    int place = registers.place();
    if (place < 0 || !store(queue.at(place), request)) {
      registers.lost();
      return Outcome.OVERFLOW;
    }
    registers.queued(place);
    return Outcome.QUEUED;
  }

  private boolean store(long address, PageRequest request) {
    try {
      memory.storeLong(address, word0(request));
      memory.storeLong(address + 8, word1(request));
      memory.storeLong(address + 16, 0);
      memory.storeLong(address + 24, 0);
      return true;
    } catch (GuestMemoryException e) {
      return false;
    }
  }

  private static long word0(PageRequest request) {
    long word = 1 | (long) request.requester().function().value() << 16;
    if (request.requester() instanceof Requester.WithPasid with) {
      word |= 1L << 8 | (long) with.pasid() << 32;
    }
    return word | (request.execute() ? 1L << 52 : 0) | (request.privileged() ? 1L << 53 : 0);
  }

  private static long word1(PageRequest request) {
    return (request.address() & ~0xfffL)
        | (long) request.group() << 3
        | (request.last() ? 4 : 0)
        | (request.write() ? 2 : 0)
        | (request.read() ? 1 : 0);
  }

  /// Waits for the answer to a group of an emulated function; to be called before the last request
  /// of the group is made.
  ///
  /// @return empty if the group is in use
  Optional<CompletableFuture<PageResponse.Code>> await(Requester requester, int group) {
    CompletableFuture<PageResponse.Code> answer = new CompletableFuture<>();
    return waiting.putIfAbsent(new Group(requester, group), answer) == null
        ? Optional.of(answer)
        : Optional.empty();
  }

  /// Nobody waits for this group any more.
  void forget(Requester requester, int group) {
    waiting.remove(new Group(requester, group));
  }

  /// The guest has answered a group.
  ///
  /// @param pasid 0 for the function itself
  /// @param code 4 bits
  void respond(SourceId function, int pasid, int group, int code) {
    PageResponse response =
        new PageResponse(
            Requester.of(function, pasid),
            group,
            switch (code) {
              case 0 -> PageResponse.Code.SUCCESS;
              case 15 -> PageResponse.Code.RESPONSE_FAILURE;
              default -> PageResponse.Code.INVALID_REQUEST;
            });
    CompletableFuture<PageResponse.Code> answer =
        waiting.remove(new Group(response.requester(), group));
    if (answer == null) {
      backend.pageResponse(response);
    } else {
      answer.complete(response.code());
    }
  }

  /// No answers come any more.
  void drop() {
    for (Group group : List.copyOf(waiting.keySet())) {
      CompletableFuture<PageResponse.Code> answer = waiting.remove(group);
      if (answer != null) {
        answer.complete(PageResponse.Code.INVALID_REQUEST);
      }
    }
    backend.pageRequestsDropped();
  }
}
