package io.vpasid.guest.daemon;

import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.vpasid.guest.control.ControlEvent;
import io.vpasid.guest.daemon.HttpServer.Answer;
import io.vpasid.guest.daemon.HttpServer.Request;
import io.vpasid.guest.html.DataTable;
import io.vpasid.guest.html.Html;
import io.vpasid.guest.html.HtmlPage;
import io.vpasid.guest.report.Json;
import io.vpasid.guest.socket.SocketLoops;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.time.Instant;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// A page that shows what a daemon serves, as it happens, to a browser on this machine.
///
/// It can be read and nothing else, by who knows its address: there is a token in it, new at every
/// start. Anybody on this machine may connect to the port, and so may scripts of any page that a
/// user of this machine looks at; without the token they get nothing, and under a name other than
/// that of the loopback address neither (DNS rebinding).
///
/// ```text
///  GET /TOKEN/        the page
///  GET /TOKEN/state   what is served, as JSON
///  GET /TOKEN/events  the events of the control socket from now on, as server-sent events
/// ```
final class LivePage implements AutoCloseable {
  private static final int TOKEN_BYTES = 32;

  /// Between two signs of life in a stream of events.
  private static final long BEAT_SECONDS = 15;

  private final Supplier<?> served;
  private final byte[] token;
  private final HttpServer server;
  private final HtmlPage page = new HtmlPage("vpasid daemon", "", "live.js", true);
  private final Map<Channel, LongAdder> streams = new ConcurrentHashMap<>();
  private final ExecutorService reader =
      Executors.newSingleThreadExecutor(Thread.ofPlatform().name("page").daemon().factory());

  /// The last answer to who asked for the state, which those share that ask before it is made.
  private @Nullable CompletableFuture<Answer> state;

  private record Event(String event, Map<String, ?> data, String time) {}

  /// Serves the page.
  ///
  /// @param served the state in JSON's terms, with the keys of [LiveState]; asked by one thread
  /// @param port 0 for any that is free
  /// @param most connections at a time; of more the oldest is ended
  /// @throws IOException with a sentence that names the port, if it is taken
  LivePage(Supplier<?> served, SocketLoops loops, int port, int most) throws IOException {
    this.served = served;
    byte[] random = new byte[TOKEN_BYTES];
    new SecureRandom().nextBytes(random);
    token = Base64.getUrlEncoder().withoutPadding().encode(random);
    server = HttpServer.open(loops, port, most, this::answer);
  }

  /// The address, with the token.
  String address() {
    return "http://127.0.0.1:%s/%s/"
        .formatted(server.port(), new String(token, StandardCharsets.US_ASCII));
  }

  // On the loop

  private CompletionStage<Answer> answer(Request request) {
    if (!Set.of("127.0.0.1:" + request.port(), "localhost:" + request.port())
        .contains(request.host())) {
      return done(Answer.Whole.text(403, "this page has another name\n"));
    }
    String[] path = request.path().split("/", 3);
    if (path.length != 3 || !isToken(path[1])) {
      return done(
          Answer.Whole.text(
              404, "the page has a token in its address: vpasid ctl query-page tells it\n"));
    }
    if (!request.method().equals("GET")) {
      return done(Answer.Whole.text(405, "the page can only be read\n", "Allow: GET"));
    }
    return switch (path[2]) {
      case "" -> done(new Answer.Whole(200, "text/html; charset=utf-8", text(), headers()));
      case "state" -> state();
      case "events" -> done(new Answer.Stream("text/event-stream", headers(), this::begin));
      default -> done(Answer.Whole.text(404, "there is no such page\n"));
    };
  }

  private static CompletionStage<Answer> done(Answer answer) {
    return CompletableFuture.completedFuture(answer);
  }

  /// Takes as long for any wrong token.
  private boolean isToken(String given) {
    return MessageDigest.isEqual(token, given.getBytes(StandardCharsets.ISO_8859_1));
  }

  private List<String> headers() {
    return List.of(
        "Content-Security-Policy: " + page.policy() + "; frame-ancestors 'none'",
        "X-Content-Type-Options: nosniff",
        "Referrer-Policy: no-referrer",
        "Cross-Origin-Resource-Policy: same-origin",
        "Cross-Origin-Opener-Policy: same-origin",
        "Cache-Control: no-store");
  }

  private String text() {
    Html main = new Html();
    main.element("p", "connecting", "id", "status", "role", "status")
        .open("ul", "class", "counts", "id", "counts")
        .close()
        .open("div", "id", "tenants")
        .close();
    part(
        main,
        "functions",
        "Functions",
        new DataTable(
            "Functions and their clients",
            "Function",
            "Address",
            "Id",
            "vPASID",
            "PASIDs",
            "Attached",
            "Client",
            "Refused",
            "Resets"));
    part(
        main,
        "attachments",
        "Attachments",
        new DataTable("Attached PASIDs", "PASID", "Function", "Address space"));
    main.element("h2", "Virtual IOMMUs").open("div", "id", "iommus").close();
    part(
        main, "events", "Events", new DataTable("The last of them first", "Time", "Event", "Data"));
    StringBuilder page = new StringBuilder();
    try {
      this.page.write(page, List.of(main.toString()));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return page.toString();
  }

  private static void part(Html main, String id, String title, DataTable table) {
    main.element("h2", title).open("div", "id", id).drawing(table.draw()).close();
  }

  private synchronized CompletionStage<Answer> state() {
    CompletableFuture<Answer> last = state;
    if (last == null || last.isDone()) {
      last = CompletableFuture.supplyAsync(this::readState, reader);
      state = last;
    }
    return last;
  }

  private void begin(Channel channel) {
    streams.put(channel, new LongAdder());
    var _ = channel.closeFuture().addListener(_ -> streams.remove(channel));
    beat(channel);
  }

  private void beat(Channel channel) {
    if (channel.isActive()) {
      send(channel, ":\n\n");
      var _ = channel.eventLoop().schedule(() -> beat(channel), BEAT_SECONDS, TimeUnit.SECONDS);
    }
  }

  private static void send(Channel channel, String text) {
    var _ =
        channel.writeAndFlush(
            Unpooled.wrappedBuffer(text.getBytes(StandardCharsets.UTF_8)), channel.voidPromise());
  }

  // On the page's thread

  private Answer readState() {
    return new Answer.Whole(200, "application/json", Json.line(served.get()), headers());
  }

  // On any thread

  /// Tells who looks. Events for one that does not read are counted and dropped.
  void tell(ControlEvent event, EventData data) {
    if (streams.isEmpty()) {
      return;
    }
    String line = message(event, data);
    streams.forEach((channel, lost) -> {
      if (!channel.isWritable()) {
        lost.increment();
        return;
      }
      long before = lost.sumThenReset();
      send(
          channel,
          before == 0
              ? line
              : message(ControlEvent.EVENTS_LOST, EventData.of("count", before)) + line);
    });
  }

  private static String message(ControlEvent event, EventData data) {
    return "data: %s\n\n"
        .formatted(Json.line(new Event(event.name(), data.values(), Instant.now().toString())));
  }

  @Override
  public void close() {
    server.close();
    reader.shutdown();
  }
}
