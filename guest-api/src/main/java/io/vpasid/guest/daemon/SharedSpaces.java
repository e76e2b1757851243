package io.vpasid.guest.daemon;

import io.vpasid.guest.config.AddressSpaceConfig;
import io.vpasid.guest.host.Backing;
import io.vpasid.synth.Synthesis;
import io.vpasid.vmm.PassthroughFunction;
import io.vpasid.vmm.iommufd.IoasId;
import io.vpasid.vmm.iommufd.IommufdBackend;
import io.vpasid.vmm.iommufd.IommufdException;
import io.vpasid.vmm.iommufd.PageTableId;
import io.vpasid.vmm.pasid.AddressSpace;
import io.vpasid.vmm.pasid.AddressSpaces;
import io.vpasid.vmm.pasid.PasidAttachments;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Has the page tables behind the address spaces made, and destroyed when nobody is granted them.
///
/// An address space is one IOAS in each iommufd context that needs it, and on it one page table for
/// each function that may use it; one of guest memory is a page table on each function's own IOAS.
/// Used by one thread at a time; [#table] by any.
final class SharedSpaces {
  private final AddressSpaces table = new AddressSpaces();
  private final Map<Integer, Space> spaces = new LinkedHashMap<>();

  /// @param config what it was made from
  private record Space(int handle, AddressSpaceConfig config, Map<IommufdBackend, IoasId> memory) {

    boolean isFor(ServedFunction function) {
      return function.function().synthesis() instanceof Synthesis
          && config.functions().map(names -> names.contains(function.name())).orElse(true);
    }
  }

  /// The table of who may use which address space.
  AddressSpaces table() {
    return table;
  }

  /// Makes an address space.
  ///
  /// @param served the functions that there are
  /// @return the address space; empty if the name or the handle is taken or there are too many
  /// @throws io.vpasid.vmm.iommufd.IommufdException if a page table cannot be made; nothing has
  ///   changed then
  Optional<AddressSpace> add(AddressSpaceConfig wanted, Collection<ServedFunction> served) {
    Optional<AddressSpace> added =
        wanted
            .handle()
            .map(handle -> table.add(wanted.name(), handle))
            .orElseGet(() -> table.add(wanted.name()));
    if (added.isEmpty()) {
      return added;
    }
    int handle = added.get().handle();
    Space space = new Space(handle, wanted, new HashMap<>());
    spaces.put(handle, space);
    try {
      for (ServedFunction function : served) {
        grant(space, function);
      }
    } catch (RuntimeException e) {
      try {
        var _ = remove(handle, served, false);
      } catch (IommufdException stays) {
        e.addSuppressed(stays);
      }
      throw e;
    }
    return table.find(handle);
  }

  /// Takes an address space away.
  ///
  /// @param detach what is attached to it; without that it has to be nothing
  /// @return how many PASIDs were detached
  /// @throws io.vpasid.vmm.iommufd.IommufdException if a page table cannot be destroyed, because a
  ///   guest has attached something meanwhile; the address space stays then, for the functions
  ///   whose page tables are left
  int remove(int handle, Collection<ServedFunction> served, boolean detach) {
    Space space = spaces.get(handle);
    if (space == null) {
      return 0;
    }
    // First of all nobody finds them any more.
    Map<ServedFunction, PageTableId> left = new LinkedHashMap<>();
    for (ServedFunction function : served) {
      table
          .revoke(handle, function.address())
          .ifPresent(pageTable -> left.put(function, pageTable));
    }
    int detached = 0;
    try {
      for (Map.Entry<ServedFunction, PageTableId> entry : List.copyOf(left.entrySet())) {
        detached += destroy(entry.getKey(), entry.getValue(), detach);
        left.remove(entry.getKey());
      }
    } catch (IommufdException e) {
      left.forEach((function, pageTable) -> table.grant(handle, function.address(), pageTable));
      throw e;
    }
    space.memory.forEach(Backing::destroy);
    table.remove(handle);
    spaces.remove(handle);
    return detached;
  }

  /// @return how many PASIDs were detached
  private static int destroy(ServedFunction served, PageTableId pageTable, boolean detach) {
    PassthroughFunction function = served.function();
    PasidAttachments attachments = function.attachments();
    int detached = detach ? attachments.detachAll(pageTable).detached() : 0;
    try {
      function.destroyPageTable(pageTable);
    } catch (IommufdException e) {
      if (!detach) {
        throw e;
      }
      // For a request of the guest that had found the page table before it was revoked.
      detached += attachments.detachAll(pageTable).detached();
      function.destroyPageTable(pageTable);
    }
    return detached;
  }

  /// The handle by which a function's page table is known.
  Optional<Integer> handleOf(ServedFunction served, PageTableId pageTable) {
    return table.find(served.address(), pageTable).map(AddressSpace::handle);
  }

  /// Lets a new function use what it may.
  ///
  /// @throws io.vpasid.vmm.iommufd.IommufdException if a page table cannot be made; call
  ///   [#functionRemoved] then
  void functionAdded(ServedFunction function) {
    spaces.values().forEach(space -> grant(space, function));
  }

  /// Ends all grants of a function that is closed, whose page tables are gone with it.
  void functionRemoved(ServedFunction function) {
    for (Space space : spaces.values()) {
      var _ = table.revoke(space.handle, function.address());
      if (function.backing().isAlone()) {
        Optional.ofNullable(space.memory.remove(function.iommufd()))
            .ifPresent(id -> Backing.destroy(function.iommufd(), id));
      }
    }
  }

  private void grant(Space space, ServedFunction function) {
    if (!space.isFor(function)) {
      return;
    }
    IoasId memory =
        function
            .backing()
            .memory()
            .filter(_ -> space.config.guestMemory())
            .orElseGet(
                () -> space.memory.computeIfAbsent(function.iommufd(), IommufdBackend::ioasAlloc));
    table.grant(space.handle, function.address(), function.function().newPageTable(memory));
  }
}
