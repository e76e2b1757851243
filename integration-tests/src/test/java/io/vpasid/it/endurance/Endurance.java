package io.vpasid.it.endurance;

import io.vpasid.it.isolation.DaemonProcess;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// Runs the load for some hours: `mvn -Pendurance verify -Dhours=2`.
///
/// For the first fifth of the time the daemon lives 15 seconds at a time, is killed or told to end
/// in turn, and starts again on what the life before left in the folder. Then it lives long enough
/// to be judged: once, and twice if the run takes half an hour or more. The embedding program lives
/// from beginning to end.
///
/// Exit codes: 0 nothing grows and nothing failed, 1 something does, 2 bad usage.
final class Endurance {
  private static final double MOST_HOURS = 1000;
  private static final double SHORT_SECONDS = 15;
  private static final double LONG_RUN_SECONDS = 1800;
  private static final int SAMPLES = 200;

  /// A fixed heap, so that the resident set moves only with what is not heap.
  private static final List<String> JVM =
      List.of("-Xms128m", "-Xmx128m", "-XX:+AlwaysPreTouch", "-XX:+ExitOnOutOfMemoryError");

  private final double seconds;
  private final Path folder;
  private final long start = System.nanoTime();
  private final Samples samples = new Samples();
  private final Load load = Load.start();
  private final Process program;
  private final BufferedReader said;
  private long programLives;

  private Endurance(double seconds, Path folder) throws IOException {
    this.seconds = seconds;
    this.folder = folder;
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.add("--enable-native-access=ALL-UNNAMED");
    command.addAll(JVM);
    command.addAll(
        List.of("-cp", System.getProperty("java.class.path"), EmbeddingProgram.class.getName()));
    program = new ProcessBuilder(command).redirectError(programLog().toFile()).start();
    said = program.inputReader(StandardCharsets.UTF_8);
    answer(said.readLine());
  }

  /// @param arguments how many hours, such as `0.1`, and the folder for `endurance.csv` and
  ///   `endurance.svg`
  static void main(String[] arguments) throws Exception {
    double hours = hours(arguments[0]);
    if (!(hours > 0 && hours <= MOST_HOURS)) {
      System.err.println("-Dhours=" + arguments[0] + " is no time above 0, such as 0.1 or 2");
      System.exit(2);
    }
    Path folder = Files.createTempDirectory("vpasid-endurance");
    Path results = Files.createDirectories(Path.of(arguments[1]));
    Endurance run = new Endurance(hours * 3600, folder);
    boolean holds;
    try {
      run.live();
    } catch (IOException e) {
      run.load.fail("the run ended", e);
    } finally {
      run.program.destroyForcibly().onExit().join();
      holds = run.judge(results);
    }
    if (holds) {
      delete(folder);
    } else {
      System.out.println("endurance: what the processes wrote is in " + folder);
    }
    System.out.flush();
    Runtime.getRuntime().halt(holds ? 0 : 1); // the threads of the load have no end
  }

  private static double hours(String argument) {
    try {
      return Double.parseDouble(argument);
    } catch (NumberFormatException _) {
      return Double.NaN;
    }
  }

  private static void delete(Path folder) throws IOException {
    try (Stream<Path> all = Files.walk(folder)) {
      for (Path one : all.toList().reversed()) {
        Files.delete(one);
      }
    }
  }

  private double elapsed() {
    return (System.nanoTime() - start) / 1e9;
  }

  private void live() throws IOException, InterruptedException {
    int number = 1;
    for (; elapsed() < seconds / 5; number++) {
      Life life = begin(number);
      untilSampled(life, elapsed() + Math.min(SHORT_SECONDS, seconds / 20));
      if (number % 2 == 1) {
        life.kill();
      } else {
        life.end();
      }
    }
    int lives = seconds < LONG_RUN_SECONDS ? 1 : 2;
    for (int i = 1; i <= lives; i++) {
      Life life = begin(number++);
      untilSampled(life, elapsed() + (seconds - elapsed()) / (lives - i + 1));
      life.end();
    }
  }

