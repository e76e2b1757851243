package io.vpasid.vmm.frontend.nested;

import io.vpasid.vmm.frontend.GuestMemory;
import io.vpasid.vmm.frontend.vtd.SecondStageTable;
import io.vpasid.vmm.iommufd.IoasId;
import io.vpasid.vmm.iommufd.IommufdBackend;
import io.vpasid.vmm.iommufd.IovaRanges;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// The second-stage page tables of one guest, each kept equal in an I/O address space of the host.
///
/// A guest's domain id names one page table; one that names several, by mistake, gets an address
/// space for each. Address spaces live while a requester uses them, and end at a wait point, so
/// that one which is left and entered again meanwhile is not built anew.
///
/// Locked as a whole while mappings change: memory that a VMM is about to take away must not be
/// mapped behind its back.
final class ShadowTables {
  private final IommufdBackend iommufd;
  private final IoasId memoryIoas;
  private final HostMemory hostMemory;
  private final SecondStageWalk walk;
  private final Bounds bounds;
  private final Map<Key, ShadowDomain> domains = new LinkedHashMap<>();
  private List<IovaRanges.Range> allowed = List.of();
  private int mappings;

  private record Key(int domainId, long pointer, int addressWidth) {}

  /// @param memoryIoas the guest's memory, attached to every function before
  ShadowTables(
      IommufdBackend iommufd,
      IoasId memoryIoas,
      GuestMemory memory,
      HostMemory hostMemory,
      Bounds bounds) {
    this.iommufd = iommufd;
    this.memoryIoas = memoryIoas;
    this.hostMemory = hostMemory;
    this.bounds = bounds;
    walk = new SecondStageWalk(memory, bounds.tableEntries());
  }

  IommufdBackend iommufd() {
    return iommufd;
  }

  HostMemory hostMemory() {
    return hostMemory;
  }

  /// I/O addresses that the host does not reserve.
  List<IovaRanges.Range> allowed() {
    return allowed;
  }

  SecondStageWalk walk() {
    return walk;
  }

  /// The domain of a page table, for one requester more; a new one is to be filled first.
  ///
  /// @throws io.vpasid.vmm.iommufd.IommufdException if there can be no further address space
  synchronized ShadowDomain use(int domainId, SecondStageTable table) {
    Key key = new Key(domainId, table.pointer(), table.addressWidth());
    ShadowDomain domain = domains.get(key);
    if (domain == null) {
      allowed = iommufd.iovaRanges(memoryIoas).allowed();
      domain = new ShadowDomain(this, domainId, table, iommufd.ioasAlloc());
      domains.put(key, domain);
    }
    domain.users++;
    return domain;
  }

  /// Counts mappings that are about to be made.
  ///
  /// @throws SecondStageWalk.BeyondBoundException if they are too many
  void takeMappings(int count) throws SecondStageWalk.BeyondBoundException {
    if (count > bounds.mappings() - mappings) {
      throw new SecondStageWalk.BeyondBoundException(
          "the guest's page tables have more than " + bounds.mappings() + " mappings");
    }
    mappings += count;
  }

  void giveMappings(int count) {
    mappings -= count;
  }

  /// Page tables of a domain have changed in a range.
  synchronized void changed(int domainId, long first, long last) {
    for (ShadowDomain domain : domains.values()) {
      if (domain.domainId() == domainId) {
        domain.changed(first, last);
      }
    }
  }

  /// All page tables may have changed anywhere.
  synchronized void allChanged() {
    domains.values().forEach(domain -> domain.changed(0, Long.MAX_VALUE));
  }

  /// Ends the domains that nobody uses and makes the others equal to the guest's.
  ///
  /// @return those that went beyond a bound, or could not be unmapped; they map nothing now
  List<ShadowDomain.Broken> update() {
    // They come and go on this thread only.
    return domains.isEmpty() ? List.of() : updateAll();
  }

  private synchronized List<ShadowDomain.Broken> updateAll() {
    List<ShadowDomain.Broken> broken = new ArrayList<>();
    domains
        .values()
        .removeIf(domain -> {
          if (domain.users > 0) {
            domain.update().ifPresent(broken::add);
            return false;
          }
          domain.destroy();
          return true;
        });
    return broken;
  }

  /// Makes one domain equal to the guest's.
  synchronized Optional<ShadowDomain.Broken> update(ShadowDomain domain) {
    return domain.update();
  }

  /// A function goes, with its page tables.
  synchronized void remove(GuestFunction function) {
    domains.values().forEach(domain -> domain.remove(function));
  }

  /// Unmaps what maps a range of guest memory.
  synchronized void withdraw(long address, long length) {
    domains.values().forEach(domain -> domain.withdraw(address, length));
  }
}
