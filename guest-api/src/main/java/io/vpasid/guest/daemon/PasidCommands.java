package io.vpasid.guest.daemon;

import io.vpasid.guest.control.ControlArguments;
import io.vpasid.guest.control.ControlException;
import io.vpasid.guest.host.EmulatedBacking;
import io.vpasid.synth.Synthesis;
import io.vpasid.vmm.iommufd.HwptId;
import io.vpasid.vmm.iommufd.PageTableId;
import io.vpasid.vmm.iommufd.Pasid;
import io.vpasid.vmm.iommufd.simulated.SimulatedHost;
import io.vpasid.vmm.pasid.AddressSpace;
import io.vpasid.vmm.pasid.AttachOutcome;
import io.vpasid.vmm.pasid.DetachOutcome;
import io.vpasid.vmm.pasid.PasidAttachments;
import io.vpasid.vmm.pasid.Refusal;
import io.vpasid.vmm.pasid.Refused;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/// The control commands about PASIDs.
final class PasidCommands {
  private static final int USUAL_LIMIT = 1000;
  private static final int MAX_LIMIT = 10_000;

  private final Daemon daemon;
  private final Function<String, ServedFunction> functions;
  private final LongRequests requests;

  /// @param functions finds the function of a name, or throws a [ControlException]
  PasidCommands(Daemon daemon, Function<String, ServedFunction> functions, LongRequests requests) {
    this.daemon = daemon;
    this.functions = functions;
    this.requests = requests;
  }

  /// Attaches a PASID of a function to an address space.
  Reply attach(ServedFunction served, AddressSpace space, ControlArguments arguments) {
    Pasid pasid = new Pasid((int) arguments.number("pasid", DaemonCommands.MAX_U32));
    PageTableId granted = space.pageTables().get(served.address());
    if (granted == null && served.function().synthesis() instanceof Synthesis) {
      throw ControlException.generic(
          "function '" + served.name() + "' may not use address space '" + space.name() + "'");
    }
    // A function without a vPASID refuses every PASID, whatever it is to be attached to.
    PageTableId pageTable = granted == null ? HwptId.NONE : granted;
    AttachOutcome outcome =
        requests.ask(served, "pasid-attach", () -> served.function().attachPasid(pasid, pageTable));
    return switch (outcome) {
      case AttachOutcome.Attached _ ->
          Reply.Attached.of(served, pasid, space.handle(), Optional.empty());
      case AttachOutcome.Replaced replaced ->
          Reply.Attached.of(
              served, pasid, space.handle(), daemon.spaces().handleOf(served, replaced.previous()));
      case Refused refused -> throw refused(refused);
    };
  }

  private static ControlException refused(Refused refused) {
    return ControlException.because(
        refused.reason().errno(),
        "PASID %s is refused: %s (%s)%s"
            .formatted(
                refused.pasid(),
                refused.reason().text(),
                refused.reason().errno(),
                advice(refused.reason())));
  }

  /// What to do about a refusal, where something of the function's configuration decides.
  private static String advice(Refusal reason) {
    return switch (reason) {
      case Refusal.NotEnabled _ ->
          "; its driver does that, or add the function with \"attachBeforeEnable\"";
      case Refusal.QuotaReached _ -> "; detach one, or add the function with a higher \"quota\"";
      case Refusal.NoPasidOnHost _ -> "; query-function tells why";
      case Refusal.PasidZero _, Refusal.BeyondWidth _, Refusal.Closed _, Refusal.BackendFailed _ ->
          "";
    };
  }

  /// Detaches a PASID of a function.
  Reply detach(ServedFunction served, ControlArguments arguments) {
    Pasid pasid = new Pasid((int) arguments.number("pasid", DaemonCommands.MAX_U32));
    DetachOutcome outcome =
        requests.ask(served, "pasid-detach", () -> served.function().detachPasid(pasid));
    return switch (outcome) {
      case DetachOutcome.Detached detached ->
          Reply.Detached.of(
              served, pasid, true, daemon.spaces().handleOf(served, detached.previous()));
      case DetachOutcome.NotAttached _ -> Reply.Detached.of(served, pasid, false, Optional.empty());
      case Refused refused -> throw refused(refused);
    };
  }

