package io.vpasid.guest.control;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.embedded.EmbeddedChannel;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// Whatever a client sends, every reply is JSON of one of two forms and the session goes on.
///
/// `-Dvpasid.fuzz.lines=N` sends more.
class RandomLinesTest {
  private static final int LINES = Integer.getInteger("vpasid.fuzz.lines", 20_000);
  private static final JsonMapper JSON = new JsonMapper();
  private static final List<String> PIECES =
      List.of(
          "{",
          "}",
          "[",
          "]",
          "\"",
          "\\",
          ",",
          ":",
          "\n",
          " ",
          "null",
          "true",
          "-1",
          "1e999",
          "4294967296",
          "0x7",
          "\u0000",
          "\u00e9",
          "\ud83d\ude00",
          "\"execute\"",
          "\"arguments\"",
          "\"id\"",
          "\"function\"",
          "\"pasid\"",
          "\"space\"",
          "\"0x100\"",
          "{\"execute\":\"pasid-attach\",\"arguments\":{\"function\":\"a\",\"pasid\":",
          "{\"execute\":\"query-version\"}",
          "{\"execute\":\"qmp_capabilities\"}",
          "{\"execute\":\"config-read\",\"arguments\":{\"function\":\"a\",\"offset\":0}}");

  /// Invariant I8: no line makes the control socket throw, loop or allocate without bound.
  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void everyReplyIsAnAnswer(long seed) {
    Random random = new Random(seed);
    EmbeddedChannel channel = new EmbeddedChannel();
    ControlTarget target = (command, arguments) -> List.of(command.title(), arguments.json());
    channel
        .pipeline()
        .addLast(
            new JsonStreamDecoder(4096),
            new ControlSession(channel, Runnable::run, target, Map.of(), Duration.ofDays(1)));
    channel.pipeline().fireChannelActive();
    assertThat(reply(channel).has("QMP")).isTrue();

    for (int i = 0; i < LINES; i++) {
      channel.writeInbound(bytes(random));
      channel.runPendingTasks();
      drain(channel);
    }
    // Whatever is open is closed, and the session answers as ever.
    channel.writeInbound(Unpooled.copiedBuffer("\"\nx\n", StandardCharsets.UTF_8));
    channel.writeInbound(Unpooled.copiedBuffer("]".repeat(4096) + "\n", StandardCharsets.UTF_8));
    drain(channel);
    channel.writeInbound(Unpooled.copiedBuffer("{\"execute\":1}", StandardCharsets.UTF_8));
    assertThat(reply(channel).has("error")).isTrue();
    assertThat(channel.isOpen()).isTrue();
    channel.finishAndReleaseAll();
  }

  private static void drain(EmbeddedChannel channel) {
    for (ByteBuf out; (out = channel.readOutbound()) != null; ) {
      JsonNode reply = JSON.readTree(out.toString(StandardCharsets.UTF_8));
      out.release();
      assertThat(reply.has("return") ^ reply.has("error")).as(reply.toString()).isTrue();
    }
  }

  private static JsonNode reply(EmbeddedChannel channel) {
    ByteBuf out = channel.readOutbound();
    assertThat(out).isNotNull();
    JsonNode reply = JSON.readTree(out.toString(StandardCharsets.UTF_8));
    out.release();
    return reply;
  }

  private static ByteBuf bytes(Random random) {
    ByteBuf bytes = Unpooled.buffer();
    int pieces = 1 + random.nextInt(8);
    for (int i = 0; i < pieces; i++) {
      bytes.writeCharSequence(PIECES.get(random.nextInt(PIECES.size())), StandardCharsets.UTF_8);
    }
    if (random.nextInt(20) == 0) {
      byte[] noise = new byte[random.nextInt(64)];
      random.nextBytes(noise);
      bytes.writeBytes(noise);
    }
    return bytes;
  }
}
