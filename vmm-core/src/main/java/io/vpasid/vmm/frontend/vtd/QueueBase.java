package io.vpasid.vmm.frontend.vtd;

/// Where a ring of the guest's memory is that it shares with the unit: the invalidation queue (IQA,
/// section 11.4.9.3) or the page request queue (PQA, section 11.4.11.3), which are alike.
///
/// ```text
/// 63                                  12  11  10      3 2    0
/// |         address of the ring         | DW |    0     | size |   2^size pages
/// ```
///
/// @param register the register's value, with reserved bits as 0
record QueueBase(long register) {
  /// After reset.
  static final QueueBase NONE = new QueueBase(0);

  private static final int INVALIDATION_LOW = 0xfffff807;
  private static final int PAGE_REQUEST_LOW = 0xfffff007;

  /// IQA with other low 32 bits.
  QueueBase withInvalidationLow(int value) {
    return new QueueBase(Bits.withLow(register, value & INVALIDATION_LOW));
  }

  /// PQA with other low 32 bits.
  QueueBase withPageRequestLow(int value) {
    return new QueueBase(Bits.withLow(register, value & PAGE_REQUEST_LOW));
  }

  /// With other high 32 bits.
  QueueBase withHigh(int value) {
    return new QueueBase(Bits.withHigh(register, value));
  }

  /// Guest-physical address of an offset in the ring.
  long at(int offset) {
    return (register & ~0xfffL) + offset;
  }

  /// Bytes of the ring, a power of two.
  int size() {
    return 0x1000 << (register & 7);
  }

  /// DW: descriptors have 256 bits, not 128.
  boolean isWide() {
    return Bits.has(register, 11);
  }

  /// The offset that is so many bytes further round the ring.
  int next(int offset, int bytes) {
    return (offset + bytes) & (size() - 1);
  }
}
