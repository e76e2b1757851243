package io.vpasid.guest.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIOException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.vpasid.guest.socket.SocketKind;
import io.vpasid.guest.socket.SocketLoops;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/// The protocol, with a target that does next to nothing.
class ControlServerTest {
  private static final Map<String, ?> VERSION =
      Map.of("qemu", Map.of("major", 0, "minor", 1, "micro", 0), "package", "vpasid 0.1.0");

  @TempDir private Path folder;

  private final SocketLoops loops = SocketLoops.open(SocketKind.best(), "control", 1);
  private final ExecutorService worker = Executors.newSingleThreadExecutor();

  @AfterEach
  void end() {
    worker.shutdownNow();
    loops.close();
  }

  private Path path() {
    return folder.resolve("control.sock");
  }

  private ControlServer open(ControlTarget target, ControlServer.Options options)
      throws IOException {
    return ControlServer.open(loops, path(), worker, target, VERSION, options);
  }

  private ControlServer open() throws IOException {
    return open(
        (command, _, _) -> Map.of("did", command.title()), ControlServer.Options.defaults());
  }

  private static String errorClass(JsonNode reply) {
    return reply.path("error").path("class").asString("");
  }

  private static String desc(JsonNode reply) {
    return reply.path("error").path("desc").asString("");
  }

  @Test
  void greetsAsQmpDoes() throws IOException {
    try (ControlServer server = open();
        LineClient client = new LineClient(server.path())) {
      JsonNode greeting = client.read().path("QMP");

      assertThat(greeting.path("version").path("qemu").path("minor").asInt()).isEqualTo(1);
      assertThat(greeting.path("version").path("package").asString("")).isEqualTo("vpasid 0.1.0");
      assertThat(greeting.path("capabilities").toString()).isEqualTo("[\"temporary\"]");
    }
  }

  @Test
  void takesNoCommandBeforeTheNegotiation() throws IOException {
    try (ControlServer server = open();
        LineClient client = new LineClient(server.path())) {
      client.read();

      JsonNode reply = client.call("{\"execute\":\"query-version\"}");

      assertThat(errorClass(reply)).isEqualTo("CommandNotFound");
      assertThat(desc(reply)).contains("qmp_capabilities");
      assertThat(client.call("{\"execute\":\"qmp_capabilities\"}").has("return")).isTrue();
      assertThat(client.call("{\"execute\":\"query-version\"}").has("return")).isTrue();
    }
  }

  @Test
  void negotiatesOnceAndOnlyWhatItOffers() throws IOException {
    try (ControlServer server = open();
        LineClient client = new LineClient(server.path())) {
      client.read();
      JsonNode oob =
          client.call("{\"execute\":\"qmp_capabilities\",\"arguments\":{\"enable\":[\"oob\"]}}");
      assertThat(desc(oob)).contains("no capability 'oob'");

      client.call("{\"execute\":\"qmp_capabilities\",\"arguments\":{\"enable\":[]}}");
      JsonNode again = client.call("{\"execute\":\"qmp_capabilities\"}");
      assertThat(errorClass(again)).isEqualTo("CommandNotFound");
    }
  }

  @Test
  void replyCarriesTheRequestsIdWhateverItIs() throws IOException {
    try (ControlServer server = open();
        LineClient client = LineClient.negotiated(server.path())) {
      JsonNode good = client.call("{\"execute\":\"quit\",\"id\":{\"a\":[1,null]}}");
      JsonNode bad = client.call("{\"execute\":\"nothing\",\"id\":7}");

      assertThat(good.path("id").toString()).isEqualTo("{\"a\":[1,null]}");
      assertThat(bad.path("id").asInt()).isEqualTo(7);
    }
  }

  @Test
  void repliesKeepTheOrderOfTheRequests() throws IOException {
    try (ControlServer server = open();
        LineClient client = LineClient.negotiated(server.path())) {
      client.send(
          "{\"execute\":\"query-version\",\"id\":1}{\"execute\":\"no\",\"id\":2}"
              + "{\"execute\":\"quit\",\"id\":3}");

      assertThat(client.read().path("id").asInt()).isEqualTo(1);
      assertThat(client.read().path("id").asInt()).isEqualTo(2);
      assertThat(client.read().path("id").asInt()).isEqualTo(3);
    }
  }

