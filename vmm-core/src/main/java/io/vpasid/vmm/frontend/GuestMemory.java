package io.vpasid.vmm.frontend;

import java.nio.ByteBuffer;

/// The memory of a guest, by guest-physical address, as a device behind no IOMMU sees it.
///
/// It changes while it is read: the guest's CPUs write it at any time. So whoever decodes what a
/// guest left there loads each unit once, into a variable, and looks at nothing but the variable.
///
/// - Addresses are guest-physical, 64 bits, unsigned. Values are little endian.
/// - A load or store of 4 or 8 bytes is one access: it sees, and leaves, no mixture of two values.
///   A load has acquire, a store release semantics, so a guest that sees a stored value sees
///   everything stored before it.
/// - Alignment is the caller's duty: an address that is not a multiple of the width is a bug and
///   throws [IllegalArgumentException].
/// - What is not memory (no memory there, a device, read-only memory when storing, a guest that has
///   gone) throws [GuestMemoryException]; an access of several bytes may have been done in part.
/// - Any thread may call. An implementation that asks a remote guest for its memory blocks until
///   the answer is there, so it must not be called by the thread that receives the answers.
///
/// Implementations allocate nothing in the accesses of 4 and 8 bytes that succeed, if they can.
public interface GuestMemory {

  /// Loads 8 bytes at once.
  ///
  /// @param address a multiple of 8
  long loadLong(long address) throws GuestMemoryException;

  /// Loads 4 bytes at once.
  ///
  /// @param address a multiple of 4
  int loadInt(long address) throws GuestMemoryException;

  /// Stores 8 bytes at once.
  ///
  /// @param address a multiple of 8
  void storeLong(long address, long value) throws GuestMemoryException;

  /// Stores 4 bytes at once.
  ///
  /// @param address a multiple of 4
  void storeInt(long address, int value) throws GuestMemoryException;

  /// Stores 8 bytes if they are still what is expected: how accessed and dirty bits are set in an
  /// entry that the guest may be changing.
  ///
  /// Atomic towards the guest's CPUs wherever the memory is mapped. Memory that is reached by
  /// messages only is loaded, compared and stored; an implementation for it says so.
  ///
  /// @param address a multiple of 8
  /// @return whether it was as expected, and is now `value`
  boolean compareAndSetLong(long address, long expected, long value) throws GuestMemoryException;

  /// Loads several units of 8 bytes, each at once, the first before the others: an entry of 128,
  /// 256 or 512 bits, whose first word says whether it is present. It may be a mixture of two that
  /// the guest wrote. Memory that is reached by messages gets them in one.
  ///
  /// @param address of the first, a multiple of 8
  /// @param words filled from index 0
  /// @param count how many, 1 to `words.length`
  default void loadLongs(long address, long[] words, int count) throws GuestMemoryException {
    for (int i = 0; i < count; i++) {
      words[i] = loadLong(address + i * 8L);
    }
  }

  /// Copies bytes out, in no particular order or size of accesses.
  ///
  /// @param address of the first byte
  /// @param destination filled from its position to its limit; the position moves to the limit if
  ///   it succeeds and is undefined if it does not
  void read(long address, ByteBuffer destination) throws GuestMemoryException;

  /// Copies bytes in, in no particular order or size of accesses.
  ///
  /// @param address of the first byte
  /// @param source from its position to its limit; the position moves to the limit if it succeeds
  ///   and is undefined if it does not
  void write(long address, ByteBuffer source) throws GuestMemoryException;
}
