package io.vpasid.vmm.frontend.mailbox;

import io.vpasid.synth.FurtherCapability;
import io.vpasid.synth.FurtherResult;
import io.vpasid.synth.Synthesis;
import io.vpasid.vmm.FunctionEvent;
import io.vpasid.vmm.PassthroughFunction;
import io.vpasid.vmm.iommufd.PageTableId;
import io.vpasid.vmm.iommufd.Pasid;
import io.vpasid.vmm.linux.Errno;
import io.vpasid.vmm.pasid.AddressSpace;
import io.vpasid.vmm.pasid.AddressSpaces;
import io.vpasid.vmm.pasid.AttachOutcome;
import io.vpasid.vmm.pasid.DetachOutcome;
import io.vpasid.vmm.pasid.Refused;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;

/// The mailbox of one function: takes what the guest asks for from the registers, lets a worker do
/// it, and shows the answer there.
///
/// ```text
///           Control written, operation ≠ 0            worker done
///   idle ───────────────────────────────────▶ busy ───────────────▶ idle, Status answers
///                                              │ ▲
///                                              └─┘ Control written: dropped, overrun
/// ```
///
/// The guest is not trusted. It has one request under way at a time, names address spaces by the
/// handles that were granted to its function, and learns of everything else no more than ENOENT. A
/// reset of the function empties the registers, because the guest that asked is gone: the answer to
/// a request that is under way is not shown, and a PASID that it attaches is detached again.
public final class RequestMailbox {
  /// The DVSEC Vendor ID unless told otherwise. It is nobody's: a guest finds the mailbox by it and
  /// by the DVSEC ID 1.
  public static final int DEFAULT_VENDOR = 0xf00d;

  private static final System.Logger LOG = System.getLogger(RequestMailbox.class.getName());

  private static final int ATTACH = 1;
  private static final int DETACH = 2;
  private static final int QUERY = 3;

  private static final int ANY_VENDOR = 0xffff;

  private final PassthroughFunction function;
  private final AddressSpaces spaces;
  private final RequestWorkers workers;
  private final int offset;
  private final AtomicBoolean busy = new AtomicBoolean();
  private final Runnable carryOut = this::carryOut;

  /// What was asked for. Written by the vCPU that made it busy, read by the worker.
  private int operation;

  private int sequence;
  private int pasid;
  private int handle;

  /// How often the function was reset. Changed under this object's monitor, as the registers are.
  private int resets;

  private int resetsAtRequest;

  private RequestMailbox(
      PassthroughFunction function, AddressSpaces spaces, RequestWorkers workers, int offset) {
    this.function = function;
    this.spaces = spaces;
    this.workers = workers;
    this.offset = offset;
  }

  /// The capability to ask for when the function is opened
  /// ([io.vpasid.vmm.FunctionOptions#withFurther]).
  ///
  /// @param vendor the DVSEC Vendor ID, 0 to 0xfffe
  /// @throws IllegalArgumentException if it is no vendor's
  public static FurtherCapability capability(int vendor) {
    if (vendor < 0 || vendor >= ANY_VENDOR) {
      throw new IllegalArgumentException("A vendor's id is 0 to 0xfffe, not " + vendor);
    }
    return MailboxRegisters.capability(vendor);
  }

  /// Serves the mailbox of a function that was opened with [#capability].
  ///
  /// @param spaces what may be attached, by handle
  /// @param workers who do it; to be closed after the function
  /// @return empty if the function shows no mailbox: it was not asked for, or found no place
  public static Optional<RequestMailbox> serve(
      PassthroughFunction function, AddressSpaces spaces, RequestWorkers workers) {
    if (!(function.synthesis() instanceof Synthesis s)) {
      return Optional.empty();
    }
    return place(s)
        .map(offset -> {
          RequestMailbox mailbox = new RequestMailbox(function, spaces, workers, offset);
          // For as long as the function lives.
          var _ = function.listen(mailbox::happened);
          return mailbox;
        });
  }

  private static Optional<Integer> place(Synthesis synthesis) {
    for (FurtherResult result : synthesis.further()) {
      if (result instanceof FurtherResult.Placed placed && isMailbox(placed.capability())) {
        return Optional.of(placed.offset());
      }
    }
    return Optional.empty();
  }

  private static boolean isMailbox(FurtherCapability capability) {
    return !capability.registers().isEmpty()
        && capability.equals(
            MailboxRegisters.capability(capability.registers().getFirst().bits() & 0xffff));
  }

  /// Offset of the capability in configuration space.
  public int offset() {
    return offset;
  }

