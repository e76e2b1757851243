package io.vpasid.it.realkernel;

/// Lets function level resets of a function last, which otherwise are over at once. Another
/// function has it as a byte of its configuration space, because a function in reset is out of
/// reach.
///
/// ```text
///    31             2     1         0
///  +------------------+----------+------+
///  |        0         | in reset | hold |
///  +------------------+----------+------+
/// ```
///
/// While _hold_ is set, a reset that begins goes on: the function reads as all ones, and writes to
/// it are lost. _In reset_ is read-only.
final class ResetSwitch implements SpareRegister {
  /// Where the other function has it.
  static final int OFFSET = 0xf00;

  static final int HOLD = 1;
  static final int IN_RESET = 2;

  private boolean holds;
  private boolean isInReset;

  /// A reset begins, and is over at once if nothing holds it.
  synchronized void begin() {
    isInReset = holds;
  }

  synchronized boolean isInReset() {
    return isInReset;
  }

  @Override
  public synchronized int read() {
    return (holds ? HOLD : 0) | (isInReset ? IN_RESET : 0);
  }

  @Override
  public synchronized void write(int value) {
    holds = (value & HOLD) != 0;
    isInReset &= holds;
  }
}