  @Test
  void unknownCommandIsNotFound() throws IOException {
    try (ControlServer server = open();
        LineClient client = LineClient.negotiated(server.path())) {
      JsonNode reply = client.call("{\"execute\":\"query-funktions\"}");

      assertThat(errorClass(reply)).isEqualTo("CommandNotFound");
      assertThat(desc(reply)).contains("did you mean 'query-functions'?");
    }
  }

  @Test
  void unknownArgumentIsNamedWithWhatThereIs() throws IOException {
    try (ControlServer server = open();
        LineClient client = LineClient.negotiated(server.path())) {
      assertThat(
              desc(
                  client.call(
                      "{\"execute\":\"function-reset\",\"arguments\":{\"functoin\":\"a\"}}")))
          .isEqualTo("function-reset has no argument 'functoin'; did you mean 'function'?");
      assertThat(desc(client.call("{\"execute\":\"pasid-attach\",\"arguments\":{\"xyz\":1}}")))
          .isEqualTo("pasid-attach has no argument 'xyz'; there are function, pasid, space");
      assertThat(desc(client.call("{\"execute\":\"quit\",\"arguments\":{\"xyz\":1}}")))
          .isEqualTo("quit has no argument 'xyz'; it takes none");
    }
  }

  @Test
  void missingArgumentAndWrongKindAreNamed() throws IOException {
    try (ControlServer server = open();
        LineClient client = LineClient.negotiated(server.path())) {
      assertThat(desc(client.call("{\"execute\":\"function-reset\"}")))
          .isEqualTo("function-reset needs the argument 'function': the function's name");
      assertThat(
              desc(client.call("{\"execute\":\"function-reset\",\"arguments\":{\"function\":7}}")))
          .isEqualTo("the argument 'function' of function-reset must be a string, not 7");
      assertThat(
              desc(
                  client.call(
                      "{\"execute\":\"pasid-detach\","
                          + "\"arguments\":{\"function\":\"a\",\"pasid\":4294967296}}")))
          .contains("must be a whole number");
      assertThat(
              desc(
                  client.call(
                      "{\"execute\":\"pasid-detach\","
                          + "\"arguments\":{\"function\":\"a\",\"pasid\":-1}}")))
          .contains("must be a whole number");
    }
  }

  @Test
  void badJsonIsAnsweredAndTheConnectionGoesOn() throws IOException {
    try (ControlServer server = open();
        LineClient client = LineClient.negotiated(server.path())) {
      assertThat(desc(client.call("hello\n"))).startsWith("JSON parse error");
      assertThat(desc(client.call("{\"execute\" \"quit\"}\n"))).startsWith("JSON parse error");
      assertThat(desc(client.call("{\"execute\":\"a\",\"execute\":\"b\"}\n")))
          .startsWith("JSON parse error");
      assertThat(desc(client.call("{}"))).contains("lacks 'execute'");
      assertThat(desc(client.call("{\"execute\":1}"))).contains("must be a string");
      assertThat(desc(client.call("{\"execute\":\"quit\",\"arguments\":[]}")))
          .contains("'arguments' must be an object");
      assertThat(desc(client.call("{\"exec-oob\":\"quit\"}"))).contains("no member 'exec-oob'");
      assertThat(client.call("{\"execute\":\"query-version\"}").has("return")).isTrue();
    }
  }

  @Test
  void refusalAndFaultOfTheTargetAreErrors() throws IOException {
    ControlTarget target =
        (command, _, _) -> {
          throw command == ControlCommand.QUIT
              ? new IllegalStateException("a bug")
              : new ControlException(ControlException.Kind.FUNCTION_NOT_FOUND, "not here");
        };
    try (ControlServer server = open(target, ControlServer.Options.defaults());
        LineClient client = LineClient.negotiated(server.path())) {
      JsonNode refused = client.call("{\"execute\":\"query-version\"}");
      JsonNode fault = client.call("{\"execute\":\"quit\"}");

      assertThat(errorClass(refused)).isEqualTo("DeviceNotFound");
      assertThat(desc(refused)).isEqualTo("not here");
      assertThat(desc(fault)).contains("a fault in vpasid");
    }
  }

