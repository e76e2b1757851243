package io.vpasid.guest.cli.terminal;

/// The exit codes of every command.
public final class ExitCode {
  /// Done, or the answer is yes.
  public static final int DONE = 0;

  /// The answer is no: nothing could be placed, an expectation failed.
  public static final int NO = 1;

  /// Bad usage or bad input.
  public static final int USAGE = 2;

  /// The environment lacks something: a permission, a device, a kernel feature.
  public static final int ENVIRONMENT = 3;

  /// A bug in this program.
  public static final int BUG = 70;

  private ExitCode() {}
}
