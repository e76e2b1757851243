package io.vpasid.guest.scenario;

import io.vpasid.guest.config.FunctionKeys;
import io.vpasid.guest.control.ControlClient.Call;
import io.vpasid.guest.control.ControlClient.Reply;
import io.vpasid.guest.control.ControlException;
import io.vpasid.guest.emulator.IommuPort;
import io.vpasid.guest.vfiouser.VfioUserClient;
import io.vpasid.pci.ByteRange;
import io.vpasid.pci.dump.HostFunction;
import io.vpasid.synth.PlacementPolicy;
import io.vpasid.synth.quirk.FunctionKind;
import io.vpasid.vmm.FunctionOptions;
import io.vpasid.vmm.iommufd.Pasid;
import io.vpasid.vmm.iommufd.simulated.Request;
import io.vpasid.vmm.linux.Errno;
import io.vpasid.vmm.pasid.PasidLimits.WhenDisabled;
import io.vpasid.vmm.vfio.PciIndex;
import java.io.IOException;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/// A machine in a running daemon; see [DaemonMachines].
final class DaemonMachine implements Machine {
  private static final long MAX_PASID = 0xffff_ffffL;

  private static final String ATTACH = "pasid-attach";
  private static final String DETACH = "pasid-detach";

  /// Most attachments in one reply.
  private static final int PART = 10_000;

  private final DaemonMachines daemon;
  private final String name;
  private final PostedWrites accesses;
  private final Map<String, Integer> handles = new HashMap<>();
  private final Map<Integer, String> names = new HashMap<>();
  private @Nullable VfioUserClient guest;
  private @Nullable DaemonIommu iommu;
  private int configSize;
  private boolean planned;
  private boolean served;
  private int left;

  /// True if one reply does not hold what is attached, or soon may not.
  private boolean isLookedAtInParts;

  private DaemonMachine(DaemonMachines daemon, String name) {
    this.daemon = daemon;
    this.name = name;
    accesses = new PostedWrites(daemon::broken);
  }

  /// Adds a function to the daemon and becomes its client.
  ///
  /// @throws MachineException if that is not possible; nothing stays in the daemon then
  static DaemonMachine open(DaemonMachines daemon, String name, Setup setup) {
    DaemonMachine machine = new DaemonMachine(daemon, name);
    try {
      machine.execute("function-add", machine.description(setup));
      machine.served = true;
      machine.connect();
      if (setup.virtualIommu().isPresent()) {
        machine.iommu =
            DaemonIommu.open(
                daemon, name, machine::guest, machine.accesses, setup.virtualIommu().get());
      }
      return machine;
    } catch (ControlException e) {
      machine.close();
      throw new MachineException(e.desc(), e);
    } catch (RuntimeException e) {
      machine.close();
      throw e;
    }
  }

  /// The arguments of `function-add`.
  private ObjectNode description(Setup setup) {
    HostFunction captured = setup.function().captured();
    FunctionOptions options = setup.options();
    PlacementPolicy policy = options.policy();
    ObjectNode arguments = JsonNodeFactory.instance.objectNode();
    arguments.put(FunctionKeys.NAME.name(), name);
    arguments.put(FunctionKeys.SOURCE.name(), captured.source());
    arguments.put(FunctionKeys.ADDRESS.name(), captured.address().toString());
    arguments.put(FunctionKeys.SOCKET.name(), daemon.socket(name).toString());
    arguments.put(FunctionKeys.HW_INFO.name(), setup.hardware().toString());
    arguments.put(FunctionKeys.VIRTUAL.name(), options.kind() == FunctionKind.VIRTUAL);
    arguments.put(FunctionKeys.SHADOWING.name(), policy.shadowing());
    arguments.put(
        FunctionKeys.ATTACH_BEFORE_ENABLE.name(), options.whenDisabled() == WhenDisabled.ALLOW);
    arguments.put(FunctionKeys.IOMMU.name(), setup.iommu().name().orElseThrow());
    arguments.put(FunctionKeys.KERNEL.name(), setup.kernel().toString());
    ArrayNode quirks = arguments.putArray(FunctionKeys.QUIRKS.name());
    setup.quirkFiles().forEach(file -> quirks.add(file.toString()));
    if (options.quota() != Integer.MAX_VALUE) {
      arguments.put(FunctionKeys.QUOTA.name(), options.quota());
    }
    policy.offset().ifPresent(offset -> arguments.put(FunctionKeys.OFFSET.name(), hex(offset)));
    if (!policy.available().isEmpty()) {
      ArrayNode available = arguments.putArray(FunctionKeys.AVAILABLE.name());
      for (ByteRange range : policy.available()) {
        available.add(hex(range.offset()) + '-' + hex(range.end() - 1));
      }
    }
    return arguments;
  }