  @Test
  void eventsReachTheClientsThatNegotiated() throws IOException {
    try (ControlServer server = open();
        LineClient quiet = new LineClient(server.path());
        LineClient client = LineClient.negotiated(server.path())) {
      quiet.read();
      server.tell(ControlEvent.FUNCTION_RESET, Map.of("function", "dsa"));

      JsonNode event = client.event("FUNCTION_RESET");
      assertThat(event.path("data").path("function").asString("")).isEqualTo("dsa");
      assertThat(event.path("timestamp").path("seconds").asLong()).isPositive();
      assertThat(event.path("timestamp").has("microseconds")).isTrue();
      assertThat(quiet.call("{\"execute\":\"qmp_capabilities\"}").has("return")).isTrue();
    }
  }

  @Test
  void clientThatSaysNothingIsDisconnected() throws IOException {
    try (ControlServer server =
            open(
                (_, _, _) -> Map.of(),
                ControlServer.Options.defaults().withNegotiationTimeout(Duration.ofMillis(50)));
        LineClient client = new LineClient(server.path())) {
      client.read();

      assertThat(client.hasEnded()).isTrue();
    }
  }

  @Test
  void clientThatNegotiatedMayBeSilent() throws IOException {
    try (ControlServer server =
            open(
                (_, _, _) -> Map.of(),
                ControlServer.Options.defaults().withNegotiationTimeout(Duration.ofSeconds(1)));
        LineClient client = LineClient.negotiated(server.path())) {
      await().pollDelay(Duration.ofMillis(1200)).until(() -> server.clients() == 1);

      assertThat(client.call("{\"execute\":\"query-version\"}").has("return")).isTrue();
    }
  }

  @Test
  void clientBeyondTheLimitIsToldWhy() throws IOException {
    try (ControlServer server =
            open((_, _, _) -> Map.of(), ControlServer.Options.defaults().withMaxClients(1));
        LineClient first = LineClient.negotiated(server.path());
        LineClient second = new LineClient(server.path())) {
      assertThat(desc(second.read())).contains("no room for more");
      assertThat(second.hasEnded()).isTrue();

      first.socket().close();
      await().until(() -> server.clients() == 0);
      try (LineClient third = LineClient.negotiated(server.path())) {
        assertThat(third.call("{\"execute\":\"query-version\"}").has("return")).isTrue();
      }
    }
  }

  @Test
  void userWhoIsNotAdmittedIsDisconnectedUnheard() throws IOException {
    try (ControlServer server =
            open((_, _, _) -> Map.of(), ControlServer.Options.defaults().withUsers(Set.of(54321)));
        LineClient client = new LineClient(server.path())) {
      assertThat(client.hasEnded()).isTrue();
      assertThat(server.clients()).isZero();
    }
  }

  @Test
  void userWhoMayOnlyLookChangesNothing() throws IOException {
    int own = (int) Files.getAttribute(folder, "unix:uid");
    try (ControlServer server =
            open(
                (command, _, _) -> Map.of("did", command.title()),
                ControlServer.Options.defaults()
                    .withUsers(Set.of(54321))
                    .withReaders(Set.of(own)));
        LineClient client = LineClient.negotiated(server.path())) {
      assertThat(client.call("{\"execute\":\"query-functions\"}").has("return")).isTrue();
      assertThat(client.call("{\"execute\":\"address-space-list\"}").has("return")).isTrue();
      for (ControlCommand command : ControlCommand.values()) {
        if (!command.onlyLooks()) {
          JsonNode refused = client.call("{\"execute\":\"" + command.title() + "\"}");
          assertThat(desc(refused)).as(command.title()).contains("you may only look");
        }
      }
    }
  }

