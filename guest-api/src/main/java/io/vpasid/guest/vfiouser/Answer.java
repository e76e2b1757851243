package io.vpasid.guest.vfiouser;

import io.vpasid.vmm.linux.Errno;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// What is to be done about a message.
sealed interface Answer {
  /// Tells why requests are refused.
  Logger LOG = LoggerFactory.getLogger(DeviceSession.class);

  /// Nothing.
  record Silence() implements Answer {
    static final Silence INSTANCE = new Silence();
  }

  /// This is sent.
  record Reply(Message message) implements Answer {}

  /// This is sent, and then the connection is closed.
  record LastReply(Message message) implements Answer {}

  /// There is more to be done, in another turn, before the next message is looked at.
  record Unfinished(Supplier<Answer> more) implements Answer {}

  /// The connection is closed.
  record HangUp() implements Answer {
    static final HangUp INSTANCE = new HangUp();
  }

  /// A reply with this payload, where one is wanted.
  static Answer to(Header request, Payload payload) {
    return request.wantsReply()
        ? new Reply(Message.of(request.reply(), payload))
        : Silence.INSTANCE;
  }

  /// A reply with the result of a request, where one is wanted.
  static Answer to(Header request, Result result) {
    return switch (result) {
      case Result.Success success -> to(request, success.payload());
      case Result.Failure failure -> {
        log(request, failure.errno(), failure.reason());
        yield request.wantsReply()
            ? new Reply(Message.of(request.failure(failure.errno()), Payload.Empty.INSTANCE))
            : Silence.INSTANCE;
      }
    };
  }

  /// Ends the connection, with EINVAL for a last word where one is expected.
  static Answer violation(Header header, String reason) {
    log(header, Errno.EINVAL, reason);
    return header.wantsReply()
        ? new LastReply(Message.of(header.failure(Errno.EINVAL), Payload.Empty.INSTANCE))
        : HangUp.INSTANCE;
  }

  /// Tells why a request is refused, which the client is told as a number only.
  static void log(Header header, Errno errno, String reason) {
    if (LOG.isDebugEnabled()) {
      LOG.debug(
          "Message {}, {}: {}. {}", header.id(), Command.describe(header.command()), errno, reason);
    }
  }
}
