package io.vpasid.vmm.frontend.vtd;

import io.vpasid.vmm.frontend.GuestMemory;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// A virtual remapping unit: the page of registers, and everything that a guest's driver lets it
/// do.
///
/// ## Threads
///
/// Registers may be accessed by any thread; an access never waits for the worker, the backend or
/// the guest's memory. Everything else that the guest asks for (commands, the queue) is done by the
/// *worker*: tasks that the unit gives to an executor, one at a time, in order. A run ends when
/// there is nothing to do; between batches of [#BATCH] descriptors it looks for commands. An
/// executor that runs a task at once, in the thread that gives it, makes a unit without threads.
///
/// ## Bounds
///
/// A tail write asks for at most the queue, 2^15 descriptors of 128 bits or 2^14 of 256. A
/// descriptor costs one PASID's lookup in every covered function (14 words each), or, wide ones, a
/// scan of them: the PASID directory and the PASID tables present, at most 64 MiB for the 2^20
/// PASIDs of a function. Wide ones take at most half of the worker's time: it rests as long as they
/// took ([WidePace]), and with an executor that has no thread of its own, whoever wrote the
/// register does. What is remembered is limited by the number of PASIDs per function.
///
/// ## Reset and the end
///
/// [#reset] is the platform's: registers as after power-on, translation off. [#close] leaves every
/// function absent. After either has completed, nothing that the guest asked for before is done.
public final class VtdUnit implements VtdReports, AutoCloseable {
  /// Bytes of the register page.
  public static final int REGISTER_PAGE_SIZE = RegisterPage.SIZE;

  /// PASIDs of one function that the backend is told of, unless the embedder says otherwise.
  public static final int DEFAULT_MAX_PASIDS = 4096;

  /// Descriptors after which the worker looks for other work.
  static final int BATCH = 256;

  private static final System.Logger LOG = System.getLogger(VtdUnit.class.getName());

  private final GuestMemory memory;
  private final VtdCapabilities capabilities;
  private final Executor executor;
  private final RegisterPage registers;
  private final CommandRegisters commands;
  private final TranslationTables tables;
  private final WaitPoint waitPoint;
  private final PageRequests pageRequests;
  private final EntryTracker entries;
  private final InvalidationQueue queue;

  private final Queue<Runnable> tasks = new ConcurrentLinkedQueue<>();
  private final AtomicInteger wakes = new AtomicInteger();
  private volatile RootTable root = RootTable.NONE;
  private volatile boolean closed;

  /// A unit with [#DEFAULT_MAX_PASIDS].
  ///
  /// @param capabilities what the guest is offered
  /// @param memory of the guest
  /// @param backend what is told of the guest's wishes
  /// @param messages where event interrupts go
  /// @param executor runs the worker
  public VtdUnit(
      VtdCapabilities capabilities,
      GuestMemory memory,
      VtdBackend backend,
      InterruptMessages messages,
      Executor executor) {
    this(capabilities, memory, backend, messages, executor, DEFAULT_MAX_PASIDS);
  }

  /// A unit after power-on that covers no function yet.
  ///
  /// @param capabilities what the guest is offered
  /// @param memory of the guest
  /// @param backend what is told of the guest's wishes
  /// @param messages where event interrupts go
  /// @param executor runs the worker
  /// @param maxPasids most PASIDs of one function that the backend is told of
  public VtdUnit(
      VtdCapabilities capabilities,
      GuestMemory memory,
      VtdBackend backend,
      InterruptMessages messages,
      Executor executor,
      int maxPasids) {
    this.memory = memory;
    this.capabilities = capabilities;
    this.executor = executor;
    registers = new RegisterPage(capabilities, messages, this::wake);
    tables = new TranslationTables(memory, capabilities);
    waitPoint = new WaitPoint(backend);
    commands = registers.commands();
    pageRequests =
        new PageRequests(
            memory, registers.pageQueue(), registers.faults(), backend, tables, capabilities);
    entries = new EntryTracker(memory, tables, backend, this, maxPasids);
    queue =
        new InvalidationQueue(
            memory, registers.queue(), entries, pageRequests, backend, waitPoint, capabilities);
  }

