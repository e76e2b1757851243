package io.vpasid.guest.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIOException;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// The client with a server that breaks off.
class ControlClientTest {
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  @TempDir private Path folder;
  private Thread server = Thread.currentThread();

  @AfterEach
  void endServer() throws InterruptedException {
    if (server != Thread.currentThread()) {
      server.join();
    }
  }

  private Path serve(Conversation conversation) throws IOException {
    Path path = folder.resolve("control.sock");
    ServerSocketChannel listening = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
    listening.bind(UnixDomainSocketAddress.of(path));
    server =
        Thread.ofPlatform()
            .start(() -> {
              try (listening;
                  SocketChannel client = listening.accept()) {
                say(client, "{\"QMP\": {}}\r\n");
                client.read(ByteBuffer.allocate(1024));
                say(client, "{\"return\": {}}\r\n");
                conversation.with(client);
              } catch (IOException e) {
                throw new AssertionError(e);
              }
            });
    return path;
  }

  private interface Conversation {
    void with(SocketChannel client) throws IOException;
  }

  private static void say(SocketChannel client, String text) throws IOException {
    client.write(ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8)));
  }

  /// A server that is killed with requests unread: the client's next read fails, instead of telling
  /// the end.
  @Test
  void whatWasReadBeforeAConnectionBreaksIsNotReadAgain() throws Exception {
    Path path =
        serve(client -> {
          say(client, "{\"return\": {}}\r\n{\"event\": \"LAST\"}\r\n");
          client.read(ByteBuffer.allocate(1));
        });
    try (ControlClient client = ControlClient.connect(path, PATIENCE)) {
      client.execute("query-version", Map.of());
      server.join();

      assertThat(client.nextEvent(Duration.ZERO)).isPresent();
      assertThatIOException()
          .isThrownBy(() -> client.nextEvent(PATIENCE))
          .withMessage("it ended the connection");
      assertThatIOException()
          .isThrownBy(() -> client.nextEvent(Duration.ZERO))
          .withMessage("it ended the connection");
    }
  }

  @Test
  void withoutAWaitAnEventIsThereOnceItHasCome() throws Exception {
    CountDownLatch asked = new CountDownLatch(1);
    CountDownLatch said = new CountDownLatch(1);
    Path path =
        serve(client -> {
          await(asked);
          say(client, "{\"event\": \"CAME\"}\r\n");
          said.countDown();
          client.read(ByteBuffer.allocate(1));
        });
    try (ControlClient client = ControlClient.connect(path, PATIENCE)) {
      assertThat(client.nextEvent(Duration.ZERO)).isEmpty();
      asked.countDown();
      await(said);

      assertThat(client.nextEvent(Duration.ZERO)).isPresent();
      assertThat(client.nextEvent(Duration.ZERO)).isEmpty();
    }
  }

  private static void await(CountDownLatch latch) {
    try {
      assertThat(latch.await(PATIENCE.toSeconds(), TimeUnit.SECONDS)).isTrue();
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }
}
