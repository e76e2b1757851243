package io.vpasid.guest.emulator.vtd;

import io.vpasid.guest.emulator.IommuPort;
import io.vpasid.guest.emulator.vtd.PageTable.Stage;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// A guest's driver for a VT-d unit in scalable mode, with one function behind the unit: page
/// tables, PASID table entries, the invalidation queue, faults and page requests.
///
/// ```text
/// 0x10000  root table         0x11000  context table of the first bus
/// 0x20000  PASID directory    0x40000  invalidation queue
/// 0x50000  page requests      0x60000  status of waits
/// 0x100000 pages for tables and for what they map; 0x800000 the end of that
/// ```
///
/// It says what it has written when it is told to, and not before: a scenario decides. Interrupts
/// stay masked; whoever uses it asks for faults and page requests. One thread uses it.
public final class VtdDriver {
  private static final long ROOT = 0x10000;
  private static final long CONTEXT = 0x11000;
  private static final long DIRECTORY = 0x20000;
  private static final int DIRECTORY_BYTES = 0x20000;
  private static final long QUEUE = 0x40000;
  private static final long PAGE_QUEUE = 0x50000;
  private static final long STATUS = 0x60000;
  private static final long FIRST_PAGE = 0x100000;

  /// The address from which the driver leaves the memory alone.
  static final long UNUSED = 0x800000;

  private static final int PRESENT = 1;
  private static final int SCALABLE = 1 << 10;

  /// DTE, PASIDE and PRE of a context entry, and PDTS: the largest directory.
  private static final int DEVICE_TLB_ENABLE = 1 << 2;

  private static final int PASID_ENABLE = 1 << 3;
  private static final int PAGE_REQUEST_ENABLE = 1 << 4;
  private static final int LARGEST_DIRECTORY = 7 << 9;

  /// PGTT, AW (four levels) and P of a PASID table entry's first word.
  private static final int FIRST_STAGE = 1 << 6 | PRESENT;

  private static final int SECOND_STAGE = 2 << 6 | 2 << 2 | PRESENT;
  private static final int PASS_THROUGH = 4 << 6 | PRESENT;
  private static final int PAGE_WALK_SNOOP = 1 << 23;

  private static final int PASIDS_PER_TABLE = 64;
  private static final int ENTRY_BYTES = 64;

  /// Domain id of entries that pass through; page tables have those behind it.
  private static final int OF_PASS_THROUGH = 1;

  private static final int FAULT_BYTES = 16;
  private static final int FAULT_F = 1 << 31;

  private final IommuPort port;
  private final Unit unit;
  private final GuestPages pages;
  private final Invalidations invalidations;
  private final PageRequests pageRequests;
  private final Stage stage;
  private final boolean pageWalkSnoop;
  private final boolean deviceTlb;
  private final boolean takesPageRequests;
  private final boolean hasPasids;
  private final int faultRecords;
  private final int faultOffset;
  private int domains = OF_PASS_THROUGH;

  /// A fault that the unit has recorded (section 11.4.7.6).
  ///
  /// @param pasid 0 for the function itself
  /// @param reason 8 bits
  /// @param address of the page
  public record Fault(int pasid, int reason, long address) {}

  /// Looks at what the unit offers.
  ///
  /// @throws DriverException if that is no scalable mode that this driver can use
  public VtdDriver(IommuPort port) {
    this.port = port;
    unit = new Unit(port);
    pages = new GuestPages(port.memory(), FIRST_PAGE, UNUSED);
    invalidations = new Invalidations(unit, pages, QUEUE, STATUS);
    pageRequests = new PageRequests(unit, pages, PAGE_QUEUE);
    long cap = unit.read8(Unit.CAP);
    long ecap = unit.read8(Unit.ECAP);
    // QI, SMTS, and the first or the second stage.
    if (!has(ecap, 1) || !has(ecap, 43) || !(has(ecap, 46) || has(ecap, 47))) {
      throw new DriverException(
          "the IOMMU has no queue, no scalable mode, or no stage: ECAP is 0x%x".formatted(ecap));
    }
    stage = has(ecap, 47) ? Stage.FIRST : Stage.SECOND;
    pageWalkSnoop = has(ecap, 48);
    deviceTlb = has(ecap, 2);
    takesPageRequests = has(ecap, 29);
    hasPasids = has(ecap, 40);
    faultRecords = (int) (cap >>> 40 & 0xff) + 1;
    faultOffset = (int) (cap >>> 24 & 0x3ff) * 16;
  }