  /// Takes a function under the unit.
  ///
  /// @param function as the guest sees it; a guest may number its buses anew, then the function is
  ///   uncovered and covered again
  /// @return completes when the backend has done it
  public CompletableFuture<Void> cover(SourceId function) {
    return onWorker(() -> entries.cover(root, function));
  }

  /// Lets a function go: the backend is told that everything about it is absent.
  ///
  /// @return completes when the backend has done it
  public CompletableFuture<Void> uncover(SourceId function) {
    return onWorker(() -> entries.uncover(function));
  }

  /// DMA of an emulated function through this unit, whether it is covered or not: a covered
  /// function is one whose entries the backend is told of.
  public FunctionDma dma(SourceId function) {
    return new FunctionDma(
        function,
        memory,
        tables,
        capabilities,
        () -> root,
        waitPoint,
        pageRequests,
        registers.faults());
  }

  /// A guest's read of the register page.
  ///
  /// @param offset in bytes from its start; what lies outside reads as 0
  /// @param width 1, 2, 4 or 8 bytes; the specification has 4 and 8
  /// @return the value, zero-extended
  public long readRegister(int offset, int width) {
    return registers.read(offset, width);
  }

  /// A guest's write of the register page.
  ///
  /// @param offset in bytes from its start; what lies outside is ignored
  /// @param width 4 or 8 bytes; others are ignored
  public void writeRegister(int offset, int width, long value) {
    registers.write(offset, width, value);
  }

  /// The registers that tell the unit's state, by name in the order of the page, as a guest would
  /// read them now.
  public Map<String, Long> registers() {
    Map<String, Long> values = new LinkedHashMap<>();
    RegisterOffset.STATE.forEach(
        register -> values.put(register.name(), readRegister(register.offset(), register.width())));
    return values;
  }

  @Override
  public void attachRefused(Requester requester) {
    fault(
        new Fault(
            requester,
            root.isScalable()
                ? FaultReason.PASID_ENTRY_INVALID
                : FaultReason.LEGACY_CONTEXT_INVALID,
            Fault.Access.READ,
            0,
            false,
            false));
  }

  @Override
  public void fault(Fault fault) {
    registers.faults().record(fault);
  }

  @Override
  public PageRequest.Outcome requestPage(PageRequest request) {
    return pageRequests.request(root, request);
  }

  /// The unit's status at a moment between two batches.
  public CompletableFuture<VtdStatus> status() {
    return onWorker(this::statusNow);
  }

  /// The entries of a requester as they stand in the guest's memory, from the root on, read now.
  /// Any thread may ask.
  ///
  /// @return at most four; fewer if one of them is not present
  public List<GuestEntry> guestEntries(Requester requester) {
    return EntryPath.of(memory, root, requester);
  }

  private VtdStatus statusNow() {
    RootTable now = root;
    return new VtdStatus(
        switch (now.mode()) {
          case LEGACY -> VtdStatus.Mode.LEGACY;
          case SCALABLE -> VtdStatus.Mode.SCALABLE;
          case INVALID -> VtdStatus.Mode.INVALID;
        },
        now.address(),
        now.enabled(),
        entries.entries(),
        new VtdStatus.Counters(
            queue.descriptors(),
            queue.waits(),
            queue.errors(),
            entries.changes(),
            registers.faults().recorded(),
            registers.faults().lost(),
            registers.pageQueue().countQueued(),
            registers.pageQueue().countLost()));
  }

  /// Resets the unit. Registers are as after power-on when this returns.
  ///
  /// @return completes when no function is translated any more and nothing of before is under way;
  ///   the guest must not run before
  public CompletableFuture<Void> reset() {
    registers.reset();
    return onWorker(() -> {
      registers.reset();
      root = RootTable.NONE;
      entries.wantScan();
      entries.scanWanted(root);
      pageRequests.drop();
    });
  }

  /// Lets all functions go, and waits until the backend has done it; DMA of emulated functions
  /// faults from then on. Registers can still be accessed, and do nothing any more. Must not be
  /// called by the worker.
  ///
  /// @throws java.util.concurrent.CompletionException if the backend has not done all of it; the
  ///   unit is closed all the same
  @Override
  public void close() {
    if (closed) {
      return;
    }
    registers.reset();
    try {
      onWorker(
              () -> {
                registers.reset();
                root = RootTable.CLOSED;
                entries.uncoverAll();
                pageRequests.drop();
              })
          .join();
    } finally {
      closed = true;
    }
  }

