package io.vpasid.guest.control;

/// What the commands of a control socket act on.
@FunctionalInterface
public interface ControlTarget {

  /// Does a command. One thread at a time calls it, in the order in which the commands came.
  ///
  /// @param arguments those of the command's table, of the right kinds
  /// @return what Jackson can write: the `return` of the reply
  /// @throws ControlException if it is not done; then nothing has changed
  Object execute(ControlCommand command, ControlArguments arguments);
}
