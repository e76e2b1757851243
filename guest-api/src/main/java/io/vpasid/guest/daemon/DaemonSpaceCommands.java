package io.vpasid.guest.daemon;

import io.vpasid.guest.config.AddressSpaceConfig;
import io.vpasid.guest.control.ControlArguments;
import io.vpasid.guest.control.ControlException;
import io.vpasid.vmm.iommufd.PageTableId;
import io.vpasid.vmm.pasid.AddressSpace;
import io.vpasid.vmm.pasid.Attachment;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;

/// Address spaces of the functions that this process serves.
final class DaemonSpaceCommands extends SpaceCommands<AddressSpace> {
  private final Daemon daemon;

  DaemonSpaceCommands(Daemon daemon, Belongings belongings, Consumer<String> functions) {
    super(belongings, functions);
    this.daemon = daemon;
  }

  @Override
  Optional<AddressSpace> find(String name) {
    return daemon.spaces().table().find(name);
  }

  @Override
  Optional<AddressSpace> find(int handle) {
    return daemon.spaces().table().find(handle);
  }

  @Override
  int handle(AddressSpace space) {
    return space.handle();
  }

  @Override
  Reply.Space make(AddressSpaceConfig wanted, ControlArguments arguments) {
    AddressSpace added =
        daemon
            .spaces()
            .add(wanted, daemon.functions().all())
            .orElseThrow(() ->
                ControlException.generic(
                    "there are %s address spaces, and no room for more; delete one"
                        .formatted(daemon.spaces().table().limit())));
    return new Reply.Space(
        added.handle(),
        added.name(),
        daemon.functions().all().stream()
            .filter(served -> added.pageTables().containsKey(served.address()))
            .map(ServedFunction::name)
            .toList(),
        Optional.empty());
  }

  @Override
  Reply delete(AddressSpace space, boolean detach) {
    List<String> users = users(space);
    if (!detach && !users.isEmpty()) {
      throw ControlException.generic(
          "PASIDs are attached to address space '%s', %s; detach them first, or give 'detach'"
              .formatted(space.name(), DaemonCommands.shortened(users)));
    }
    return new Reply.SpaceRemoved(
        daemon.spaces().remove(space.handle(), daemon.functions().all(), detach));
  }

  /// Whose PASIDs are attached to an address space, and how many.
  private List<String> users(AddressSpace space) {
    List<String> users = new ArrayList<>();
    for (ServedFunction served : daemon.functions().all()) {
      PageTableId pageTable = space.pageTables().get(served.address());
      int attached = pageTable == null ? 0 : attached(served).getOrDefault(pageTable, 0);
      if (attached > 0) {
        users.add(attached + " of " + served.name());
      }
    }
    return users;
  }

  /// The number of PASIDs of a function that are attached to each page table.
  private static Map<PageTableId, Integer> attached(ServedFunction served) {
    Map<PageTableId, Integer> counts = new HashMap<>();
    for (Attachment attachment : served.function().attachments().snapshot()) {
      counts.merge(attachment.pageTable(), 1, Integer::sum);
    }
    return counts;
  }

  @Override
  List<Reply.Space> list() {
    Map<ServedFunction, Map<PageTableId, Integer>> counts = new LinkedHashMap<>();
    daemon.functions().all().forEach(served -> counts.put(served, attached(served)));
    return daemon.spaces().table().all().stream().map(space -> describe(space, counts)).toList();
  }

  /// @param counts how many PASIDs of each function are attached to each page table
  private static Reply.Space describe(
      AddressSpace space, Map<ServedFunction, Map<PageTableId, Integer>> counts) {
    List<String> functions = new ArrayList<>();
    int attached = 0;
    for (Map.Entry<ServedFunction, Map<PageTableId, Integer>> entry : counts.entrySet()) {
      PageTableId pageTable = space.pageTables().get(entry.getKey().address());
      if (pageTable != null) {
        functions.add(entry.getKey().name());
        attached += entry.getValue().getOrDefault(pageTable, 0);
      }
    }
    return new Reply.Space(space.handle(), space.name(), functions, Optional.of(attached));
  }
}
