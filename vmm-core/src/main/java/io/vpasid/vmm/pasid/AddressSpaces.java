package io.vpasid.vmm.pasid;

import io.vpasid.pci.PciAddress;
import io.vpasid.vmm.iommufd.PageTableId;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentSkipListMap;

/// The address spaces that a VMM lets its guests use, by handle.
///
/// A guest, and a client of the control socket, names an address space by a handle that the VMM
/// gave out, never by an object of the kernel: it can ask only for what was granted to its
/// function, and learns nothing of the rest. Handles count up from 1 and are never given twice, so
/// that one which is kept too long names nothing instead of something else.
///
/// ```text
///  handle   name      0000:6a:01.0   0000:17:00.1
///       1   shell     HWPT 3         HWPT 4
///       2   trainer   HWPT 5         may not use it
/// ```
///
/// This is the table alone. Page tables are made before they are granted here and destroyed after
/// they are revoked, by whoever owns the iommufd context; what is attached to them stands in
/// [PasidAttachments].
///
/// Safe to use from several threads. A lookup waits for nothing and allocates nothing but its
/// answer.
public final class AddressSpaces {
  /// Most address spaces at the same time, unless told otherwise.
  public static final int DEFAULT_LIMIT = 4096;

  private final int limit;
  private final Map<Integer, AddressSpace> spaces = new ConcurrentSkipListMap<>();
  private int lastHandle;

  /// None yet, and at most [#DEFAULT_LIMIT].
  public AddressSpaces() {
    this(DEFAULT_LIMIT);
  }

  /// None yet.
  ///
  /// @param limit most address spaces at the same time, at least 1
  /// @throws IllegalArgumentException if it is less
  public AddressSpaces(int limit) {
    if (limit < 1) {
      throw new IllegalArgumentException("A table has room for 1 address space or more.");
    }
    this.limit = limit;
  }

  /// Most address spaces at the same time.
  public int limit() {
    return limit;
  }

  /// Adds an address space that no function may use yet.
  ///
  /// @param name what people call it
  /// @return the address space, under a new handle; empty if the name is taken or the table is full
  public synchronized Optional<AddressSpace> add(String name) {
    return lastHandle == Integer.MAX_VALUE ? Optional.empty() : add(name, lastHandle + 1);
  }

  /// Adds an address space under a handle that the caller gives out, as one does that has several
  /// such tables. That it is never given twice is the caller's business.
  ///
  /// @param name what people call it
  /// @param handle 1 or more
  /// @return the address space; empty if the name or the handle is taken, or the table is full
  public synchronized Optional<AddressSpace> add(String name, int handle) {
    if (handle < 1 || spaces.size() >= limit || find(name).isPresent()) {
      return Optional.empty();
    }
    AddressSpace added = new AddressSpace(handle, name, Map.of());
    if (spaces.putIfAbsent(handle, added) != null) {
      return Optional.empty();
    }
    lastHandle = Math.max(lastHandle, handle);
    return Optional.of(added);
  }

  /// Takes an address space out, with all that was granted of it.
  ///
  /// @return what it was; empty if there is none with this handle
  public synchronized Optional<AddressSpace> remove(int handle) {
    return Optional.ofNullable(spaces.remove(handle));
  }

  /// Lets a function use an address space.
  ///
  /// @param pageTable what translates for this function, made with
  ///   [PASID][io.vpasid.vmm.iommufd.HwptFlag#PASID]
  /// @return the address space as it is now; empty if there is none with this handle
  public synchronized Optional<AddressSpace> grant(
      int handle, PciAddress function, PageTableId pageTable) {
    AddressSpace before = spaces.get(handle);
    if (before == null) {
      return Optional.empty();
    }
    Map<PciAddress, PageTableId> pageTables = new HashMap<>(before.pageTables());
    pageTables.put(function, pageTable);
    AddressSpace after = new AddressSpace(handle, before.name(), pageTables);
    spaces.put(handle, after);
    return Optional.of(after);
  }

  /// Ends a grant. What is attached stays attached: detach first.
  ///
  /// @return the page table that was granted; empty if nothing was
  public synchronized Optional<PageTableId> revoke(int handle, PciAddress function) {
    AddressSpace before = spaces.get(handle);
    if (before == null || !before.pageTables().containsKey(function)) {
      return Optional.empty();
    }
    Map<PciAddress, PageTableId> pageTables = new HashMap<>(before.pageTables());
    Optional<PageTableId> revoked = Optional.ofNullable(pageTables.remove(function));
    spaces.put(handle, new AddressSpace(handle, before.name(), pageTables));
    return revoked;
  }

  /// The page table of a handle for a function's PASIDs; empty if there is no such handle, or the
  /// function may not use it. A guest should not be told which of the two.
  public Optional<PageTableId> pageTable(int handle, PciAddress function) {
    AddressSpace space = spaces.get(handle);
    return space == null ? Optional.empty() : Optional.ofNullable(space.pageTables().get(function));
  }

  /// The address space of a handle.
  public Optional<AddressSpace> find(int handle) {
    return Optional.ofNullable(spaces.get(handle));
  }

  /// The address space of a name.
  public Optional<AddressSpace> find(String name) {
    return spaces.values().stream().filter(space -> space.name().equals(name)).findFirst();
  }

  /// The address space that a function reaches through a page table; empty for a page table that is
  /// granted to it under no handle.
  public Optional<AddressSpace> find(PciAddress function, PageTableId pageTable) {
    return spaces.values().stream()
        .filter(space -> pageTable.equals(space.pageTables().get(function)))
        .findFirst();
  }

  /// All of them, by ascending handle.
  public List<AddressSpace> all() {
    return new ArrayList<>(spaces.values());
  }
}