  @Test
  void clientThatNeverReadsGetsBackPressureAndHoldsUpNobody() throws IOException {
    AtomicInteger done = new AtomicInteger();
    ControlTarget target =
        (_, _, _) -> {
          done.incrementAndGet();
          return "x".repeat(32 * 1024);
        };
    try (ControlServer server = open(target, ControlServer.Options.defaults());
        LineClient deaf = LineClient.negotiated(server.path());
        LineClient other = LineClient.negotiated(server.path())) {
      String request = "{\"execute\":\"query-version\"}";
      deaf.send(request.repeat(500));

      // As many replies as fit into both ends of the socket and below the water mark, and no more.
      AtomicInteger before = new AtomicInteger();
      await()
          .pollInterval(Duration.ofSeconds(1))
          .until(() -> done.get() > 2 && done.get() == before.getAndSet(done.get()));
      int held = done.get();
      assertThat(other.call(request).has("return")).isTrue();
      assertThat(done.get()).isEqualTo(held + 1);
      assertThat(held).isLessThan(100);

      for (int i = 0; i < 500; i++) {
        assertThat(deaf.read().has("return")).isTrue();
      }
    }
  }

  @Test
  void eventsThatAClientDoesNotReadAreCountedAndNotKept() throws IOException {
    try (ControlServer server = open();
        LineClient deaf = LineClient.negotiated(server.path())) {
      String filler = "x".repeat(10_000);
      int told = 1000;
      for (int i = 0; i < told; i++) {
        server.tell(ControlEvent.PASID_REFUSED, Map.of("number", i, "filler", filler));
      }

      JsonNode message = deaf.read();
      int read = 0;
      while (message.path("event").asString("").equals("PASID_REFUSED")) {
        read++;
        message = deaf.read();
      }
      assertThat(message.path("event").asString("")).isEqualTo("EVENTS_LOST");
      assertThat(message.path("data").path("count").asInt()).isPositive();
      assertThat(read).isLessThan(told);
    }
  }

  @Test
  void functionThatFloodsLosesItsOwnEventsAndNoOther() throws IOException {
    try (ControlServer server = open();
        LineClient deaf = LineClient.negotiated(server.path())) {
      String filler = "x".repeat(1_000);
      for (int i = 0; i < 20_000; i++) {
        server.tell(
            ControlEvent.PASID_REFUSED, Map.of("function", "loud", "number", i, "filler", filler));
        if (i % 10 == 0) {
          server.tell(ControlEvent.PASID_ATTACHED, Map.of("function", "quiet", "pasid", i / 10));
        }
      }
      server.tell(ControlEvent.FUNCTION_RESET, Map.of("function", "last"));

      List<Integer> quiet = new ArrayList<>();
      Map<String, Integer> lost = new HashMap<>();
      int loud = 0;
      // What the flood's end has lost is told when all that was kept of it has been read.
      for (boolean last = false; !last || lost.isEmpty(); ) {
        JsonNode message = deaf.read();
        JsonNode data = message.path("data");
        String function = data.path("function").asString("");
        switch (message.path("event").asString("")) {
          case "PASID_ATTACHED" -> quiet.add(data.path("pasid").asInt());
          case "PASID_REFUSED" -> loud++;
          case "EVENTS_LOST" -> lost.merge(function, data.path("count").asInt(), Integer::sum);
          default -> last = true;
        }
      }
      assertThat(quiet).isEqualTo(IntStream.range(0, 2_000).boxed().toList());
      assertThat(lost).containsOnly(Map.entry("loud", 20_000 - loud));
      assertThat(loud).isGreaterThan(500);
    }
  }