  private static boolean has(long register, int bit) {
    return (register >>> bit & 1) != 0;
  }

  /// True if functions can ask for pages.
  public boolean takesPageRequests() {
    return takesPageRequests;
  }

  /// Switches translation on, in the order of Linux: queue, root table, invalidation of everything,
  /// page request queue, translation. Entries are those that there are.
  ///
  /// @throws DriverException if the unit does not do something in time
  public void enable() {
    invalidations.enable();
    pages.store(ROOT, CONTEXT | PRESENT);
    pages.store(
        CONTEXT + IommuPort.FUNCTION * 32L,
        DIRECTORY
            | LARGEST_DIRECTORY
            | (hasPasids ? PASID_ENABLE : 0)
            | (deviceTlb ? DEVICE_TLB_ENABLE : 0)
            | (takesPageRequests ? PAGE_REQUEST_ENABLE : 0)
            | PRESENT);
    unit.write8(Unit.RTADDR, ROOT | SCALABLE);
    unit.command(Unit.SRTP, 0);
    invalidateAll();
    if (takesPageRequests) {
      pageRequests.enable();
    }
    unit.command(Unit.TE, 0);
  }

  /// Switches translation off.
  ///
  /// @throws DriverException if the unit does not do it in time
  public void disable() {
    unit.command(0, Unit.TE);
  }

  /// Begins anew after somebody else has had the unit: as [#disable] and [#enable], and all that
  /// was recorded is dropped.
  void restart() {
    disable();
    unit.write4(Unit.FSTS, -1);
    enable();
    for (int i = 0; i < faultRecords; i++) {
      unit.write4(faultOffset + i * FAULT_BYTES + 12, FAULT_F);
    }
    unit.write4(Unit.FSTS, -1);
  }

  // Page tables and entries

  /// A page table that maps nothing, in the stage that the unit offers.
  public PageTable newPageTable() {
    return new PageTable(stage, ++domains, pages);
  }

  /// Says that a page table has lost mappings or rights, for a PASID that uses it.
  ///
  /// @param pasid 0 for the function itself
  public void tellUnmapped(PageTable table, int pasid) {
    invalidations.translations(pasid, table.domain(), table.stage() == Stage.FIRST, deviceTlb);
  }

  /// Says that a page table has gained mappings, which is needed in a second stage only: the unit
  /// has caching mode, and may have a copy.
  public void tellMapped(PageTable table) {
    if (table.stage() == Stage.SECOND) {
      invalidations.domain(table.domain());
    }
  }

  /// Writes an entry that points to a page table.
  ///
  /// @param pasid 0 for the function itself
  public void bind(int pasid, PageTable table) {
    long snoop = pageWalkSnoop ? PAGE_WALK_SNOOP : 0;
    if (table.stage() == Stage.FIRST) {
      write(pasid, FIRST_STAGE, table.domain() | snoop, table.top());
    } else {
      write(pasid, SECOND_STAGE | table.top(), table.domain() | snoop, 0);
    }
  }

  /// Writes an entry that lets addresses through as they are.
  ///
  /// @param pasid 0 for the function itself
  public void passThrough(int pasid) {
    write(pasid, PASS_THROUGH, OF_PASS_THROUGH, 0);
  }

