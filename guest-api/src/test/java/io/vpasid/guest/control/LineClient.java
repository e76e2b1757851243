package io.vpasid.guest.control;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// A control client on a plain socket, which sends and sees every byte.
public final class LineClient implements AutoCloseable {
  private static final JsonMapper JSON = new JsonMapper();

  private final SocketChannel socket;
  private final BufferedReader in;

  public LineClient(Path path) throws IOException {
    socket = SocketChannel.open(StandardProtocolFamily.UNIX);
    socket.connect(UnixDomainSocketAddress.of(path));
    in =
        new BufferedReader(
            new InputStreamReader(Channels.newInputStream(socket), StandardCharsets.UTF_8));
  }

  /// A client that has been greeted and has negotiated.
  public static LineClient negotiated(Path path) throws IOException {
    LineClient client = new LineClient(path);
    assertThat(client.read().has("QMP")).isTrue();
    client.send("{\"execute\":\"qmp_capabilities\"}");
    assertThat(client.read().has("return")).isTrue();
    return client;
  }

  public void send(String text) throws IOException {
    ByteBuffer bytes = StandardCharsets.UTF_8.encode(text);
    while (bytes.hasRemaining()) {
      socket.write(bytes);
    }
  }

  /// The next message.
  public JsonNode read() throws IOException {
    String line = in.readLine();
    assertThat(line).as("the server ended the connection").isNotNull();
    return JSON.readTree(line);
  }

  /// Sends and reads the reply, over events that come before it.
  public JsonNode call(String text) throws IOException {
    send(text);
    JsonNode message = read();
    while (message.has("event")) {
      message = read();
    }
    return message;
  }

  /// The next event of a name, over all else.
  public JsonNode event(String name) throws IOException {
    JsonNode message = read();
    while (!message.path("event").asString("").equals(name)) {
      message = read();
    }
    return message;
  }

  /// Whether the server has ended the connection, waiting for that.
  public boolean hasEnded() {
    try {
      return in.readLine() == null;
    } catch (IOException e) {
      return true;
    }
  }

  public SocketChannel socket() {
    return socket;
  }

  @Override
  public void close() throws IOException {
    socket.close();
  }
}
