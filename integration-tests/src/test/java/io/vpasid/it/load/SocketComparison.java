package io.vpasid.it.load;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/// Our server and libvfio-user's sample, asked by one client, written in C, with the same pinning:
/// the server on processor 0, the client there too or on processor 1.
final class SocketComparison implements AutoCloseable {
  private static final String SECONDS = "1";
  private static final int CLIENTS = 100;

  private final Path folder;
  private final Path client;
  private final @Nullable Path sample;

  private SocketComparison(Path folder, Path client, @Nullable Path sample) {
    this.folder = folder;
    this.client = client;
    this.sample = sample;
  }

  /// Compiles the client with gcc.
  static SocketComparison open(Optional<Path> sample) throws IOException {
    Path folder = Files.createTempDirectory("vpasid-load");
    Path source = folder.resolve("client.c");
    try (var in = SocketComparison.class.getResourceAsStream("client.c")) {
      if (in == null) {
        throw new IOException("The client's source is missing.");
      }
      Files.copy(in, source, StandardCopyOption.REPLACE_EXISTING);
    }
    Path client = folder.resolve("client");
    Commands.run("gcc", "-O2", "-o", client.toString(), source.toString());
    return new SocketComparison(folder, client, sample.orElse(null));
  }

  /// Where server and client run.
  enum Cores {
    ONE("0", "on one core"),
    TWO("1", "on two cores");

    private final String client;
    private final String text;

    Cores(String client, String text) {
      this.client = client;
      this.text = text;
    }

    String text() {
      return text;
    }
  }

  /// Those that this machine has.
  List<Cores> cores() {
    return Runtime.getRuntime().availableProcessors() > 1
        ? List.of(Cores.values())
        : List.of(Cores.ONE);
  }

  /// Round trips per second, and microseconds that one takes, of libvfio-user's sample and of ours.
  record Measures(Comparison rate, Comparison median, Comparison slowHundredth) {}

  /// What the client prints: per second, and nanoseconds.
  private record Measured(double rate, double median, double slowHundredth) {
    static Measured of(String line) {
      String[] words = line.strip().split(" ", -1);
      return new Measured(
          Double.parseDouble(words[0]), Double.parseDouble(words[1]), Double.parseDouble(words[2]));
    }
  }

  /// @param window how many messages are under way
  /// @param busyPoll for how many microseconds our server looks for the next message
  Measures compare(Cores cores, int window, int busyPoll, int rounds) throws IOException {
    if (sample == null) {
      throw new IllegalStateException("There is nothing to compare with.");
    }
    Comparison.Pairs rates = new Comparison.Pairs();
    Comparison.Pairs medians = new Comparison.Pairs();
    Comparison.Pairs slow = new Comparison.Pairs();
    try (Server ours = new Server(folder, 1, "0", busyPoll)) {
      for (int i = 0; i < rounds; i++) {
        Measured theirs = measureSample(sample, cores, window);
        Measured own = measure(cores.client, window, List.of(ours.socket(0)));
        rates.add(theirs.rate, own.rate);
        medians.add(theirs.median / 1e3, own.median / 1e3);
        slow.add(theirs.slowHundredth / 1e3, own.slowHundredth / 1e3);
      }
    }
    return new Measures(rates.in(" a second"), medians.in(" µs"), slow.in(" µs"));
  }

  /// The sample serves one client and waits for a line when it has gone.
  private Measured measureSample(Path program, Cores cores, int window) throws IOException {
    Path socket = folder.resolve("sample");
    Files.deleteIfExists(socket);
    Process process =
        new ProcessBuilder("taskset", "-c", "0", program.toString(), socket.toString())
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .redirectError(ProcessBuilder.Redirect.DISCARD)
            .start();
    try {
      return measure(cores.client, window, List.of(socket));
    } finally {
      process.destroyForcibly();
      process.onExit().join();
    }
  }

  private Measured measure(String core, int window, List<Path> sockets) throws IOException {
    List<String> command =
        new ArrayList<>(
            List.of("taskset", "-c", core, client.toString(), SECONDS, Integer.toString(window)));
    sockets.forEach(socket -> command.add(socket.toString()));
    return Measured.of(Commands.run(command.toArray(String[]::new)));
  }