  // On a vCPU's thread, or the one that resets the function: waits for nobody

  private void happened(FunctionEvent event) {
    switch (event) {
      case FunctionEvent.RegisterWritten written
          when written.offset() == offset + MailboxRegisters.CONTROL ->
          asked(written.proposed());
      case FunctionEvent.RegistersReset _ -> functionReset();
      default -> {
        // a PASID, its control register, or a register that waits for Control to be written
      }
    }
  }

  private void asked(int control) {
    if ((control & MailboxRegisters.OPERATION_MASK) == 0) {
      return;
    }
    function.setRegister(offset + MailboxRegisters.CONTROL, MailboxRegisters.OPERATION_MASK, 0);
    if (!busy.compareAndSet(false, true)) {
      function.setRegister(
          offset + MailboxRegisters.STATUS, MailboxRegisters.OVERRUN, MailboxRegisters.OVERRUN);
      return;
    }
    synchronized (this) {
      resetsAtRequest = resets;
    }
    operation = control & MailboxRegisters.OPERATION_MASK;
    sequence = control & MailboxRegisters.SEQUENCE_MASK;
    pasid = function.readConfig(offset + MailboxRegisters.PASID, Integer.BYTES);
    handle = function.readConfig(offset + MailboxRegisters.HANDLE, Integer.BYTES);
    synchronized (this) {
      if (resetsAtRequest != resets) {
        busy.set(false);
        return;
      }
      function.setRegister(
          offset + MailboxRegisters.STATUS,
          MailboxRegisters.BUSY | MailboxRegisters.OVERRUN,
          MailboxRegisters.BUSY);
    }
    if (!workers.offer(carryOut)) {
      refuse(Errno.EAGAIN);
    }
  }

  /// The registers are empty already, but a request or an answer may have come in between: from
  /// here on it is dropped, and what it showed is taken away.
  private synchronized void functionReset() {
    resets++;
    function.setRegister(offset + MailboxRegisters.STATUS, -1, 0);
    function.setRegister(offset + MailboxRegisters.RESULT, -1, 0);
  }

  // On a worker's thread

  private void carryOut() {
    if (!isWanted()) {
      busy.set(false);
      return;
    }
    try {
      switch (operation) {
        case ATTACH -> attach();
        case DETACH -> detach();
        case QUERY -> query();
        default -> refuse(Errno.EINVAL);
      }
    } catch (RuntimeException e) {
      LOG.log(
          System.Logger.Level.ERROR,
          "A request of the guest of " + function.address() + " failed.",
          e);
      refuse(Errno.EIO);
    }
  }

  /// True if the function has not been reset since the request.
  private synchronized boolean isWanted() {
    return resetsAtRequest == resets;
  }

  private void attach() {
    Optional<PageTableId> pageTable = spaces.pageTable(handle, function.address());
    if (pageTable.isEmpty()) {
      refuse(Errno.ENOENT);
      return;
    }
    switch (function.attachPasid(new Pasid(pasid), pageTable.get())) {
      case AttachOutcome.Attached _ -> {
        if (!isWanted()) {
          var _ = function.detachPasid(new Pasid(pasid));
        }
        done(0);
      }
      case AttachOutcome.Replaced _ -> done(0);
      case Refused refused -> refuse(refused.reason().errno());
    }
  }

  private void detach() {
    switch (function.detachPasid(new Pasid(pasid))) {
      case DetachOutcome.Detached _ -> done(0);
      case DetachOutcome.NotAttached _ -> refuse(Errno.ENOENT);
      case Refused refused -> refuse(refused.reason().errno());
    }
  }

  /// What is attached to a page table without a handle, the VMM attached: the guest is told 0.
  private void query() {
    Optional<PageTableId> pageTable = function.attachments().pageTable(new Pasid(pasid));
    if (pageTable.isEmpty()) {
      refuse(Errno.ENOENT);
    } else {
      done(spaces.find(function.address(), pageTable.get()).map(AddressSpace::handle).orElse(0));
    }
  }

  private void done(int result) {
    publish(0, result);
  }

  private void refuse(Errno errno) {
    publish(errno.number(), 0);
  }

  private void publish(int errno, int result) {
    synchronized (this) {
      if (resetsAtRequest == resets) {
        function.setRegister(offset + MailboxRegisters.RESULT, -1, result);
        // The overrun flag stays: the guest has not seen it yet.
        function.setRegister(
            offset + MailboxRegisters.STATUS,
            ~MailboxRegisters.OVERRUN,
            MailboxRegisters.answer(sequence, errno));
      }
      busy.set(false);
    }
  }
}
