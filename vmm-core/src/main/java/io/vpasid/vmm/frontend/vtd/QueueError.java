package io.vpasid.vmm.frontend.vtd;

/// Why the invalidation queue stopped: IQEI, bits 3:0 of IQER (section 11.4.9.9).
enum QueueError {
  /// 1: the tail is beyond the queue.
  TAIL(1),
  /// 2: the descriptor is not in memory.
  FETCH(2),
  /// 3: there is no such descriptor, or not in this mode, or not with these capabilities.
  TYPE(3),
  /// 4: reserved bits are set, or a field has a reserved value.
  RESERVED(4),
  /// 5: descriptors have 128 bits, and the mode is not legacy.
  WIDTH(5),
  /// 6: descriptors have 256 bits, and the tail is not a multiple of 32.
  TAIL_NOT_ALIGNED(6),
  /// 7: TTM has a reserved value.
  MODE(7);

  private final int code;

  QueueError(int code) {
    this.code = code;
  }

  int code() {
    return code;
  }
}
