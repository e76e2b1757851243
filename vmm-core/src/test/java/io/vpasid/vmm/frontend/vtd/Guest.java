package io.vpasid.vmm.frontend.vtd;

import io.vpasid.vmm.frontend.GuestMemory;
import io.vpasid.vmm.frontend.GuestMemoryException;
import io.vpasid.vmm.frontend.MappedGuestMemory;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;

/// A guest with 16 MiB of memory at 0 and a driver for a unit: it keeps tables in that memory and
/// programs the unit as the specification has it. The unit has no thread, so everything the driver
/// asks for is done when the call returns.
///
/// ```text
/// 0x10000 root table     0x11000 context table of bus 0 (0x12000: its upper half)
/// 0x20000 PASID directory, up to 0x40000     0x40000 invalidation queue, 4 KiB
/// 0x50000 page request queue, 4 KiB          0x60000 status of wait descriptors
/// 0x100000 pages for tables, one after the other
/// ```
final class Guest {
  static final int MEMORY = 0x1000000;
  static final long ROOT = 0x10000;
  static final long CONTEXT = 0x11000;
  static final long DIRECTORY = 0x20000;
  static final long QUEUE = 0x40000;
  static final long PAGE_QUEUE = 0x50000;
  static final long STATUS = 0x60000;

  /// The function most tests are about: 00:04.0.
  static final SourceId FUNCTION = new SourceId(0x20);

  final GuestMemory memory;
  final RecordingBackend backend = new RecordingBackend();
  final List<String> messages = new ArrayList<>();
  final VtdUnit unit;
  private long nextPage = 0x100000;
  private boolean wide = true;
  private int tail;

  Guest(VtdCapabilities capabilities) {
    this(
        capabilities,
        MappedGuestMemory.of(
            new MappedGuestMemory.Range(0, Arena.ofAuto().allocate(MEMORY, 4096))));
  }

  private Guest(VtdCapabilities capabilities, GuestMemory memory) {
    this.memory = memory;
    unit = unit(capabilities, backend);
    unit.cover(FUNCTION).join();
    backend.clear();
  }

  /// A guest whose unit covers nothing yet, with something else behind it.
  Guest(VtdCapabilities capabilities, GuestMemory memory, VtdBackend behind) {
    this.memory = memory;
    unit = unit(capabilities, behind);
  }

  private VtdUnit unit(VtdCapabilities capabilities, VtdBackend behind) {
    return new VtdUnit(
        capabilities,
        memory,
        behind,
        (address, data) -> messages.add(Long.toHexString(address) + " <- " + data),
        Runnable::run);
  }

  /// A guest whose driver has switched translation on in scalable mode, without any entry yet.
  static Guest scalable(VtdCapabilities capabilities) {
    Guest guest = new Guest(capabilities);
    guest.enable(1);
    return guest;
  }

  /// Sets up queue and tables and switches translation on.
  ///
  /// @param mode TTM: 0 legacy, 1 scalable
  void enable(int mode) {
    enableQueue(mode == 1);
    setRoot(mode);
    write4(RegisterOffset.GCMD, CommandRegisters.QIE | CommandRegisters.TE);
    backend.clear();
  }

  void enableQueue(boolean descriptorsAreWide) {
    wide = descriptorsAreWide;
    tail = 0;
    write8(RegisterOffset.IQA, QUEUE | (wide ? 1 << 11 : 0));
    write4(RegisterOffset.IQT, 0);
    write4(RegisterOffset.GCMD, CommandRegisters.QIE);
  }

  void setRoot(int mode) {
    write8(RegisterOffset.RTADDR, ROOT | (long) mode << 10);
    int status = read4(RegisterOffset.GSTS);
    write4(
        RegisterOffset.GCMD,
        (status & (CommandRegisters.TE | CommandRegisters.QIE)) | CommandRegisters.SRTP);
  }

  int read4(int offset) {
    return (int) unit.readRegister(offset, 4);
  }

  long read8(int offset) {
    return unit.readRegister(offset, 8);
  }

  void write4(int offset, int value) {
    unit.writeRegister(offset, 4, Integer.toUnsignedLong(value));
  }

  void write8(int offset, long value) {
    unit.writeRegister(offset, 8, value);
  }

  /// A page of zeros.
  long page() {
    long page = nextPage;
    nextPage += 0x1000;
    return page;
  }

  void store(long address, long... words) {
    try {
      for (int i = 0; i < words.length; i++) {
        memory.storeLong(address + i * 8L, words[i]);
      }
    } catch (GuestMemoryException e) {
      throw new AssertionError(e);
    }
  }

  long load(long address) {
    try {
      return memory.loadLong(address);
    } catch (GuestMemoryException e) {
      throw new AssertionError(e);
    }
  }

  // Tables of scalable mode.

  /// Root and context entry of [#FUNCTION], with the largest PASID directory.
  ///
  /// @param flags of the context entry besides P: PASIDE 8, DTE 4, PRE 0x10
  void context(long flags) {
    store(ROOT, CONTEXT | 1, (CONTEXT + 0x1000) | 1);
    store(contextEntry(), DIRECTORY | 7 << 9 | flags | 1, 0, 0, 0);
  }

  static long contextEntry() {
    return CONTEXT + FUNCTION.deviceFunction() * 32L;
  }

  /// Writes a PASID table entry, and whatever leads to it.
  void entry(int pasid, long... words) {
    store(entryAddress(pasid), words);
  }

  /// Where a PASID's table entry is; makes its table if there is none.
  long entryAddress(int pasid) {
    long slot = DIRECTORY + (pasid >> 6) * 8L;
    if (load(slot) == 0) {
      store(slot, page() | 1);
    }
    return (load(slot) & ~0xfffL) + (pasid & 63) * 64L;
  }

  /// Words of a first-stage entry, four levels.
  static long[] firstStage(int domainId, long table) {
    return new long[] {1 | 1 << 6, domainId | 1 << 23, table};
  }

  /// Words of a second-stage entry, 48 bits.
  static long[] secondStage(int domainId, long table) {
    return new long[] {table | 2 << 6 | 2 << 2 | 1, domainId | 1 << 23, 0};
  }

  /// Words of a pass-through entry.
  static long[] passThrough(int domainId) {
    return new long[] {4 << 6 | 1, domainId, 0};
  }

  // The queue.

  /// Puts a descriptor into the queue, without moving the tail.
  void put(long... words) {
    int step = wide ? 32 : 16;
    store(QUEUE + tail, words);
    if (wide) {
      for (int i = words.length; i < 4; i++) {
        store(QUEUE + tail + i * 8L, 0);
      }
    }
    tail = (tail + step) & 0xfff;
  }

  /// Lets the unit have what is in the queue.
  void submit() {
    write4(RegisterOffset.IQT, tail);
  }

  /// Puts a descriptor into the queue and lets the unit have it.
  void queue(long... words) {
    put(words);
    submit();
  }

  int tail() {
    return tail;
  }

  /// A PASID cache invalidation of one PASID, then a wait with status.
  void invalidatePasidCache(int pasid) {
    put(7 | 1 << 4 | (long) pasid << 32, 0);
    await(1);
  }

  /// A wait descriptor that writes a status.
  void await(int status) {
    queue(5 | 1 << 5 | (long) status << 32, STATUS);
  }

  int status() {
    return (int) load(STATUS);
  }
}