  /// Round trips per second of one client and of a hundred in all, on all processors.
  Comparison hundred(int rounds) throws IOException {
    Comparison.Pairs pairs = new Comparison.Pairs();
    try (Server server = new Server(folder, CLIENTS, ALL)) {
      for (int i = 0; i < rounds; i++) {
        double one = measure(ALL, 1, sockets(server, 1)).rate;
        pairs.add(one, measure(ALL, 1, sockets(server, CLIENTS)).rate);
      }
    }
    return pairs.in(" a second");
  }

  private static final String ALL = "0-" + (Runtime.getRuntime().availableProcessors() - 1);

  private static List<Path> sockets(Server server, int count) {
    return IntStream.range(0, count).mapToObj(server::socket).toList();
  }

  /// How the round trips of all clients grow with their number.
  Growth clients(int rounds) throws IOException {
    List<Growth.Point> points = new ArrayList<>();
    int most = 500;
    try (Server server = new Server(folder, most, ALL)) {
      for (int count : new int[] {1, 10, 100, most}) {
        List<Double> rates = new ArrayList<>();
        for (int i = 0; i < rounds; i++) {
          rates.add(measure(ALL, 1, sockets(server, count)).rate);
        }
        points.add(new Growth.Point(count, Spread.of(rates).median()));
      }
    }
    return new Growth("clients.svg", "round trips per second of all clients", "clients", points);
  }

  /// The share of a processor that a server with 1,000 functions takes while nobody asks for any,
  /// in percent.
  static Spread idle(int rounds) throws IOException {
    Path folder = Files.createTempDirectory("vpasid-load");
    List<Double> shares = new ArrayList<>();
    try (Server server = new Server(folder, 1000, ALL)) {
      for (int i = 0; i <= rounds; i++) {
        double share = server.share(Duration.ofSeconds(2));
        if (i > 0) {
          shares.add(100 * share);
        }
      }
    }
    Files.delete(folder);
    return Spread.of(shares);
  }

  /// How the heap grows with the number of idle functions.
  static Growth heap() throws IOException {
    List<Growth.Point> points = new ArrayList<>();
    Path folder = Files.createTempDirectory("vpasid-load");
    for (int count : new int[] {1, 10, 100, 1_000, 10_000}) {
      try (Server server = new Server(folder, count, ALL)) {
        points.add(new Growth.Point(count, server.heap / 1024.0));
      }
    }
    Files.delete(folder);
    return new Growth(
        "functions.svg", "KiB of heap of a server whose functions are idle", "functions", points);
  }

  @Override
  public void close() throws IOException {
    try (var left = Files.list(folder)) {
      for (Path file : left.toList()) {
        Files.delete(file);
      }
    }
    Files.delete(folder);
  }

  /// A process that serves functions.
  private static final class Server implements AutoCloseable {
    private final Path folder;
    private final Process process;
    private final long heap;

    Server(Path folder, int functions, String cores) throws IOException {
      this(folder, functions, cores, 0);
    }

    Server(Path folder, int functions, String cores, int busyPoll) throws IOException {
      this.folder = folder;
      process =
          new ProcessBuilder(
                  "taskset",
                  "-c",
                  cores,
                  Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                  "--enable-native-access=ALL-UNNAMED",
                  "--sun-misc-unsafe-memory-access=allow",
                  "-Xmx1g",
                  "-cp",
                  System.getProperty("java.class.path"),
                  ServedFunctions.class.getName(),
                  folder.toString(),
                  Integer.toString(functions),
                  Integer.toString(busyPoll))
              .redirectError(ProcessBuilder.Redirect.DISCARD)
              .start();
      BufferedReader out =
          new BufferedReader(
              new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
      @Nullable String ready = out.readLine();
      if (ready == null || !ready.startsWith("ready ")) {
        throw new IOException("The server did not start: " + ready);
      }
      heap = Long.parseLong(ready.split(" ", -1)[1]);
    }

    /// The share of a processor that it takes.
    double share(Duration time) throws IOException {
      Duration before = processorTime();
      try {
        process.waitFor(time);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new IOException("The measurement was interrupted.", e);
      }
      return (double) processorTime().minus(before).toNanos() / time.toNanos();
    }

    private Duration processorTime() throws IOException {
      return process
          .info()
          .totalCpuDuration()
          .orElseThrow(() -> new IOException("The server's processor time is not known."));
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
