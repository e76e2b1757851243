package io.vpasid.guest.vfiouser;

import io.vpasid.guest.socket.Descriptors;

/// One message in either direction.
///
/// @param header what every message has
/// @param payload what this command has
/// @param descriptors the file descriptors that travel with it, owned by whoever holds the message
record Message(Header header, Payload payload, Descriptors descriptors) {

  /// A message without descriptors.
  static Message of(Header header, Payload payload) {
    return new Message(header, payload, Descriptors.none());
  }
}
