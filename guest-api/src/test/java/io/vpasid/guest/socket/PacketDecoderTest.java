package io.vpasid.guest.socket;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.embedded.EmbeddedChannel;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PacketDecoderTest {
  private static final byte[] THREE = {4, 0, 0, 0, 7, 0, 0, 0, 'a', 'b', 'c', 5, 0, 0, 0, 'd'};

  private static List<String> packets(EmbeddedChannel channel) {
    List<String> packets = new ArrayList<>();
    for (Packet packet; (packet = channel.readInbound()) != null; packet.release()) {
      ByteBuf bytes = packet.bytes();
      packets.add(
          bytes.toString(4, bytes.readableBytes() - 4, java.nio.charset.StandardCharsets.US_ASCII));
    }
    return packets;
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 5, 7, 16})
  void messagesAreCutHoweverTheBytesCome(int piece) {
    EmbeddedChannel channel = new EmbeddedChannel(new PacketDecoder(new LengthFraming(16)));

    for (int at = 0; at < THREE.length; at += piece) {
      channel.writeInbound(Unpooled.copiedBuffer(THREE, at, Math.min(piece, THREE.length - at)));
    }

    assertThat(packets(channel)).containsExactly("", "abc", "d");
    assertThat(channel.finishAndReleaseAll()).isFalse();
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 3, 17, 0x7fffffff, -1})
  void aHeaderThatBreaksTheProtocolIsTheLastThingThatIsSeen(int length) {
    EmbeddedChannel channel = new EmbeddedChannel(new PacketDecoder(new LengthFraming(16)));

    channel.writeInbound(Unpooled.buffer().writeIntLE(length).writeIntLE(4));
    channel.writeInbound(Unpooled.buffer().writeIntLE(4));

    assertThat(packets(channel)).containsExactly("");
    assertThat(channel.finishAndReleaseAll()).isFalse();
  }

  @Test
  void anIncompleteMessageIsNotDelivered() {
    EmbeddedChannel channel = new EmbeddedChannel(new PacketDecoder(new LengthFraming(16)));

    channel.writeInbound(Unpooled.buffer().writeIntLE(16).writeLong(0));

    assertThat(channel.finishAndReleaseAll()).isFalse();
  }
}
