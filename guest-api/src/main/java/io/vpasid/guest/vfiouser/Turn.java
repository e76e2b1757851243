package io.vpasid.guest.vfiouser;

/// How long the work of one client may go on until the others of its loop have theirs: a
/// millisecond. Work that takes longer goes on in another turn.
final class Turn {
  /// Steps of work between two looks at the clock. Fewer are done in one turn, however slow.
  static final int STEPS = 64;

  private static final long NANOS = 1_000_000;

  private final long end = System.nanoTime() + NANOS;

  private Turn() {}

  /// A turn that begins now.
  static Turn begin() {
    return new Turn();
  }

  boolean hasTime() {
    return System.nanoTime() - end < 0;
  }
}
