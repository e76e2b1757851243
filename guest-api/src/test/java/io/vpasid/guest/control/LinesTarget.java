package io.vpasid.guest.control;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.handler.flow.FlowControlHandler;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// What a control client sends, as a fuzz target. Every reply is JSON of one of two forms, it makes
/// no difference how the bytes come in pieces, and whatever came, the session goes on.
public final class LinesTarget {
  private static final int MAX_OBJECT = 1024;
  private static final JsonMapper JSON = new JsonMapper();

  private LinesTarget() {}

  /// One input of the fuzzer.
  public static void fuzzerTestOneInput(byte[] input) {
    List<String> whole = replies(input, Math.max(1, input.length));
    List<String> bytewise = replies(input, 1);
    if (!whole.equals(bytewise)) {
      throw new AssertionError("In one piece: " + whole + "\nbyte by byte: " + bytewise);
    }
  }

  /// What the session replies to bytes that come so many at a time.
  static List<String> replies(byte[] input, int piece) {
    EmbeddedChannel channel = new EmbeddedChannel();
    channel
        .pipeline()
        .addLast(
            new JsonStreamDecoder(MAX_OBJECT),
            new FlowControlHandler(),
            new ControlSession(
                channel, Runnable::run, LinesTarget::echo, Map.of(), Duration.ofDays(1), true));
    channel.pipeline().fireChannelActive();
    List<String> replies = new ArrayList<>();
    takeReplies(channel, replies);
    for (int at = 0; at < input.length; at += piece) {
      send(channel, Unpooled.wrappedBuffer(input, at, Math.min(piece, input.length - at)));
      takeReplies(channel, replies);
    }
    // Whatever is open is closed, and the session answers as ever.
    send(channel, Unpooled.copiedBuffer("\"\nx\n", StandardCharsets.UTF_8));
    send(channel, Unpooled.copiedBuffer("]".repeat(MAX_OBJECT) + "\n", StandardCharsets.UTF_8));
    takeReplies(channel, replies);
    int before = replies.size();
    send(channel, Unpooled.copiedBuffer("{\"execute\":1}", StandardCharsets.UTF_8));
    takeReplies(channel, replies);
    if (replies.size() != before + 1 || !replies.getLast().contains("'execute' must be a string")) {
      throw new AssertionError("The session does not go on: " + replies);
    }
    channel.finishAndReleaseAll();
    return replies;
  }

  private static void send(EmbeddedChannel channel, ByteBuf bytes) {
    channel.writeInbound(bytes);
    channel.runPendingTasks();
    channel.checkException();
  }

  private static void takeReplies(EmbeddedChannel channel, List<String> replies) {
    for (ByteBuf out; (out = channel.readOutbound()) != null; out.release()) {
      String line = out.toString(StandardCharsets.UTF_8);
      JsonNode reply = JSON.readTree(line);
      boolean answer = reply.has("return") ^ reply.has("error");
      boolean greeting = replies.isEmpty() && reply.has("QMP");
      if (!(answer || greeting) || line.indexOf('\n') != line.length() - 1) {
        throw new AssertionError("No reply of one line: " + line);
      }
      replies.add(line);
    }
  }

  /// Reads every argument as commands do, and says what it got.
  private static Object echo(
      ControlCommand command, ControlArguments arguments, ControlTarget.Client client) {
    List<Object> read = new ArrayList<>();
    read.add(command.title());
    for (ControlArgument argument : command.arguments()) {
      Optional<?> value =
          switch (argument.kind()) {
            case TEXT -> arguments.optionalText(argument.name());
            case NUMBER -> arguments.optionalNumber(argument.name(), 0, 0xffff_ffffL);
            case TEXTS -> arguments.texts(argument.name());
            case NUMBERS, FLAG, SPACE -> Optional.empty();
          };
      read.add(value.isPresent() ? value.get() : "");
    }
    read.add(arguments.json());
    return read;
  }
}
