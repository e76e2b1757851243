package io.vpasid.guest.control;

/// The object that the commands of a control socket act on.
@FunctionalInterface
public interface ControlTarget {

  /// Does a command. One thread at a time calls it, in the order in which the commands came.
  ///
  /// @param arguments those of the command's table, of the right kinds
  /// @param client who sent it
  /// @return what Jackson can write: the `return` of the reply
  /// @throws ControlException if it is not done; then nothing has changed
  Object execute(ControlCommand command, ControlArguments arguments, Client client);

  /// Hears that a client is gone, after its last command, on the thread that runs commands.
  default void gone(Client client) {}

  /// A sender of commands: one connection, equal to nothing but itself.
  interface Client {
    /// True if what it adds is to be taken away when it is gone, which it asked for when it
    /// negotiated.
    boolean isTemporary();
  }
}