  @Test
  void commandUnderWayHoldsBackTheNextOneOfItsClient() throws Exception {
    CountDownLatch go = new CountDownLatch(1);
    AtomicInteger begun = new AtomicInteger();
    ControlTarget target =
        (_, _, _) -> {
          begun.incrementAndGet();
          try {
            go.await();
          } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
          }
          return Map.of();
        };
    try (ControlServer server = open(target, ControlServer.Options.defaults());
        LineClient client = LineClient.negotiated(server.path())) {
      client.send("{\"execute\":\"query-version\"}".repeat(100));
      await().until(() -> begun.get() == 1);
      go.countDown();

      for (int i = 0; i < 100; i++) {
        assertThat(client.read().has("return")).isTrue();
      }
    }
  }

  @Test
  void fewCommandsThatAreSentTogetherWaitAtTheWorkerAndNoMore() throws Exception {
    List<Runnable> atWorker = new CopyOnWriteArrayList<>();
    ControlServer.Options options = ControlServer.Options.defaults();
    ControlTarget target = (command, _, _) -> Map.of("did", command.title());
    try (ControlServer server =
            ControlServer.open(loops, path(), atWorker::add, target, VERSION, options);
        LineClient client = LineClient.negotiated(server.path())) {
      client.send("{\"execute\":\"query-version\"}".repeat(3) + "nothing\n");
      await().until(() -> atWorker.size() == 4);
      client.send("{\"execute\":\"quit\"}");
      await().pollDelay(Duration.ofMillis(200)).until(() -> atWorker.size() == 4);

      atWorker.forEach(Runnable::run);

      for (int i = 0; i < 3; i++) {
        assertThat(client.read().has("return")).isTrue();
      }
      assertThat(errorClass(client.read())).isEqualTo("GenericError");
      await().until(() -> atWorker.size() == 5);
    }
  }

  @Test
  void refusedCommandKeepsNoneBehindItFromBeingDone() throws IOException {
    ControlTarget target =
        (command, _, _) -> {
          if (command == ControlCommand.QUIT) {
            throw ControlException.generic("not now");
          }
          return Map.of("did", command.title());
        };
    try (ControlServer server = open(target, ControlServer.Options.defaults());
        ControlClient client = ControlClient.connect(server.path(), Duration.ofSeconds(20))) {
      ObjectNode none = JsonNodeFactory.instance.objectNode();
      List<ControlClient.Reply> replies =
          client.executeAll(
              Stream.of("query-version", "quit", "query-limits", "query-functions", "query-iommus")
                  .map(command -> new ControlClient.Call(command, none))
                  .toList());

      assertThat(replies.get(0).result().path("did").asString("")).isEqualTo("query-version");
      assertThatThrownBy(() -> replies.get(1).result())
          .isInstanceOf(ControlException.class)
          .hasMessage("not now");
      assertThat(replies.get(4).result().path("did").asString("")).isEqualTo("query-iommus");
    }
  }

  @Test
  void clientThatEndsItsDirectionGetsItsRepliesFirst() throws IOException {
    try (ControlServer server = open();
        LineClient client = new LineClient(server.path())) {
      client.send("{\"execute\":\"qmp_capabilities\"}" + "{\"execute\":\"quit\"}".repeat(50));
      client.socket().shutdownOutput();

      assertThat(client.read().has("QMP")).isTrue();
      for (int i = 0; i < 51; i++) {
        assertThat(client.read().has("return")).isTrue();
      }
      assertThat(client.hasEnded()).isTrue();
    }
  }

  @Test
  void socketIsItsOwnersAloneAndGoneAfterwards() throws IOException {
    try (ControlServer server = open()) {
      assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(server.path())))
          .isEqualTo("rw-------");
    }
    assertThat(path()).doesNotExist();
  }

  @Test
  void symbolicLinkAndFileInPlaceOfTheSocketAreLeftAlone() throws IOException {
    Path file = Files.writeString(folder.resolve("file"), "mine");
    Files.createSymbolicLink(path(), file);
    assertThatIOException().isThrownBy(this::open).withMessageContaining("symbolic link");

    Files.delete(path());
    Files.writeString(path(), "mine");
    assertThatIOException().isThrownBy(this::open).withMessageContaining("not a socket");
    assertThat(path()).hasContent("mine");
  }

  @Test
  void socketInUseIsLeftToItsServer() throws IOException {
    try (ControlServer server = open()) {
      assertThatIOException().isThrownBy(this::open).withMessageContaining("in use");
      LineClient.negotiated(server.path()).close();
    }
  }

  @Test
  void clientOfThisPackageTalksToTheServer() throws IOException {
    try (ControlServer server = open();
        ControlClient client = ControlClient.connect(server.path(), Duration.ofSeconds(20))) {
      server.tell(ControlEvent.SHUTDOWN, Map.of());
      JsonNode answer = client.execute("query-version", Map.of());

      assertThat(answer.path("did").asString("")).isEqualTo("query-version");
      assertThat(client.nextEvent(Duration.ofSeconds(20)).orElseThrow().path("event").asString(""))
          .isEqualTo("SHUTDOWN");
      assertThat(client.nextEvent(Duration.ofMillis(10))).isEmpty();
    }
  }
}
