package io.vpasid.guest.control;

import io.vpasid.guest.control.ControlArgument.Kind;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/// A client of the control socket, for one thread.
///
/// It waits for each reply; events that come meanwhile are kept, the latest [#MAX_EVENTS] of them,
/// until they are asked for.
public final class ControlClient implements AutoCloseable {
  /// Most events that are kept.
  public static final int MAX_EVENTS = 10_000;

  /// Most bytes of one message of the server.
  private static final int MAX_LINE = 16 << 20;

  private static final int MAX_CALLS = 16;

  private final SocketChannel socket;
  private final Selector selector;
  private final Duration timeout;
  private final ByteBuffer incoming = ByteBuffer.allocate(64 * 1024).flip();
  private final ByteArrayOutputStream line = new ByteArrayOutputStream();
  private final Queue<ObjectNode> events = new ArrayDeque<>();

  private ControlClient(SocketChannel socket, Selector selector, Duration timeout) {
    this.socket = socket;
    this.selector = selector;
    this.timeout = timeout;
  }

  /// Connects and negotiates.
  ///
  /// @param path the daemon's control socket
  /// @param timeout how long to wait for each reply
  /// @throws IOException with a sentence that names the path, if nobody answers there
  /// @throws ControlException if the server has no room for this client
  public static ControlClient connect(Path path, Duration timeout) throws IOException {
    return connect(path, timeout, Map.of());
  }

  /// Connects so that what this client adds, functions and address spaces, is taken away when it
  /// disconnects, however it ends.
  ///
  /// @throws IOException with a sentence that names the path, if nobody answers there
  /// @throws ControlException if the server has no room for this client, or does not know of this
  public static ControlClient connectTemporarily(Path path, Duration timeout) throws IOException {
    return connect(path, timeout, Map.of("enable", ControlMessages.TEMPORARY));
  }

  private static ControlClient connect(
      Path path, Duration timeout, Map<String, String> capabilities) throws IOException {
    SocketChannel socket = SocketChannel.open(StandardProtocolFamily.UNIX);
    try {
      socket.connect(UnixDomainSocketAddress.of(path));
      socket.configureBlocking(false);
      Selector selector = Selector.open();
      socket.register(selector, SelectionKey.OP_READ);
      ControlClient client = new ControlClient(socket, selector, timeout);
      client.negotiate(capabilities);
      return client;
    } catch (IOException e) {
      socket.close();
      throw new IOException(path + " cannot be used as a control socket: " + e.getMessage(), e);
    } catch (RuntimeException e) {
      socket.close();
      throw e;
    }
  }

  private void negotiate(Map<String, String> capabilities) throws IOException {
    ObjectNode first = receive(System.nanoTime() + timeout.toNanos()).orElseThrow(this::silence);
    throwError(first);
    if (!first.path("QMP").isObject()) {
      throw new IOException("it does not greet as one");
    }
    execute("qmp_capabilities", capabilities);
  }

  /// Has a command done.
  ///
  /// @param arguments by name, as the command line has them; those of the table are turned into
  ///   what their kinds want, others stay strings
  /// @return the `return` of the reply
  /// @throws ControlException if the server refuses
  /// @throws IOException if there is no reply
  public JsonNode execute(String command, Map<String, String> arguments) throws IOException {
    ObjectNode values = JsonNodeFactory.instance.objectNode();
    arguments.forEach((name, text) -> {
      Kind kind =
          ControlCommand.named(command)
              .flatMap(c -> c.argument(name))
              .map(ControlArgument::kind)
              .orElse(Kind.TEXT);
      values.set(name, ControlArguments.ofText(kind, text));
    });
    return execute(command, values);
  }

  /// Has a command done.
  ///
  /// @param arguments by name, of the kinds that the command's table has
  /// @return the `return` of the reply
  /// @throws ControlException if the server refuses
  /// @throws IOException if there is no reply
  public JsonNode execute(String command, ObjectNode arguments) throws IOException {
    send(ControlMessages.request(command, arguments));
    return reply();
  }

  /// A command.
  ///
  /// @param arguments by name, of the kinds that the command's table has
  public record Call(String command, ObjectNode arguments) {}

  /// The reply to a command.
  public sealed interface Reply {
    /// The `return` of the reply, or the refusal thrown.
    ///
    /// @throws ControlException if the server refused
    JsonNode result();
  }

  private record Returned(JsonNode result) implements Reply {}

  private record Refused(ControlException reason) implements Reply {
    @Override
    public JsonNode result() {
      throw reason;
    }
  }

