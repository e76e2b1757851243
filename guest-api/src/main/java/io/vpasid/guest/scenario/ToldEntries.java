package io.vpasid.guest.scenario;

import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;

/// The entries that a guest has written into its PASID tables and page tables, and what of them its
/// IOMMU has been told: this is what the host must have.
///
/// Page tables go by their names; PASID 0 is the function itself.
final class ToldEntries {
  private final SortedMap<Integer, String> written = new TreeMap<>();
  private final SortedMap<Integer, String> told = new TreeMap<>();
  private final Set<Integer> queued = new TreeSet<>();
  private final Set<String> changedTables = new TreeSet<>();
  private final Set<String> queuedTables = new TreeSet<>();
  private boolean enabled;

  /// True if translation is on, so that the IOMMU can be told anything.
  boolean isEnabled() {
    return enabled;
  }

  /// The IOMMU was told everything, or has been switched off and does nothing.
  void tellAll(boolean on) {
    enabled = on;
    told.clear();
    if (on) {
      told.putAll(written);
    }
    queued.clear();
    changedTables.clear();
    queuedTables.clear();
  }

  /// An entry points to a page table from now on.
  void write(int pasid, String table) {
    written.put(pasid, table);
  }

  /// An entry is taken away.
  void remove(int pasid) {
    written.remove(pasid);
  }

  /// Where an entry points to; empty text if there is none.
  String written(int pasid) {
    return written.getOrDefault(pasid, "");
  }

  /// A page table has got other mappings.
  void changeTable(String table) {
    changedTables.add(table);
  }

  /// The IOMMU is told of an entry, and of what its page table maps, with the next wait.
  void queue(int pasid) {
    queued.add(pasid);
    queuedTables.add(written(pasid));
  }

  /// The IOMMU is told what a page table maps, with the next wait.
  void queueTable(String table) {
    queuedTables.add(table);
  }

  /// The guest has waited: the IOMMU has done what was queued.
  void finish() {
    for (int pasid : queued) {
      String table = written.get(pasid);
      if (table == null) {
        told.remove(pasid);
      } else {
        told.put(pasid, table);
      }
    }
    queued.clear();
    changedTables.removeAll(queuedTables);
    queuedTables.clear();
  }

  /// The host has refused an entry: its PASID is left on nothing.
  void refuse(int pasid) {
    told.remove(pasid);
  }

  /// The page tables of which the IOMMU was told, by PASID.
  SortedMap<Integer, String> told() {
    return told;
  }

  /// True if the IOMMU was told everything that a page table maps.
  boolean isTold(String table) {
    return !changedTables.contains(table);
  }

  /// The PASIDs whose entries point to a page table, or did when the IOMMU was told of them.
  Set<Integer> users(String table) {
    Set<Integer> users = new TreeSet<>();
    Stream.of(written, told)
        .flatMap(all -> all.entrySet().stream())
        .filter(entry -> entry.getValue().equals(table))
        .forEach(entry -> users.add(entry.getKey()));
    return users;
  }
}