  /// Takes an entry away.
  ///
  /// @param pasid 0 for the function itself
  public void unbind(int pasid) {
    pages.store(entry(pasid), 0);
  }

  /// The word with P comes last.
  private void write(int pasid, long word0, long word1, long word2) {
    long entry = entry(pasid);
    pages.store(entry + 8, word1);
    pages.store(entry + 16, word2);
    pages.store(entry, word0);
  }

  /// Where a PASID's entry is; makes its table if there is none.
  private long entry(int pasid) {
    if (pasid < 0 || pasid >= DIRECTORY_BYTES / Long.BYTES * PASIDS_PER_TABLE) {
      throw new DriverException(
          "no PASID directory has room for PASID " + Integer.toUnsignedString(pasid));
    }
    long place = DIRECTORY + pasid / PASIDS_PER_TABLE * (long) Long.BYTES;
    long table = pages.load(place);
    if (table == 0) {
      table = pages.take() | PRESENT;
      pages.store(place, table);
    }
    return (table & ~0xfffL) + pasid % PASIDS_PER_TABLE * (long) ENTRY_BYTES;
  }

  /// Says that the entry of a PASID has changed; what it was is gone when [#finish] returns.
  ///
  /// @param pasid 0 for the function itself
  /// @param table that the entry points to, or did; empty for pass-through
  public void tellChanged(int pasid, Optional<PageTable> table) {
    invalidations.pasid(
        pasid,
        table.map(PageTable::domain).orElse(OF_PASS_THROUGH),
        table.map(PageTable::stage).orElse(stage) == Stage.FIRST,
        deviceTlb);
  }

  /// Lets the unit have all that was said, and waits until it has done it.
  ///
  /// @throws DriverException if the queue stops, or takes too long
  public void finish() {
    invalidations.finish();
  }

  /// Says that everything may have changed, and waits.
  ///
  /// @throws DriverException if the queue stops, or takes too long
  public void invalidateAll() {
    invalidations.everything();
    finish();
  }

  // What a process does

  /// Reads 8 bytes of the guest's memory.
  ///
  /// @param address guest-physical, as a page table has it
  public long load(long address) {
    return pages.load(address);
  }

  /// Writes 8 bytes of the guest's memory.
  ///
  /// @param address guest-physical, as a page table has it
  public void store(long address, long value) {
    pages.store(address, value);
  }

  // What the unit tells

  /// Takes all faults that are recorded, oldest first.
  ///
  /// @throws DriverException if some were lost
  public List<Fault> takeFaults() {
    List<Fault> taken = new ArrayList<>();
    int status = unit.read4(Unit.FSTS);
    while ((status & Unit.FSTS_PPF) != 0 && taken.size() < faultRecords) {
      int at = faultOffset + (status >>> 8 & 0xff) * FAULT_BYTES;
      long low = unit.read8(at);
      long high = unit.read8(at + 8);
      taken.add(
          new Fault(
              has(high, 31) ? (int) (high >>> 40) & 0xfffff : 0,
              (int) (high >>> 32) & 0xff,
              low & ~0xfffL));
      unit.write4(at + 12, FAULT_F);
      status = unit.read4(Unit.FSTS);
    }
    if ((status & Unit.FSTS_PFO) != 0) {
      unit.write4(Unit.FSTS, Unit.FSTS_PFO);
      throw new DriverException(
          "more faults were recorded than there is room for, " + taken.size());
    }
    return taken;
  }

  /// Takes the oldest page request.
  public Optional<PageRequest> takePageRequest() {
    return pageRequests.take();
  }

  /// Answers a page request, and waits until the unit has the answer.
  ///
  /// @param code 0 success, 1 invalid request, 15 failure
  public void answer(PageRequest request, int code) {
    invalidations.pageResponse(request, code);
    finish();
  }

  Unit unit() {
    return unit;
  }

  GuestPages pages() {
    return pages;
  }

  IommuPort port() {
    return port;
  }
}