  /// Has a few commands done, one after the other, and waits once: they are sent together. One that
  /// is refused does not keep those behind it from being done.
  ///
  /// @param calls at most 16, so that they fit into the socket while nobody reads the replies
  /// @return the reply to each
  /// @throws IOException if one has no reply
  public List<Reply> executeAll(List<Call> calls) throws IOException {
    if (calls.size() > MAX_CALLS) {
      throw new IllegalArgumentException(
          calls.size() + " commands are sent together, and " + MAX_CALLS + " can be.");
    }
    ByteArrayOutputStream requests = new ByteArrayOutputStream();
    for (Call call : calls) {
      requests.writeBytes(ControlMessages.request(call.command, call.arguments));
    }
    send(requests.toByteArray());
    List<Reply> replies = new ArrayList<>();
    for (Call _ : calls) {
      try {
        replies.add(new Returned(reply()));
      } catch (ControlException e) {
        replies.add(new Refused(e));
      }
    }
    return replies;
  }

  /// The next reply.
  private JsonNode reply() throws IOException {
    long deadline = System.nanoTime() + timeout.toNanos();
    while (true) {
      ObjectNode message = receive(deadline).orElseThrow(this::silence);
      throwError(message);
      JsonNode result = message.get("return");
      if (result != null) {
        return result;
      }
      keep(message);
    }
  }

  /// The next event: one that came earlier, or else one that comes within `wait`; without a wait,
  /// one that is there.
  ///
  /// @throws IOException if the server ends the connection
  public Optional<ObjectNode> nextEvent(Duration wait) throws IOException {
    long deadline = System.nanoTime() + wait.toNanos();
    while (events.isEmpty()) {
      Optional<ObjectNode> message = receive(deadline);
      if (message.isEmpty()) {
        return Optional.empty();
      }
      keep(message.get());
    }
    return Optional.of(events.remove());
  }

  private void keep(ObjectNode message) {
    if (message.has("event")) {
      if (events.size() == MAX_EVENTS) {
        events.remove();
      }
      events.add(message);
    }
  }

  private static void throwError(ObjectNode message) {
    JsonNode error = message.get("error");
    if (error != null) {
      throw new ControlException(
          ControlException.Kind.titled(error.path("class").asString("")),
          error.path("desc").asString("no reason given"),
          error.path("errno").asString(""));
    }
  }

  private IOException silence() {
    return new IOException("it did not answer within " + timeout.toSeconds() + " s");
  }

  private void send(byte[] request) throws IOException {
    ByteBuffer bytes = ByteBuffer.wrap(request);
    long deadline = System.nanoTime() + timeout.toNanos();
    while (bytes.hasRemaining()) {
      if (write(bytes) == 0 && System.nanoTime() > deadline) {
        throw silence();
      }
    }
  }

  /// The next message, empty at the deadline.
  private Optional<ObjectNode> receive(long deadline) throws IOException {
    while (true) {
      while (incoming.hasRemaining()) {
        boolean whole = takeLine();
        if (line.size() > MAX_LINE) {
          throw new IOException("it sent more than " + MAX_LINE + " bytes without a newline");
        }
        if (whole) {
          byte[] message = line.toByteArray();
          line.reset();
          if (!new String(message, StandardCharsets.UTF_8).isBlank()) {
            return Optional.of(ControlMessages.object(message));
          }
        }
      }
      long left = (deadline - System.nanoTime()) / 1_000_000;
      int ready = left > 0 ? selector.select(left) : selector.selectNow();
      if (ready == 0 && System.nanoTime() >= deadline) {
        return Optional.empty();
      }
      selector.selectedKeys().clear();
      if (readMore() < 0) {
        throw ended(null);
      }
    }
  }

  /// Moves what has come of a line, and its newline.
  ///
  /// @return whether its newline was there
  private boolean takeLine() {
    byte[] bytes = incoming.array();
    int begin = incoming.position();
    int end = begin;
    while (end < incoming.limit() && bytes[end] != '\n') {
      end++;
    }
    boolean whole = end < incoming.limit();
    line.write(bytes, begin, end - begin);
    incoming.position(whole ? end + 1 : end);
    return whole;
  }

  private int write(ByteBuffer bytes) throws IOException {
    try {
      return socket.write(bytes);
    } catch (IOException e) {
      throw ended(e);
    }
  }

  private int readMore() throws IOException {
    incoming.clear();
    try {
      return socket.read(incoming);
    } catch (IOException e) {
      throw ended(e);
    } finally {
      // After a failure too: what is in there from earlier has been read.
      incoming.flip();
    }
  }

  private static IOException ended(@Nullable IOException cause) {
    return new IOException("it ended the connection", cause);
  }

  @Override
  public void close() {
    try {
      selector.close();
      socket.close();
    } catch (IOException e) {
      // Nothing that was said is lost by it.
      throw new java.io.UncheckedIOException(e);
    }
  }
}
