package io.vpasid.guest.control;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.Unpooled;
import io.netty.channel.embedded.EmbeddedChannel;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class JsonStreamDecoderTest {
  private static final int MAX = 64;

  private final EmbeddedChannel channel = new EmbeddedChannel(new JsonStreamDecoder(MAX));

  private List<String> read(String... pieces) {
    List<String> read = new ArrayList<>();
    for (String piece : pieces) {
      channel.writeInbound(Unpooled.copiedBuffer(piece, StandardCharsets.UTF_8));
    }
    for (ControlInput input; (input = channel.readInbound()) != null; ) {
      read.add(
          switch (input) {
            case ControlInput.Text text -> new String(text.bytes(), StandardCharsets.UTF_8);
            case ControlInput.Garbage garbage -> "! " + garbage.problem();
          });
    }
    return read;
  }

  @Test
  void objectsNeedNoNewlineBetweenThem() {
    assertThat(read("{\"a\":1}{\"b\":2}\r\n {\"c\":3}"))
        .containsExactly("{\"a\":1}", "{\"b\":2}", "{\"c\":3}");
  }

  @Test
  void objectMayComeInAnyPieces() {
    assertThat(read("{", "\"a\"", ":{\"b\":", "[{}]", "}", "}"))
        .containsExactly("{\"a\":{\"b\":[{}]}}");
  }

  @Test
  void bracketsInStringsDoNotCount() {
    String object = "{\"a\":\"}\\\"}]\\\\\"}";

    assertThat(read(object)).containsExactly(object);
  }

  @Test
  void objectMayGoOverSeveralLines() {
    assertThat(read("{\n  \"a\": 1\n}\n")).containsExactly("{\n  \"a\": 1\n}");
  }

  @Test
  void garbageCostsOneLine() {
    assertThat(read("quit\n", "{\"a\":1}\n"))
        .hasSize(2)
        .satisfiesExactly(
            first -> assertThat(first).startsWith("! this is no JSON object"),
            second -> assertThat(second).isEqualTo("{\"a\":1}"));
  }

  @Test
  void stringWithoutItsEndCostsOneLine() {
    assertThat(read("{\"execute\": \"quit}\n", "{\"a\":1}\n"))
        .satisfiesExactly(
            first -> assertThat(first).contains("not closed at the end of its line"),
            second -> assertThat(second).isEqualTo("{\"a\":1}"));
  }

  @Test
  void objectOfTheLongestLengthIsTaken() {
    String object = "{\"a\":\"" + "x".repeat(MAX - 8) + "\"}";

    assertThat(object).hasSize(MAX);
    assertThat(read(object)).containsExactly(object);
  }

  @Test
  void longerObjectIsDroppedUpToTheEndOfItsLine() {
    assertThat(read("{\"a\":\"" + "x".repeat(1000), "x".repeat(100_000), "\"}\n{\"b\":2}"))
        .satisfiesExactly(
            first -> assertThat(first).isEqualTo("! an object has at most 64 bytes"),
            second -> assertThat(second).isEqualTo("{\"b\":2}"));
  }
}