  private static String hex(int offset) {
    return String.format(Locale.ROOT, "0x%x", offset);
  }

  private void connect() {
    try {
      VfioUserClient client = daemon.guest(daemon.socket(name));
      guest = client;
      configSize = (int) client.regionInfo(PciIndex.CONFIG_REGION).size();
    } catch (IOException e) {
      throw daemon.broken(e);
    }
  }

  private JsonNode execute(String command, ObjectNode arguments) {
    accesses.settle();
    return daemon.execute(command, arguments);
  }

  private List<Reply> executeAll(List<Call> calls) {
    accesses.settle();
    return daemon.executeAll(calls);
  }

  private ObjectNode function() {
    return JsonNodeFactory.instance.objectNode().put("function", name);
  }

  private VfioUserClient guest() {
    VfioUserClient client = guest;
    if (client == null) {
      throw new IllegalStateException("The function is not there any more.");
    }
    return client;
  }

  /// How many bytes of an access are inside the space; the others are not the function's, and a
  /// host bridge reads them as ones and drops what is written.
  private int inside(int offset, int width) {
    return Math.clamp((long) configSize - offset, 0, width);
  }

  @Override
  public int read(int offset, int width) {
    int count = inside(offset, width);
    long value = count == 0 ? 0 : accesses.read(guest(), PciIndex.CONFIG_REGION, offset, count);
    int ones = (int) (-1L << (8 * count));
    return ((int) value | ones) & (int) ((1L << (8 * width)) - 1);
  }

  @Override
  public void write(int offset, int width, int value) {
    int count = inside(offset, width);
    if (count > 0) {
      accesses.write(guest(), PciIndex.CONFIG_REGION, offset, count, value);
    }
  }

  @Override
  public Answer attach(Pasid pasid, String space) {
    return answer(() -> attachCall(pasid, space));
  }

  @Override
  public Answer detach(Pasid pasid) {
    return answer(() -> detachCall(pasid));
  }

  private Call attachCall(Pasid pasid, String space) {
    return new Call(ATTACH, function().put("pasid", number(pasid)).put("space", handle(space)));
  }

  private Call detachCall(Pasid pasid) {
    return new Call(DETACH, function().put("pasid", number(pasid)));
  }

  private Answer answer(Supplier<Call> request) {
    try {
      Call call = request.get();
      return answer(call, execute(call.command(), call.arguments()));
    } catch (ControlException e) {
      return refused(e);
    }
  }

  private Answer answer(Call request, JsonNode result) {
    return Answer.done(
        nameOf(result.path(request.command().equals(ATTACH) ? "previous" : "space")));
  }

  @Override
  public Observed attachObserved(Pasid pasid, String space) {
    return isLookedAtInParts
        ? Machine.super.attachObserved(pasid, space)
        : observed(() -> attachCall(pasid, space));
  }

  @Override
  public Observed detachObserved(Pasid pasid) {
    return isLookedAtInParts
        ? Machine.super.detachObserved(pasid)
        : observed(() -> detachCall(pasid));
  }

  private Observed observed(Supplier<Call> request) {
    Call call;
    try {
      call = request.get();
    } catch (ControlException e) {
      return new Observed(attached(), refused(e), attachedOnHost());
    }
    List<Reply> replies = executeAll(List.of(look(0, false), call, look(0, true)));
    SortedMap<Integer, String> before = attachments(replies.get(0), false);
    Answer answer;
    try {
      answer = answer(call, replies.get(1).result());
    } catch (ControlException e) {
      answer = refused(e);
    }
    return new Observed(before, answer, attachments(replies.get(2), true));
  }

  /// The handle of an address space, which is made when it is first named.
  private int handle(String space) {
    Integer known = handles.get(space);
    if (known != null) {
      return known;
    }
    ObjectNode request =
        JsonNodeFactory.instance.objectNode().put("name", name + '-' + (handles.size() + 1));
    request.putArray("functions").add(name);
    int made = execute("address-space-add", request).path("handle").asInt();
    handles.put(space, made);
    names.put(made, space);
    return made;
  }

  @Override
  public Answer reset() {
    try {
      var _ = execute("function-reset", function());
      return Answer.done("");
    } catch (ControlException e) {
      return refused(e);
    }
  }

  private static long number(Pasid pasid) {
    return pasid.value() & MAX_PASID;
  }

  private String nameOf(JsonNode handle) {
    return handle.isMissingNode()
        ? ""
        : names.getOrDefault(handle.asInt(), "address space " + handle.asInt());
  }

  private static Answer refused(ControlException e) {
    return Answer.refused(e.errno().orElseThrow(() -> new MachineException(e.desc(), e)), e.desc());
  }