  private CompletableFuture<Void> onWorker(Runnable what) {
    return onWorker(() -> {
      what.run();
      queue.tells();
      queue.finish(root);
      return null;
    });
  }

  private <T extends @Nullable Object> CompletableFuture<T> onWorker(Supplier<T> what) {
    if (closed) {
      return CompletableFuture.failedFuture(new IllegalStateException("The unit is closed."));
    }
    CompletableFuture<T> done = new CompletableFuture<>();
    tasks.add(() -> {
      try {
        done.complete(what.get());
      } catch (RuntimeException e) {
        done.completeExceptionally(e);
      }
    });
    wake();
    return done;
  }

  private void wake() {
    if (closed) {
      return;
    }
    if (wakes.getAndIncrement() == 0) {
      executor.execute(this::work);
    }
  }

  /// The worker: until nobody has woken it since it last looked.
  private void work() {
    int seen = wakes.get();
    do {
      boolean more;
      do {
        for (Runnable task = tasks.poll(); task != null; task = tasks.poll()) {
          task.run();
        }
        handle(commands.take());
        more = queue.handle(root, BATCH);
      } while (more);
      seen = wakes.addAndGet(-seen);
    } while (seen != 0);
  }

  /// Does commands. One that the backend fails to do is not answered: the guest must not believe
  /// that it is done.
  private void handle(int which) {
    try {
      commands(which);
    } catch (RuntimeException e) {
      LOG.log(
          System.Logger.Level.ERROR, "A command is not answered, because it could not be done.", e);
    }
  }

  private void commands(int which) {
    if ((which & CommandRegisters.GLOBAL) != 0) {
      globalCommand(commands.takeGlobalCommand());
    }
    if ((which & CommandRegisters.CONTEXT) != 0) {
      contextCommand(commands.contextCommand());
    }
    if ((which & CommandRegisters.IOTLB) != 0) {
      iotlbCommand(commands.iotlbCommand());
    }
  }

  private void globalCommand(int command) {
    int changed = command ^ commands.globalStatus();
    if ((command & CommandRegisters.SRTP) != 0) {
      registers.setGlobalStatus(CommandRegisters.SRTP, false);
      root = root.with(commands.rootAddress());
      scanEverything();
      registers.setGlobalStatus(CommandRegisters.SRTP, true);
    }
    if ((changed & CommandRegisters.QIE) != 0) {
      registers.queue().enable((command & CommandRegisters.QIE) != 0);
    }
    if ((changed & CommandRegisters.TE) != 0) {
      boolean on = (command & CommandRegisters.TE) != 0;
      root = root.enabled(on);
      if (!on) {
        pageRequests.drop();
      }
      scanEverything();
      registers.setGlobalStatus(CommandRegisters.TE, on);
    }
  }

  private void scanEverything() {
    entries.wantScan();
    queue.tellsWide();
    queue.finish(root);
  }

  /// Registers are the way to invalidate only in legacy mode and without the queue, which firmware
  /// and old drivers do (section 6.5.1); otherwise nothing is done, and the guest is told so.
  private boolean invalidatesByRegister() {
    return !root.isScalable() && (commands.globalStatus() & CommandRegisters.QIE) == 0;
  }

  private void contextCommand(long command) {
    int granularity = Bits.field(command, 62, 61);
    if (granularity == 0 || !invalidatesByRegister()) {
      commands.contextCommandDone(0);
      return;
    }
    queue.contextCache(granularity, Bits.field(command, 31, 16), Bits.field(command, 33, 32));
    queue.tells();
    queue.finish(root);
    commands.contextCommandDone(granularity);
  }

  private void iotlbCommand(long command) {
    int granularity = Bits.field(command, 61, 60);
    long address = commands.invalidateAddress();
    if (granularity == 0
        || !invalidatesByRegister()
        || (granularity == 3 && Bits.field(address, 5, 0) > capabilities.addressMask())) {
      commands.iotlbCommandDone(0);
      return;
    }
    queue.iotlb(granularity, Bits.field(command, 47, 32), address);
    queue.tells();
    queue.finish(root);
    commands.iotlbCommandDone(granularity);
  }
}
