package io.vpasid.guest.vfiouser;

import io.netty.channel.Channel;
import io.vpasid.guest.socket.Descriptors;
import io.vpasid.vmm.linux.Errno;
import java.io.IOException;
import java.nio.channels.ClosedChannelException;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/// The requests that one end of a connection has sent: gives each a message id, and each reply to
/// the request that waits for it.
///
/// A request that is not answered in time closes the connection, because what has become of it
/// cannot be known.
final class PendingRequests {
  private static final int IDS = 1 << 16;

  private final Duration timeout;

  // From here on only the loop's thread.
  private final Map<Integer, Waiting<?>> waiting = new LinkedHashMap<>();
  private int lastId;
  private @Nullable Future<?> deadline;
  private IOException closeCause = new ClosedChannelException();

  /// None yet.
  ///
  /// @param timeout how long a reply may take
  PendingRequests(Duration timeout) {
    this.timeout = timeout;
  }

  private record Waiting<P extends Payload>(
      Command command, Class<P> reply, String what, long deadline, CompletableFuture<P> answer) {

    void complete(Payload payload) {
      answer.complete(reply.cast(payload));
    }
  }

  /// Sends a request. May be called by any thread.
  ///
  /// @param reply the layout of its reply
  /// @param what the request as it reads in the message of an exception
  /// @return the reply; fails with a [VfioUserException] if the other end says so, with another
  ///   [IOException] if there is none
  <P extends Payload> CompletableFuture<P> request(
      Channel channel,
      Command command,
      Payload payload,
      Descriptors descriptors,
      Class<P> reply,
      String what) {
    CompletableFuture<P> answer = new CompletableFuture<>();
    long due = System.nanoTime() + timeout.toNanos();
    Waiting<P> request = new Waiting<>(command, reply, what, due, answer);
    try {
      channel.eventLoop().execute(() -> send(channel, request, payload, descriptors));
    } catch (RejectedExecutionException e) {
      descriptors.close();
      answer.completeExceptionally(
          new IOException(what + " could not be sent: the sockets' threads have ended.", e));
    }
    return answer;
  }

  private void send(Channel channel, Waiting<?> request, Payload payload, Descriptors descriptors) {
    if (!channel.isActive()) {
      descriptors.close();
      request.answer.completeExceptionally(closed(request.what));
      return;
    }
    int id = nextId();
    waiting.put(id, request);
    watch(channel);
    var _ =
        channel
            .writeAndFlush(new Message(Header.request(id, request.command), payload, descriptors))
            .addListener(sent -> {
              if (!sent.isSuccess()) {
                fail(id, sent.cause());
              }
            });
  }

  private int nextId() {
    do {
      lastId = (lastId + 1) % IDS;
    } while (waiting.containsKey(lastId));
    return lastId;
  }

  private void fail(int id, Throwable cause) {
    Waiting<?> request = waiting.remove(id);
    if (request != null) {
      request.answer.completeExceptionally(
          new IOException(request.what + " could not be sent.", cause));
    }
  }

  /// Sees to it that the request that waits longest does not do so beyond its deadline.
  private void watch(Channel channel) {
    if (deadline == null && !waiting.isEmpty()) {
      long left = waiting.values().iterator().next().deadline - System.nanoTime();
      deadline =
          channel
              .eventLoop()
              .schedule(() -> checkDeadline(channel), Math.max(0, left), TimeUnit.NANOSECONDS);
    }
  }

  private void checkDeadline(Channel channel) {
    deadline = null;
    if (waiting.isEmpty()) {
      return;
    }
    Waiting<?> oldest = waiting.values().iterator().next();
    if (oldest.deadline - System.nanoTime() <= 0) {
      closing(new IOException(oldest.what + " was not answered within " + timeout + "."));
      var _ = channel.close();
    } else {
      watch(channel);
    }
  }

  /// True if a request with this reply's id and command waits.
  boolean expects(Header reply) {
    Waiting<?> request = reply.isReply() ? waiting.get(reply.id()) : null;
    return request != null && request.command.number() == reply.command();
  }

  /// Gives a reply to the request that [waits for it][#expects].
  ///
  /// @return why the connection cannot go on, if the reply has another layout than it should
  Optional<String> complete(Message reply) {
    Waiting<?> request = waiting.remove(reply.header().id());
    if (request == null) {
      return Optional.of("A reply came that nothing waits for.");
    }
    if (reply.header().isError()) {
      Errno errno = VfioUserDecoder.errno(reply.header());
      request.answer.completeExceptionally(new VfioUserException(request.what, errno));
    } else if (request.reply.isInstance(reply.payload())) {
      request.complete(reply.payload());
    } else {
      String reason = "The reply to " + request.what + " is bad (" + reply.payload() + ").";
      request.answer.completeExceptionally(new IOException(reason));
      return Optional.of(reason);
    }
    return Optional.empty();
  }

  /// Why the connection is about to be closed; what waits will fail with it.
  void closing(IOException cause) {
    if (closeCause instanceof ClosedChannelException) {
      closeCause = cause;
    }
  }

  /// The connection is closed: everything that waits fails.
  void closed() {
    if (deadline != null) {
      deadline.cancel(false);
      deadline = null;
    }
    for (Waiting<?> request : waiting.values()) {
      request.answer.completeExceptionally(closed(request.what));
    }
    waiting.clear();
  }

  private IOException closed(String what) {
    return closeCause instanceof ClosedChannelException
        ? new IOException(what + " was not answered: the connection is closed.")
        : closeCause;
  }
}