  @Override
  public void unplug() {
    left = demand("function-del", function()).path("left").asInt(0);
    served = false;
    disconnect();
  }

  private void disconnect() {
    VfioUserClient client = guest;
    guest = null;
    if (client != null) {
      client.close();
    }
  }

  @Override
  public SortedMap<Integer, String> attached() {
    return attachments(false);
  }

  @Override
  public SortedMap<Integer, String> attachedOnHost() {
    if (!served) {
      SortedMap<Integer, String> unnamed = new TreeMap<>();
      for (int i = 1; i <= left; i++) {
        unnamed.put(-i, "something, after the function has gone");
      }
      return unnamed;
    }
    SortedMap<Integer, String> inKernel = attachments(true);
    DaemonIommu its = iommu;
    return its == null ? inKernel : its.named(inKernel);
  }

  @Override
  public OptionalInt objectsOnHost() {
    return OptionalInt.of(demand(look(0, true)).path("objects").asInt());
  }

  @Override
  public OptionalLong mappedOnHost(Pasid pasid) {
    JsonNode first = demand(look(number(pasid), true)).path("attachments").path(0);
    return first.path("pasid").asLong(-1) == number(pasid) && first.has("mapped")
        ? OptionalLong.of(first.path("mapped").asLong())
        : OptionalLong.empty();
  }

  private JsonNode demand(Call call) {
    return demand(call.command(), call.arguments());
  }

  /// Has a command done that the daemon has no reason to refuse.
  ///
  /// @throws MachineException if it does
  private JsonNode demand(String command, ObjectNode arguments) {
    try {
      return execute(command, arguments);
    } catch (ControlException e) {
      throw new MachineException(e.desc(), e);
    }
  }

  @Override
  public Optional<IommuPort> iommu() {
    return Optional.ofNullable(iommu);
  }

  private SortedMap<Integer, String> attachments(boolean inKernel) {
    return attachments(executeAll(List.of(look(0, inKernel))).getFirst(), inKernel);
  }

  /// The question for a part of what is attached, from a PASID on.
  private Call look(long first, boolean inKernel) {
    return new Call(
        "query-attachments",
        function().put("first", first).put("limit", PART).put("kernel", inKernel));
  }

  /// All that is attached, as the first part and those that follow it say.
  private SortedMap<Integer, String> attachments(Reply first, boolean inKernel) {
    SortedMap<Integer, String> attached = new TreeMap<>();
    Reply part = first;
    while (true) {
      JsonNode result;
      try {
        result = part.result();
      } catch (ControlException e) {
        throw new MachineException(e.desc(), e);
      }
      for (JsonNode attachment : result.path("attachments")) {
        String firstStage = attachment.path("firstStage").asString("");
        attached.put(
            attachment.path("pasid").asInt(),
            firstStage.isEmpty()
                ? nameOf(attachment.path("space"))
                : "first stage at " + firstStage);
      }
      isLookedAtInParts = attached.size() >= PART;
      if (!result.path("more").asBoolean(false)) {
        return attached;
      }
      part = executeAll(List.of(look(attached.lastKey() + 1L, inKernel))).getFirst();
    }
  }

  @Override
  public List<Event> takeEvents() {
    accesses.settle();
    return daemon.takeEvents(name);
  }

  @Override
  public void fail(Request request, Errno errno, boolean every) {
    var _ =
        demand(
            "request-fail",
            function()
                .put("request", request.title())
                .put("errno", errno.name())
                .put("every", every));
  }

  @Override
  public boolean failNth(int number, Errno errno) {
    ObjectNode request = function();
    if (number > 0) {
      request.put("number", number).put("errno", errno.name());
    }
    boolean failed = demand("request-fail", request).path("waiting").asInt() == 0 && planned;
    planned = number > 0;
    return failed;
  }

  @Override
  public void close() {
    accesses.forget();
    daemon.forget(name);
    disconnect();
    DaemonIommu its = iommu;
    iommu = null;
    try {
      if (its != null) {
        its.close();
      }
      if (served) {
        served = false;
        remove("function-del", function());
      }
      for (int handle : handles.values()) {
        remove("address-space-del", JsonNodeFactory.instance.objectNode().put("space", handle));
      }
    } finally {
      daemon.removeSocket(name);
    }
    handles.clear();
  }

  /// Takes away what others may have taken away before.
  private void remove(String command, ObjectNode what) {
    try {
      var _ = execute(command, what);
    } catch (ControlException e) {
      if (e.kind() != ControlException.Kind.FUNCTION_NOT_FOUND) {
        throw new MachineException("it cannot be taken away: " + e.desc(), e);
      }
    }
  }
}
