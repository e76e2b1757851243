package io.vpasid.guest.vfiouser;

import io.netty.channel.Channel;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.vpasid.guest.socket.Descriptors;
import io.vpasid.guest.socket.InPlace;
import io.vpasid.guest.socket.LaterTurns;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Lets a session speak through a channel.
///
/// A client that does not read its replies is not read from either, until it has; one that does not
/// say its version in time is disconnected.
final class SessionHandler extends ChannelInboundHandlerAdapter {
  private static final Logger LOG = LoggerFactory.getLogger(SessionHandler.class);

  /// How long a client that is to be disconnected has to read the last reply.
  private static final long LAST_REPLY_MILLIS = 1000;

  /// How long a client may take to read or write its own memory when it is asked to.
  private static final Duration REPLY_TIMEOUT = Duration.ofSeconds(10);

  private final DeviceSession session;
  private final Duration handshakeTimeout;
  private final PendingRequests requests;
  private @Nullable Future<?> handshake;
  private final CompletableFuture<Void> ended = new CompletableFuture<>();
  private boolean closing;
  private boolean gone;

  /// True if a message is being answered in turns, and no other is looked at.
  private boolean answering;

  /// A session's way to speak.
  ///
  /// @param handshakeTimeout how long a client may take to say its version
  /// @param replyTimeout how long it may take to reply to what is asked of it
  SessionHandler(DeviceSession session, Duration handshakeTimeout, Duration replyTimeout) {
    this.session = session;
    this.handshakeTimeout = handshakeTimeout;
    this.requests = new PendingRequests(replyTimeout);
  }

  SessionHandler(DeviceSession session, Duration handshakeTimeout) {
    this(session, handshakeTimeout, REPLY_TIMEOUT);
  }

  /// Done when the client has gone and the device knows it.
  CompletableFuture<Void> ended() {
    return ended;
  }

  @Override
  public void handlerAdded(ChannelHandlerContext context) {
    session.reach(
        new ClientMemory.Requests() {
          @Override
          public <P extends Payload> CompletableFuture<P> send(
              Command command, Payload payload, Class<P> reply, String what) {
            return requests.request(
                context.channel(), command, payload, Descriptors.none(), reply, what);
          }
        });
    InPlace.on(context.channel(), session::answer);
    handshake =
        context
            .executor()
            .schedule(() -> giveUp(context), handshakeTimeout.toMillis(), TimeUnit.MILLISECONDS);
  }

  private void giveUp(ChannelHandlerContext context) {
    if (!session.isAgreed()) {
      LOG.info("A client said nothing for {} and is disconnected.", handshakeTimeout);
      var _ = context.close();
    }
  }

  @Override
  public void channelRead(ChannelHandlerContext context, Object read) {
    Message message = (Message) read;
    if (closing) {
      message.descriptors().close();
      return;
    }
    if (requests.expects(message.header())) {
      message.descriptors().close();
      requests.complete(message).ifPresent(reason -> hangUp(context, reason));
      return;
    }
    say(context, session.answer(message));
    if (session.isAgreed() && handshake != null) {
      handshake.cancel(false);
      handshake = null;
    }
  }

  private void say(ChannelHandlerContext context, Answer answer) {
    switch (answer) {
      case Answer.Silence _ -> {}
      case Answer.Unfinished unfinished -> {
        answering = true;
        context.channel().config().setAutoRead(false);
        LaterTurns.add(context.executor(), () -> resume(context, unfinished));
      }
      case Answer.Reply reply -> {
        var _ = context.write(reply.message(), context.voidPromise());
        slowDown(context);
      }
      case Answer.LastReply last -> {
        closing = true;
        Channel channel = context.channel();
        channel.config().setAutoRead(false);
        context.writeAndFlush(last.message()).addListener(ChannelFutureListener.CLOSE);
        var _ =
            context
                .executor()
                .schedule(() -> close(channel), LAST_REPLY_MILLIS, TimeUnit.MILLISECONDS);
      }
      case Answer.HangUp _ -> {
        closing = true;
        var _ = context.close();
      }
    }
  }

  private void resume(ChannelHandlerContext context, Answer.Unfinished unfinished) {
    if (gone) {
      return;
    }
    Answer answer = unfinished.more().get();
    answering = answer instanceof Answer.Unfinished;
    say(context, answer);
    if (!answering) {
      context.flush();
      if (context.channel().isWritable() && !closing) {
        context.channel().config().setAutoRead(true);
      }
    }
  }

  private void hangUp(ChannelHandlerContext context, String reason) {
    LOG.debug("A client is disconnected: {}", reason);
    closing = true;
    var _ = context.close();
  }

  private static void close(Channel channel) {
    var _ = channel.close();
  }

  /// Stops reading while too much waits to be sent.
  private static void slowDown(ChannelHandlerContext context) {
    Channel channel = context.channel();
    if (!channel.isWritable()) {
      context.flush();
      if (!channel.isWritable()) {
        channel.config().setAutoRead(false);
      }
    }
  }

  @Override
  public void channelReadComplete(ChannelHandlerContext context) {
    context.flush();
  }

  @Override
  public void channelWritabilityChanged(ChannelHandlerContext context) {
    if (!context.channel().isWritable()) {
      context.channel().config().setAutoRead(false);
    } else if (!closing && !answering) {
      context.channel().config().setAutoRead(true);
    }
  }

  @Override
  public void channelInactive(ChannelHandlerContext context) {
    if (handshake != null) {
      handshake.cancel(false);
      handshake = null;
    }
    gone = true;
    requests.closed();
    end(context);
  }

  private void end(ChannelHandlerContext context) {
    if (session.end()) {
      ended.complete(null);
    } else {
      LaterTurns.add(context.executor(), () -> end(context));
    }
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
    if (cause instanceof IOException) {
      LOG.debug("A connection broke.", cause);
    } else {
      LOG.error("A connection is closed because of a fault here.", cause);
    }
    var _ = context.close();
  }
}
