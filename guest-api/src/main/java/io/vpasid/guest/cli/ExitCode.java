package io.vpasid.guest.cli;

/// What the exit codes of every command mean.
final class ExitCode {
  /// Done, or the answer is yes.
  static final int DONE = 0;

  /// The answer is no: nothing could be placed, an expectation failed.
  static final int NO = 1;

  /// Bad usage or bad input.
  static final int USAGE = 2;

  /// The environment lacks something: a permission, a device, a kernel feature.
  static final int ENVIRONMENT = 3;

  /// A bug in this program.
  static final int BUG = 70;

  private ExitCode() {}
}
