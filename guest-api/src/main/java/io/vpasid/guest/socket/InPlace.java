package io.vpasid.guest.socket;

import io.netty.channel.Channel;
import java.nio.ByteBuffer;

/// Answers messages where they lie: without a [Packet], and without a trip through the pipeline.
///
/// It is asked for each message that came whole and without descriptors while nothing waits to be
/// sent; what it leaves goes through the pipeline. What it answers is sent in the order of the
/// messages, many in one `sendmsg`.
@FunctionalInterface
public interface InPlace {
  /// Answers a message, or leaves it. Called on the channel's loop.
  ///
  /// @param message the bytes from position to limit, header included; read-only, little endian,
  ///   gone when this returns
  /// @param reply takes the answer from its position on, little endian; the position is behind it
  ///   afterwards, or where it was if there is none to give
  /// @return whether the message is dealt with
  boolean answer(ByteBuffer message, ByteBuffer reply);

  /// Has the messages of a channel answered in place, if it is of a kind that can do so.
  ///
  /// @param channel a connection whose loop this is
  static void on(Channel channel, InPlace answers) {
    if (channel instanceof DescriptorChannel descriptors) {
      descriptors.answerInPlace(answers);
    }
  }
}