  /// Most attached PASIDs that a client wants to be told.
  static int limit(ControlArguments arguments) {
    return arguments.optionalNumber("limit", 1, MAX_LIMIT).orElse((long) USUAL_LIMIT).intValue();
  }

  /// Lists attached PASIDs.
  Reply attachments(ControlArguments arguments) {
    Optional<String> name = arguments.optionalText("function");
    Optional<Long> first = arguments.optionalNumber("first", 0, DaemonCommands.MAX_U32);
    int limit = limit(arguments);
    if (first.isPresent() && name.isEmpty()) {
      throw ControlException.generic("'first' needs 'function': PASIDs are counted for each one");
    }
    if (arguments.flag("kernel")) {
      return attachmentsInKernel(
          functions.apply(
              name.orElseThrow(() ->
                  ControlException.generic(
                      "'kernel' needs 'function': each may have another kernel"))),
          first.orElse(0L),
          limit);
    }
    List<ServedFunction> asked =
        name.isPresent()
            ? List.of(functions.apply(name.get()))
            : List.copyOf(daemon.functions().all());
    return attached(asked, first.orElse(0L).intValue(), limit);
  }

  /// Attached PASIDs, which any thread may ask for.
  ///
  /// @param first the least PASID of each function
  /// @param limit most of them
  Reply.Attachments attached(Collection<ServedFunction> asked, int first, int limit) {
    List<Reply.Attachments.One> listed = new ArrayList<>();
    boolean more = false;
    for (ServedFunction served : asked) {
      more = list(served, first, limit, listed);
      if (more) {
        break;
      }
    }
    return new Reply.Attachments(listed, more, Optional.empty());
  }

  /// Adds a function's attachments, from a PASID on.
  ///
  /// @return whether there are more than fit
  private boolean list(
      ServedFunction served, int first, int limit, List<Reply.Attachments.One> listed) {
    PasidAttachments attachments = served.function().attachments();
    Pasid last = new Pasid(-1);
    Optional<Pasid> next = attachments.firstAttachedIn(new Pasid(first), last);
    while (next.isPresent()) {
      if (listed.size() == limit) {
        return true;
      }
      describe(served, next.get()).ifPresent(listed::add);
      next = attachments.firstAttachedIn(new Pasid(next.get().value() + 1), last);
    }
    return false;
  }

  /// An attachment; empty if it is gone meanwhile.
  private Optional<Reply.Attachments.One> describe(ServedFunction served, Pasid pasid) {
    return served
        .function()
        .attachments()
        .pageTable(pasid)
        .map(pageTable -> describe(served, pasid, pageTable, Optional.empty()));
  }

  private Reply.Attachments.One describe(
      ServedFunction served,
      Pasid pasid,
      PageTableId pageTable,
      Optional<EmulatedBacking.Reach> reach) {
    Optional<AddressSpace> space = daemon.spaces().table().find(served.address(), pageTable);
    return new Reply.Attachments.One(
        served.name(),
        pasid.value(),
        space.map(AddressSpace::handle),
        space.map(AddressSpace::name),
        reach
            .filter(its -> its.firstStage().isPresent())
            .map(its -> "0x" + Long.toHexString(its.firstStage().orElseThrow())),
        reach.filter(its -> its.mapped().isPresent()).map(its -> its.mapped().orElseThrow()));
  }

  private Reply attachmentsInKernel(ServedFunction served, long first, int limit) {
    SimulatedHost host = DaemonCommands.simulated(served);
    Optional<EmulatedBacking> emulated =
        served.backing() instanceof EmulatedBacking its ? Optional.of(its) : Optional.empty();
    Optional<Integer> objects = emulated.map(EmulatedBacking::objectsInKernel);
    List<Reply.Attachments.One> listed = new ArrayList<>();
    for (Pasid pasid : host.attachedPasids(served.address())) {
      if (pasid.value() < first) {
        continue;
      }
      if (listed.size() == limit) {
        return new Reply.Attachments(listed, true, objects);
      }
      host.attachment(served.address(), pasid)
          .ifPresent(pageTable ->
              listed.add(
                  describe(served, pasid, pageTable, emulated.map(its -> its.reach(pageTable)))));
    }
    return new Reply.Attachments(listed, false, objects);
  }
}
