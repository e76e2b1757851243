package io.vpasid.it.load;

import io.vpasid.pci.ConfigSpace;
import io.vpasid.pci.PciAddress;
import io.vpasid.pci.dump.DumpException;
import io.vpasid.pci.dump.Dumps;
import io.vpasid.pci.dump.HostFunction;
import io.vpasid.pci.dump.LspciText;
import io.vpasid.pci.vfio.VfioView;
import io.vpasid.synth.HardwareInfo;
import io.vpasid.synth.SynthesisRequest;
import io.vpasid.synth.Synthesizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/// `scan` as a command, start included: beside `lspci` on dumps that were captured, and over dumps
/// that are made, which grow.
final class Scans implements AutoCloseable {
  /// Functions in a made dump, which is one machine.
  static final int IN_A_DUMP = 100;

  /// Made dumps that differ; the others are further names of these.
  private static final int DIFFERENT = 100;

  private static final int[] COUNTS = {100, 1_000, 10_000, 100_000, 1_000_000};

  /// Times that a function is planned, of which the second half counts.
  private static final int PLANS = 400;

  private final String program;
  private final Path folder;

  private Scans(String program, Path folder) {
    this.program = program;
    this.folder = folder;
  }

  static Scans open(Path root) throws IOException {
    return new Scans(root.resolve("vpasid").toString(), Files.createTempDirectory("vpasid-scan"));
  }

  /// How many functions `scan` finds in a folder.
  int functions(Path dumps) throws IOException {
    return (int)
        Commands.run(program, "scan", "--json", dumps.toString())
            .lines()
            .filter(line -> line.startsWith("{"))
            .count();
  }

  /// Functions per second of `lspci -F FILE -vvv`, which starts for each file anew, and of `scan`.
  Comparison besideLspci(Path dumps, int rounds) throws IOException {
    int ours = functions(dumps);
    String each = "find \"$1\" ! -type d ! -name '.*' -exec lspci -F {} -vvv ';' 2>/dev/null";
    long theirs =
        Commands.run("sh", "-c", each, "sh", dumps.toString())
            .lines()
            .filter(line -> line.matches("([0-9a-f]{4,5}:)?[0-9a-f]{2}:[0-9a-f]{2}\\.[0-7] .*"))
            .count();
    Comparison.Pairs pairs = new Comparison.Pairs();
    for (int i = 0; i < rounds; i++) {
      double lspci =
          Commands.seconds("sh", "-c", each + " >/dev/null || true", "sh", dumps.toString());
      pairs.add(theirs / lspci, ours / scanSeconds(dumps));
    }
    return pairs.in(" a second");
  }

  private double scanSeconds(Path dumps) throws IOException {
    return Commands.seconds(
        "sh", "-c", "exec \"$@\" >/dev/null", "sh", program, "scan", "--json", dumps.toString());
  }

  /// A folder with so many links to each dump that it has at least `functions` functions.
  Path repeated(Path dumps, int functions) throws IOException {
    List<Path> files;
    try (Stream<Path> all = Files.walk(dumps)) {
      files = all.filter(Files::isRegularFile).filter(f -> !isHidden(f)).toList();
    }
    Path repeated = Files.createDirectory(folder.resolve("repeated"));
    int times = Math.ceilDiv(functions, functions(dumps));
    for (int i = 0; i < times; i++) {
      Path once = Files.createDirectory(repeated.resolve(Integer.toString(i)));
      for (int n = 0; n < files.size(); n++) {
        Files.createSymbolicLink(once.resolve(n + "-" + files.get(n).getFileName()), files.get(n));
      }
    }
    return repeated;
  }

  private static boolean isHidden(Path file) {
    return file.getFileName().toString().startsWith(".");
  }

  /// Microseconds for walk, map, placement and synthesis of each function in a folder of dumps.
  static Spread plans(Path dumps) throws IOException {
    List<Double> microseconds = new ArrayList<>();
    HardwareInfo hardware = new HardwareInfo(20, false, true, true);
    List<Path> files;
    try (Stream<Path> all = Files.walk(dumps)) {
      files = all.filter(Files::isRegularFile).toList();
    }
    for (Path file : files) {
      for (HostFunction function : functionsOf(file)) {
        byte[] bytes = function.config().toByteArray();
        long start = 0;
        for (int i = 0; i < PLANS; i++) {
          start = i == PLANS / 2 ? System.nanoTime() : start;
          var _ =
              Synthesizer.synthesize(
                  SynthesisRequest.of(VfioView.of(ConfigSpace.of(bytes)), hardware));
        }
        microseconds.add((System.nanoTime() - start) / 1e3 / (PLANS / 2));
      }
    }
    return Spread.of(microseconds);
  }

  private static List<HostFunction> functionsOf(Path file) {
    try {
      return Dumps.read(file);
    } catch (DumpException _) {
      return List.of(); // `scan` leaves it out as well
    }
  }

  /// How the seconds that `scan` takes grow with the functions in made dumps of 100 each.
  ///
  /// @param most functions at most
  Growth growth(int most, int rounds) throws IOException {
    Path made = Files.createDirectory(folder.resolve("made"));
    List<Growth.Point> points = new ArrayList<>();
    int dumps = 0;
    for (int count : COUNTS) {
      if (count > most) {
        break;
      }
      for (; dumps * IN_A_DUMP < count; dumps++) {
        add(made, dumps);
      }
      List<Double> seconds = new ArrayList<>();
      for (int i = 0; i < (count > 10_000 ? 1 : rounds); i++) {
        seconds.add(scanSeconds(made));
      }
      points.add(new Growth.Point(count, Spread.of(seconds).median()));
    }
    return new Growth("dumps.svg", "seconds of a scan, start included", "functions", points);
  }

  private static void add(Path made, int number) throws IOException {
    Path group = made.resolve(Integer.toString(number / DIFFERENT));
    Files.createDirectories(group);
    Path file = group.resolve(number % DIFFERENT + ".txt");
    if (number >= DIFFERENT) {
      Files.createLink(file, made.resolve("0").resolve(number % DIFFERENT + ".txt"));
      return;
    }
    byte[] bytes = ServedFunctions.demoFunction().config().toByteArray();
    List<HostFunction> functions = new ArrayList<>();
    for (int i = 0; i < IN_A_DUMP; i++) {
      bytes[2] = (byte) i; // Device ID
      bytes[3] = (byte) number;
      functions.add(
          new HostFunction(
              new PciAddress(0, i / 32, i % 32, 0), "Made", ConfigSpace.of(bytes.clone())));
    }
    StringBuilder text = new StringBuilder();
    LspciText.write(functions, text);
    Files.writeString(file, text);
  }

  @Override
  public void close() throws IOException {
    Commands.run("rm", "-r", folder.toString());
  }
}
