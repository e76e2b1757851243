package io.vpasid.it.load;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/// Measures a vfio-user server: round trips and their times with one client, operations with 64
/// requests under way and with 100 clients, heap and resident memory at 1, 100 and 1,000 functions.
///
/// ```text
/// mvn -q -Pload verify                          our server, in a process of its own
/// mvn -q -Pload verify -Dload=/run/other.sock   another server, one client at a time
/// ```
///
/// Every request is a REGION_READ of 4 bytes of the configuration space.
final class VfioUserLoad {
  private static final Duration WARM_UP = Duration.ofSeconds(3);
  private static final Duration MEASURED = Duration.ofSeconds(5);
  private static final int WINDOW = 64;
  private static final int CLIENTS = 100;
  private static final int MOST_SAMPLES = 4_000_000;

  private VfioUserLoad() {}

  /// @param arguments a socket of another server, or nothing
  static void main(String[] arguments) throws Exception {
    if (arguments.length > 0) {
      one(Path.of(arguments[0]));
      window(Path.of(arguments[0]));
      return;
    }
    Path folder = Files.createTempDirectory("vpasid-load");
    try (Server server = new Server(folder, CLIENTS)) {
      one(server.socket(0));
      window(server.socket(0));
      clients(server);
    }
    memory(folder);
    try (var left = Files.list(folder)) {
      for (Path file : left.toList()) {
        Files.delete(file);
      }
    }
    Files.delete(folder);
  }

  private static void one(Path socket) throws IOException {
    try (RawClient client = new RawClient(socket, 1)) {
      roundTrips(client, WARM_UP);
      long[] nanos = roundTrips(client, MEASURED);
      Arrays.sort(nanos);
      System.out.printf(
          Locale.ROOT,
          "one client, one request at a time: %,d round trips/s, p50 %.1f µs, p99 %.1f µs%n",
          nanos.length / MEASURED.toSeconds(),
          nanos[nanos.length / 2] / 1e3,
          nanos[(int) (nanos.length * 0.99)] / 1e3);
    }
  }

  private static long[] roundTrips(RawClient client, Duration time) throws IOException {
    long[] nanos = new long[MOST_SAMPLES];
    int count = 0;
    long end = System.nanoTime() + time.toNanos();
    for (long start = System.nanoTime(); start < end && count < MOST_SAMPLES; ) {
      client.send();
      client.receive();
      long now = System.nanoTime();
      nanos[count++] = now - start;
      start = now;
    }
    return Arrays.copyOf(nanos, count);
  }

  private static void window(Path socket) throws IOException {
    try (RawClient client = new RawClient(socket, WINDOW)) {
      pipelined(client, WARM_UP);
      long done = pipelined(client, MEASURED);
      System.out.printf(
          Locale.ROOT,
          "one client, %d requests under way: %,d operations/s%n",
          WINDOW,
          done / MEASURED.toSeconds());
    }
  }

  private static long pipelined(RawClient client, Duration time) throws IOException {
    long done = 0;
    for (int i = 0; i < WINDOW; i++) {
      client.send();
    }
    long end = System.nanoTime() + time.toNanos();
    while (System.nanoTime() < end) {
      int came = client.receive();
      done += came;
      for (int i = 0; i < came; i++) {
        client.send();
      }
    }
    for (int left = WINDOW; left > 0; ) {
      left -= client.receive();
    }
    return done;
  }

  private static void clients(Server server) throws InterruptedException {
    LongAdder done = new LongAdder();
    List<Thread> threads = new ArrayList<>();
    for (int i = 0; i < CLIENTS; i++) {
      Path socket = server.socket(i);
      threads.add(Thread.ofPlatform().start(() -> done.add(roundTrips(socket))));
    }
    for (Thread thread : threads) {
      thread.join();
    }
    System.out.printf(
        Locale.ROOT,
        "%d clients of as many functions, one request at a time each: %,d operations/s%n",
        CLIENTS,
        done.sum() / MEASURED.toSeconds());
  }

  private static long roundTrips(Path socket) {
    try (RawClient client = new RawClient(socket, 1)) {
      long done = 0;
      long end = System.nanoTime() + MEASURED.toNanos();
      for (; System.nanoTime() < end; done++) {
        client.send();
        client.receive();
      }
      return done;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void memory(Path folder) throws IOException {
    Taken first = new Taken(0, 0);
    for (int count : new int[] {1, 100, 1000}) {
      try (Server server = new Server(folder, count)) {
        first = count == 1 ? server.taken : first;
        System.out.printf(
            Locale.ROOT,
            "%,d functions: heap %.1f MiB, resident %.1f MiB",
            count,
            server.taken.heap / 1048576.0,
            server.taken.resident / 1048576.0);
        if (count > 1) {
          System.out.printf(
              Locale.ROOT,
              "; for each but the first %.1f KiB and %.1f KiB",
              (server.taken.heap - first.heap) / 1024.0 / (count - 1),
              (server.taken.resident - first.resident) / 1024.0 / (count - 1));
        }
        System.out.println();
      }
    }
  }

  /// What a process takes, in bytes.
  private record Taken(long heap, long resident) {}

  /// A process that serves functions.
  private static final class Server implements AutoCloseable {
    private final Path folder;
    private final Process process;
    private final Taken taken;

    Server(Path folder, int functions) throws IOException {
      this.folder = folder;
      process =
          new ProcessBuilder(
                  Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                  "--enable-native-access=ALL-UNNAMED",
                  "-Xmx512m",
                  "-cp",
                  System.getProperty("java.class.path"),
                  ServedFunctions.class.getName(),
                  folder.toString(),
                  Integer.toString(functions))
              .redirectError(ProcessBuilder.Redirect.DISCARD)
              .start();
      BufferedReader out =
          new BufferedReader(
              new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
      @Nullable String ready = out.readLine();
      if (ready == null || !ready.startsWith("ready ")) {
        throw new IOException("The server did not start: " + ready);
      }
      String[] words = ready.split(" ", -1);
      taken = new Taken(Long.parseLong(words[1]), Long.parseLong(words[2]));
    }

    Path socket(int function) {
      return folder.resolve(Integer.toString(function));
    }

    @Override
    public void close() throws IOException {
      process.getOutputStream().close();
      process.onExit().join();
    }
  }
}
