package io.vpasid.guest.vfiouser;

import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.vpasid.guest.transport.Descriptors;
import io.vpasid.vmm.iommufd.Errno;
import java.io.IOException;
import java.nio.channels.ClosedChannelException;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Gives each request a message id, and each reply to the request that waits for it.
///
/// A reply that nobody waits for, or of another layout than its request's, ends the connection: the
/// server and this client no longer agree on what was said.
final class ClientHandler extends ChannelInboundHandlerAdapter {
  private static final Logger LOG = LoggerFactory.getLogger(ClientHandler.class);

  private static final int IDS = 1 << 16;

  private final Duration timeout;

  // From here on only the loop's thread.
  private final Map<Integer, Waiting<?>> waiting = new LinkedHashMap<>();
  private int lastId;
  private @Nullable Future<?> deadline;
  private IOException closeCause = new ClosedChannelException();

  ClientHandler(Duration timeout) {
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
  /// @return the reply; fails with a [VfioUserException] if the server says so, with another
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
      closeCause = new IOException(oldest.what + " was not answered within " + timeout + ".");
      var _ = channel.close();
    } else {
      watch(channel);
    }
  }

  @Override
  public void channelRead(ChannelHandlerContext context, Object read) {
    Message message = (Message) read;
    message.descriptors().close();
    Header header = message.header();
    if (header.isRequest()) {
      refuse(context, header);
      return;
    }
    Waiting<?> request = header.isReply() ? waiting.remove(header.id()) : null;
    if (request == null || request.command.number() != header.command()) {
      giveUp(context, request, "The server sent a reply that nothing waits for");
    } else if (header.isError()) {
      Errno errno = VfioUserDecoder.errno(header);
      request.answer.completeExceptionally(new VfioUserException(request.what, errno));
    } else if (request.reply.isInstance(message.payload())) {
      request.complete(message.payload());
    } else {
      giveUp(context, request, "The server's reply is bad (" + message.payload() + ")");
    }
  }

  /// Nothing that a server may ask is served here.
  private static void refuse(ChannelHandlerContext context, Header header) {
    if (header.wantsReply()) {
      var _ =
          context.writeAndFlush(
              Message.of(header.failure(Errno.EOPNOTSUPP), Payload.Empty.INSTANCE));
    }
  }

  private void giveUp(ChannelHandlerContext context, @Nullable Waiting<?> request, String reason) {
    closeCause = new IOException(reason + ".");
    if (request != null) {
      request.answer.completeExceptionally(closeCause);
    }
    var _ = context.close();
  }

  @Override
  public void channelInactive(ChannelHandlerContext context) {
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

  @Override
  public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
    LOG.debug("A connection broke.", cause);
    if (closeCause instanceof ClosedChannelException) {
      closeCause = new IOException("The connection broke.", cause);
    }
    var _ = context.close();
  }
}
