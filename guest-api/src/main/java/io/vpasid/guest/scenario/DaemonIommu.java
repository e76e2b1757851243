package io.vpasid.guest.scenario;

import io.vpasid.guest.control.ControlException;
import io.vpasid.guest.emulator.IommuPort;
import io.vpasid.guest.vfiouser.VfioUserClient;
import io.vpasid.vmm.frontend.GuestMemory;
import io.vpasid.vmm.frontend.MappedGuestMemory;
import io.vpasid.vmm.frontend.nested.TranslationMode;
import io.vpasid.vmm.linux.calls.Memfd;
import io.vpasid.vmm.linux.calls.SystemCalls;
import io.vpasid.vmm.vfio.PciIndex;
import java.io.IOException;
import java.util.Locale;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Supplier;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/// The virtual IOMMU of a [DaemonMachine]'s guest: added by the control socket, with registers that
/// are a BAR of a vfio-user device, and memory that the guest shares with it.
final class DaemonIommu implements IommuPort, AutoCloseable {
  private static final int MOST_ENTRIES = 4096;

  private final DaemonMachines daemon;
  private final String name;
  private final Supplier<VfioUserClient> function;
  private final PostedWrites accesses;
  private final VfioUserClient unit;
  private final Memfd memory;
  private final GuestMemory view;

  private DaemonIommu(
      DaemonMachines daemon,
      String name,
      Supplier<VfioUserClient> function,
      PostedWrites accesses,
      VfioUserClient unit,
      Memfd memory) {
    this.daemon = daemon;
    this.name = name;
    this.function = function;
    this.accesses = accesses;
    this.unit = unit;
    this.memory = memory;
    view = MappedGuestMemory.of(new MappedGuestMemory.Range(0, memory.memory()));
  }

  /// Puts a function behind an IOMMU, and becomes the client of that.
  ///
  /// @param covered the function's name
  /// @param function the client that its guest is
  /// @param accesses the guest's, to the function and from now on to the IOMMU
  /// @throws ControlException if the daemon refuses
  /// @throws MachineException if the daemon's socket does not answer
  /// @throws ImpossibleException if this process cannot share memory
  static DaemonIommu open(
      DaemonMachines daemon,
      String covered,
      Supplier<VfioUserClient> function,
      PostedWrites accesses,
      TranslationMode.Kind mode) {
    Optional<String> obstacle = SystemCalls.obstacle();
    if (obstacle.isPresent()) {
      throw new ImpossibleException("a guest with an IOMMU shares its memory: " + obstacle.get());
    }
    String name = covered + "-iommu";
    ObjectNode arguments =
        JsonNodeFactory.instance
            .objectNode()
            .put("name", name)
            .put("socket", daemon.socket(name).toString())
            .put("mode", mode.name().toLowerCase(Locale.ROOT));
    arguments.putArray("covers").add("%s@%02x.0".formatted(covered, DEVICE));
    var _ = daemon.execute("iommu-add", arguments);
    Memfd memory = Memfd.create("scenario-guest", MEMORY_SIZE).sealed();
    VfioUserClient unit;
    try {
      unit = daemon.guest(daemon.socket(name));
    } catch (IOException e) {
      memory.close();
      throw new MachineException("its IOMMU does not answer: " + e.getMessage(), e);
    }
    DaemonIommu made = new DaemonIommu(daemon, name, function, accesses, unit, memory);
    try {
      unit.shareDma(0, MEMORY_SIZE, memory.duplicate());
      return made;
    } catch (IOException e) {
      made.close();
      throw new MachineException("its IOMMU does not take memory: " + e.getMessage(), e);
    }
  }

  @Override
  public GuestMemory memory() {
    return view;
  }

  @Override
  public long readRegister(int offset, int width) {
    return accesses.read(unit, PciIndex.BAR0_REGION, offset, width);
  }

  @Override
  public void writeRegister(int offset, int width, long value) {
    accesses.write(unit, PciIndex.BAR0_REGION, offset, width, value);
  }

  @Override
  public long readBar(int bar, int offset, int width) {
    return accesses.read(function.get(), PciIndex.BAR0_REGION + bar, offset, width);
  }

  @Override
  public void writeBar(int bar, int offset, int width, long value) {
    accesses.write(function.get(), PciIndex.BAR0_REGION + bar, offset, width, value);
  }

  /// The attachments of the kernel, with what the guest's entries say of them.
  ///
  /// @param inKernel by PASID, with no name for what is not nested; the function itself, which is
  ///   not among them, is added
  SortedMap<Integer, String> named(SortedMap<Integer, String> inKernel) {
    SortedMap<Integer, String> attached = new TreeMap<>(inKernel);
    ObjectNode request =
        JsonNodeFactory.instance.objectNode().put("iommu", name).put("limit", MOST_ENTRIES);
    JsonNode entries = execute("query-iommu", request).path("entries");
    for (JsonNode entry : entries) {
      int pasid = entry.path("pasid").asInt(0);
      String says = entry.path("entry").asString("").split(" \\(|,", -1)[0];
      boolean isTranslated = !says.equals("translation is off");
      boolean isAttached = !entry.path("attached").asString("").equals("nothing");
      // Of a nested one the kernel itself has said what it is.
      boolean isUnnamed = pasid == 0 || inKernel.getOrDefault(pasid, "unknown").isEmpty();
      if (isAttached && isTranslated && isUnnamed) {
        attached.put(pasid, says);
      }
    }
    return attached;
  }

  private JsonNode execute(String command, ObjectNode arguments) {
    accesses.settle();
    try {
      return daemon.execute(command, arguments);
    } catch (ControlException e) {
      throw new MachineException(e.desc(), e);
    }
  }

  @Override
  public void close() {
    unit.close();
    memory.close();
    try {
      var _ = daemon.execute("iommu-del", JsonNodeFactory.instance.objectNode().put("iommu", name));
    } catch (ControlException _) {
      // Others have taken it away before.
    } finally {
      daemon.removeSocket(name);
    }
  }
}
