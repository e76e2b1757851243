package io.vpasid.guest.control;

/// Something that a client of the control socket sent.
sealed interface ControlInput {

  /// A whole object, or what has the brackets of one.
  ///
  /// @param bytes from the opening to the closing bracket
  @SuppressWarnings("ArrayRecordComponent") // Handed on once and never compared.
  record Text(byte[] bytes) implements ControlInput {}

  /// Bytes that are no object and were dropped.
  ///
  /// @param problem a sentence for the client
  record Garbage(String problem) implements ControlInput {}
}