  private Life begin(int number) throws IOException {
    DaemonProcess.Setup setup =
        DaemonProcess.Setup.of(Work.FUNCTIONS_SERVED)
            .with("\"addressSpaces\": [ { \"name\": \"shared\" } ]")
            .java(
                Stream.concat(JVM.stream(), Stream.of("-XX:TieredStopAtLevel=4"))
                    .toArray(String[]::new));
    Life life = new Life(number, DaemonProcess.start(folder, setup));
    load.turnTo(life);
    return life;
  }

  /// Samples until the time has come.
  private void untilSampled(Life life, double end) throws IOException {
    double interval = Math.clamp(seconds / SAMPLES, 2, 60);
    long log = Files.size(daemonLog());
    for (double next = elapsed() + interval; next < end; next = elapsed() + interval) {
      LockSupport.parkNanos((long) ((next - elapsed()) * 1e9));
      if (!life.process().isAlive()) {
        throw new IOException(
            "The daemon ended with " + life.process().exitValue() + " in life " + life.number());
      }
      sample(
          "daemon, life " + life.number(),
          life.process(),
          load.latency(),
          Files.size(daemonLog()) - log);
      sampleProgram();
    }
    LockSupport.parkNanos((long) (Math.max(0, end - elapsed()) * 1e9));
  }

  private void sample(String process, Process of, Latency.Measured latency, long log)
      throws IOException {
    samples.add(process, elapsed() / 3600, ProcessFigures.of(of), latency, log);
  }

  private void sampleProgram() throws IOException {
    program.outputWriter(StandardCharsets.UTF_8).append('\n').flush();
    String[] words = answer(said.readLine()).split(" ", -1);
    programLives = Long.parseLong(words[0]);
    sample(
        "program",
        program,
        new Latency.Measured(Double.parseDouble(words[1]), Double.parseDouble(words[2])),
        Files.size(programLog()));
  }

  private String answer(@Nullable String line) throws IOException {
    if (line == null) {
      throw new IOException("The embedding program ended: " + Files.readString(programLog()));
    }
    return line;
  }

  private Path daemonLog() {
    return folder.resolve("serve.log");
  }

  private Path programLog() {
    return folder.resolve("program.log");
  }

  /// Writes the results and tells them.
  ///
  /// @return whether all is well
  private boolean judge(Path results) throws IOException {
    List<Verdict> verdicts = samples.series().stream().map(Verdict::of).toList();
    Path csv = results.resolve("endurance.csv");
    Path svg = results.resolve("endurance.svg");
    Files.writeString(csv, samples.csv());
    Files.writeString(svg, Chart.svg(verdicts, elapsed() / 3600));
    List<String> failures = new ArrayList<>(load.failures());
    for (Map.Entry<Work, Long> done : load.done().entrySet()) {
      tell(String.format(Locale.ROOT, "%,d times %s", done.getValue(), done.getKey()));
      if (done.getValue() == 0) {
        failures.add(done.getKey() + " was never done to its end");
      }
    }
    tell(String.format(Locale.ROOT, "%,d lives of a function in the program", programLives));
    int judged = 0;
    for (Verdict verdict : verdicts) {
      switch (verdict) {
        case Verdict.Holds holds -> {
          tell(holds.toString());
          judged++;
        }
        case Verdict.Grows grows -> {
          failures.add(grows.toString());
          if (grows.series().quantity() == Quantity.HEAP) {
            failures.add("what grew:\n" + samples.growth(grows.series().process()));
          }
        }
        case Verdict.Unjudged _ -> {}
      }
    }
    if (judged == 0 && failures.isEmpty()) {
      failures.add("Nothing lived long enough to be judged; give it more -Dhours");
    }
    String log = Files.exists(daemonLog()) ? Files.readString(daemonLog()) : "";
    if (log.contains("OutOfMemory") || log.contains("\tat ")) {
      failures.add("The log of the daemon has a stack trace");
    }
    failures.forEach(failure -> tell("FAILED: " + failure));
    tell("samples in " + csv + ", drawn in " + svg);
    tell(failures.isEmpty() ? "it lasts" : "it does not last");
    return failures.isEmpty();
  }

  private static void tell(String line) {
    System.out.println("endurance: " + line);
  }
}
