package io.vpasid.guest.control;

import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.channel.socket.ChannelInputShutdownEvent;
import io.vpasid.guest.control.ControlMessages.Request;
import io.vpasid.synth.json.Spelling;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Executor;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// One client of the control socket.
///
/// Its commands are done one after the other. It may send some more while one is under way, so that
/// a client who knows what it will ask waits once and not each time; beyond [#MAX_UNDER_WAY], or
/// while it does not read its replies, nothing more is read from it. Of events that come while it
/// does not read, each function has a share kept, and what is beyond is counted. A client that ends
/// its own direction, as a pipe into `socat` does, still gets the replies to what it sent.
final class ControlSession extends SimpleChannelInboundHandler<ControlInput>
    implements ControlTarget.Client {
  private static final Logger LOG = LoggerFactory.getLogger(ControlSession.class);

  /// Most commands that it has sent and that are not answered yet. Few, because the commands of all
  /// clients wait in one queue.
  private static final int MAX_UNDER_WAY = 4;

  /// Most bytes of events that wait. More than what holds back replies: a guest can cause thousands
  /// of events at once, behind a virtual IOMMU by one invalidation, and whoever reads should see
  /// all of them.
  private static final long EVENT_BYTES = 1 << 20;

  private final Channel channel;
  private final Executor worker;
  private final ControlTarget target;
  private final Object version;
  private final Duration negotiationTimeout;
  private final boolean mayChange;
  private final WaitingEvents events = new WaitingEvents(EVENT_BYTES);

  /// True if the loop has been asked to send events, and has not begun.
  private final AtomicBoolean sending = new AtomicBoolean();

  private volatile boolean negotiated;
  private volatile boolean temporary;

  // From here on only the loop's thread.
  private int underWay;
  private boolean inputEnded;
  private @Nullable Future<?> deadline;

  /// @param mayChange whether the client may do more than look
  ControlSession(
      Channel channel,
      Executor worker,
      ControlTarget target,
      Object version,
      Duration negotiationTimeout,
      boolean mayChange) {
    this.channel = channel;
    this.worker = worker;
    this.target = target;
    this.version = version;
    this.negotiationTimeout = negotiationTimeout;
    this.mayChange = mayChange;
  }

  @Override
  public void channelActive(ChannelHandlerContext context) {
    send(ControlMessages.greeting(version));
    deadline =
        context
            .executor()
            .schedule(this::giveUp, negotiationTimeout.toMillis(), TimeUnit.MILLISECONDS);
  }

  private void giveUp() {
    if (!negotiated) {
      LOG.info(
          "A control client did not negotiate within {} s and is disconnected.",
          negotiationTimeout.toSeconds());
      close();
    }
  }

  @Override
  protected void channelRead0(ChannelHandlerContext context, ControlInput input) {
    JsonNode id = null;
    try {
      switch (input) {
        case ControlInput.Garbage garbage ->
            throw ControlException.generic("JSON parse error: " + garbage.problem());
        case ControlInput.Text text -> {
          ObjectNode message = ControlMessages.object(text.bytes());
          id = message.get("id");
          Request request = ControlMessages.request(message);
          ControlCommand command = command(request.execute());
          ControlArguments arguments = ControlArguments.check(command, request.arguments());
          if (command == ControlCommand.QMP_CAPABILITIES) {
            negotiate(arguments);
            send(ControlMessages.result(Map.of(), id));
          } else {
            JsonNode its = id;
            begin(() -> reply(command, arguments, its), id);
          }
        }
      }
    } catch (ControlException e) {
      byte[] error = ControlMessages.error(e, id);
      if (underWay == 0) {
        send(error);
      } else {
        begin(() -> error, id);
      }
    }
  }

  private ControlCommand command(String name) {
    ControlCommand command =
        ControlCommand.named(name)
            .orElseThrow(() ->
                new ControlException(
                    ControlException.Kind.COMMAND_NOT_FOUND,
                    "there is no command '%s'; %s"
                        .formatted(
                            ControlArguments.printable(name),
                            Spelling.nearest(name, ControlCommand.titles())
                                .map(near -> "did you mean '" + near + "'?")
                                .orElse("query-commands lists them"))));
    if (!negotiated && command != ControlCommand.QMP_CAPABILITIES) {
      throw new ControlException(
          ControlException.Kind.COMMAND_NOT_FOUND,
          command.title() + " is not taken yet: send qmp_capabilities first");
    }
    if (negotiated && command == ControlCommand.QMP_CAPABILITIES) {
      throw new ControlException(
          ControlException.Kind.COMMAND_NOT_FOUND,
          "the negotiation is over: qmp_capabilities is taken once");
    }
    if (!mayChange && !command.onlyLooks()) {
      throw ControlException.generic(
          command.title() + " is refused, as you may only look: ask the operator");
    }
    return command;
  }

  private void negotiate(ControlArguments arguments) {
    for (String wanted : arguments.texts("enable").orElse(List.of())) {
      if (!wanted.equals(ControlMessages.TEMPORARY)) {
        throw ControlException.generic(
            "there is no capability '%s'; the greeting offers '%s'"
                .formatted(ControlArguments.printable(wanted), ControlMessages.TEMPORARY));
      }
    }
    temporary = !arguments.texts("enable").orElse(List.of()).isEmpty();
    negotiated = true;
    endDeadline();
  }

  /// Has a reply made behind those that are under way.
  private void begin(Supplier<byte[]> command, @Nullable JsonNode id) {
    if (++underWay >= mostUnderWay()) {
      channel.config().setAutoRead(false);
    }
    try {
      worker.execute(() -> {
        byte[] reply = command.get();
        channel.eventLoop().execute(() -> finish(reply));
      });
    } catch (RejectedExecutionException e) {
      finish(ControlMessages.error(ControlException.generic("the daemon is ending"), id));
    }
  }

  /// To read from a socket that has no more to give ends it, so behind the last of its bytes a
  /// client has one command under way, and none when more is read.
  private int mostUnderWay() {
    return inputEnded ? 1 : MAX_UNDER_WAY;
  }

  private byte[] reply(ControlCommand command, ControlArguments arguments, @Nullable JsonNode id) {
    try {
      return ControlMessages.result(target.execute(command, arguments, this), id);
    } catch (ControlException e) {
      return ControlMessages.error(e, id);
    } catch (RuntimeException e) {
      LOG.error("The control command {} failed because of a fault here.", arguments, e);
      return ControlMessages.error(
          ControlException.generic(command.title() + " failed because of a fault in vpasid: " + e),
          id);
    }
  }

  private void finish(byte[] reply) {
    underWay--;
    // What a command caused is told before its reply, also to a client that is slow.
    long end = events.came();
    for (var next = events.nextBefore(end); next.isPresent(); next = events.nextBefore(end)) {
      send(line(next.get()));
    }
    send(reply);
    readOn();
    endIfDone();
  }

  /// Sends an event, or counts it as lost. May be called by any thread.
  void event(EventSource source, byte[] line) {
    if (!negotiated) {
      return;
    }
    events.add(source, line);
    sendSoon();
  }

  /// Lets the loop send events, unless it will anyway. May be called by any thread.
  private void sendSoon() {
    if (sending.getAndSet(true)) {
      return;
    }
    try {
      channel
          .eventLoop()
          .execute(() -> {
            sending.set(false);
            sendEvents();
          });
    } catch (RejectedExecutionException e) {
      LOG.trace("An event came when the socket's threads had ended.", e);
    }
  }

  /// Sends the events that wait now, as far as the client reads. Those that come meanwhile have
  /// asked the loop again, and it serves other clients before them.
  private void sendEvents() {
    long end = events.came();
    var next = nextIfRead(end);
    while (next.isPresent()) {
      send(line(next.get()));
      next = nextIfRead(end);
    }
  }

  private Optional<WaitingEvents.Told> nextIfRead(long end) {
    return channel.isWritable() ? events.nextBefore(end) : Optional.empty();
  }

  private static byte[] line(WaitingEvents.Told told) {
    return switch (told) {
      case WaitingEvents.Told.Line(byte[] line) -> line;
      case WaitingEvents.Told.Loss(EventSource source, int count) -> {
        Map<String, Object> data = new LinkedHashMap<>();
        source.nameIn(data);
        data.put("count", count);
        yield ControlMessages.event(ControlEvent.EVENTS_LOST, data, Instant.now());
      }
    };
  }

  private void send(byte[] line) {
    var _ = channel.writeAndFlush(Unpooled.wrappedBuffer(line));
    if (!channel.isWritable()) {
      channel.config().setAutoRead(false);
    }
  }

  private void readOn() {
    if (underWay < mostUnderWay() && channel.isWritable()) {
      channel.config().setAutoRead(true);
    }
  }

  @Override
  public void channelWritabilityChanged(ChannelHandlerContext context) {
    sendSoon(); // not now: this may be told in the midst of sending an event
    readOn();
    endIfDone();
  }

  @Override
  public void userEventTriggered(ChannelHandlerContext context, Object event) {
    if (event == ChannelInputShutdownEvent.INSTANCE) {
      inputEnded = true;
      endIfDone();
    }
    context.fireUserEventTriggered(event);
  }

  /// Disconnects a client that will say no more, when it has the answers to what it said.
  private void endIfDone() {
    if (inputEnded && underWay == 0 && channel.isWritable()) {
      channel.writeAndFlush(Unpooled.EMPTY_BUFFER).addListener(ChannelFutureListener.CLOSE);
    }
  }

  @Override
  public boolean isTemporary() {
    return temporary;
  }

  @Override
  public void channelInactive(ChannelHandlerContext context) {
    endDeadline();
    try {
      worker.execute(() -> target.gone(this));
    } catch (RejectedExecutionException e) {
      LOG.trace("A client went when the daemon was ending.", e);
    }
  }

  private void endDeadline() {
    if (deadline != null) {
      deadline.cancel(false);
      deadline = null;
    }
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
    // Netty's epoll has an unchecked one where the socket has gone meanwhile.
    if (cause instanceof IOException || cause instanceof UncheckedIOException) {
      LOG.debug("A control connection broke.", cause);
    } else {
      LOG.error("A control connection is closed because of a fault here.", cause);
    }
    close();
  }

  void close() {
    var _ = channel.close();
  }
}
