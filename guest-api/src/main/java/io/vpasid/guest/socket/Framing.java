package io.vpasid.guest.socket;

import io.netty.buffer.ByteBuf;

/// How long a message of a protocol is, told from its header.
///
/// ```text
///  0            headerLength              messageLength
///  +------------+-------------------------+
///  | header     | body                    |
///  +------------+-------------------------+
/// ```
///
/// The peer writes the header, so [#messageLength] is the place where its claim is bounded.
public interface Framing {

  /// Number of bytes that every message begins with, at least 1.
  int headerLength();

  /// Number of bytes of the message, header included, or a number below [#headerLength] if the
  /// header breaks the protocol: too short, too long. Nothing behind such a header can be told
  /// apart, so its message is delivered as the bare header and nothing more is read from the
  /// channel.
  ///
  /// @param bytes hold a whole header at least; their indexes stay where they are
  /// @param at where the header begins
  int messageLength(ByteBuf bytes, int at);

  /// The same for the first message of a connection, of whose peer nothing is known yet.
  default int firstMessageLength(ByteBuf bytes, int at) {
    return messageLength(bytes, at);
  }
}
