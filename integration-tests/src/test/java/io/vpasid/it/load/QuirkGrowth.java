package io.vpasid.it.load;

import io.vpasid.pci.dump.HostFunction;
import io.vpasid.pci.vfio.VfioView;
import io.vpasid.synth.HardwareInfo;
import io.vpasid.synth.PlacementPolicy;
import io.vpasid.synth.SynthesisRequest;
import io.vpasid.synth.Synthesizer;
import io.vpasid.synth.quirk.FunctionKind;
import io.vpasid.synth.quirk.QuirkTable;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/// How the time to read quirks, and to plan a function beside them, grows with their number.
final class QuirkGrowth {
  private static final int[] COUNTS = {10, 100, 1_000, 10_000, 100_000};

  /// A file may have no more than 65,536.
  private static final int IN_A_FILE = 50_000;

  private static final int VENDORS = 10;
  private static final int PLANS = 2_000;
  private static final int WARM = 20;

  private final List<Growth.Point> loads = new ArrayList<>();
  private final List<Growth.Point> plans = new ArrayList<>();

  private QuirkGrowth() {}

  /// Measures each as often as `rounds` says, once more to warm up.
  static List<Growth> measure(int rounds) throws IOException {
    QuirkGrowth growth = new QuirkGrowth();
    for (int i = 0; i < WARM; i++) {
      plan(ServedFunctions.demoFunction(), QuirkTable.builtIn());
    }
    for (int count : COUNTS) {
      growth.at(count, rounds);
    }
    return List.of(
        new Growth("quirks-read.svg", "milliseconds to read quirk files", "quirks", growth.loads),
        new Growth(
            "quirks-plan.svg",
            "microseconds to plan a function beside quirks of its vendor",
            "quirks",
            growth.plans));
  }

  private void at(int count, int rounds) throws IOException {
    Path folder = Files.createTempDirectory("vpasid-quirks");
    for (int first = 0; first < count; first += IN_A_FILE) {
      Files.writeString(
          folder.resolve(first + ".json"), file(first, Math.min(count, first + IN_A_FILE)));
    }
    // Few take so little time that a compiler would be measured instead.
    int repeated = Math.max(1, 10_000 / count);
    List<Double> milliseconds = new ArrayList<>();
    List<Double> microseconds = new ArrayList<>();
    HostFunction function = ServedFunctions.demoFunction();
    for (int round = 0; round <= rounds; round++) {
      long start = System.nanoTime();
      QuirkTable table = QuirkTable.builtIn();
      for (int i = 0; i < repeated; i++) {
        table = QuirkTable.builtIn().with(folder, QuirkTable.COMMAND_LINE);
      }
      double load = (System.nanoTime() - start) / 1e6 / repeated;
      double plan = plan(function, table);
      if (round > 0) {
        milliseconds.add(load);
        microseconds.add(plan);
      }
    }
    loads.add(new Growth.Point(count, Spread.of(milliseconds).median()));
    plans.add(new Growth.Point(count, Spread.of(microseconds).median()));
    try (var left = Files.list(folder)) {
      for (Path file : left.toList()) {
        Files.delete(file);
      }
    }
    Files.delete(folder);
  }

  private static double plan(HostFunction function, QuirkTable quirks) {
    SynthesisRequest request =
        new SynthesisRequest(
            VfioView.of(function.config(), function.id()),
            FunctionKind.of(function),
            new HardwareInfo(20, false, true, true),
            quirks,
            PlacementPolicy.DEFAULT,
            List.of());
    long start = System.nanoTime();
    for (int i = 0; i < PLANS; i++) {
      var _ = Synthesizer.synthesize(request);
    }
    return (System.nanoTime() - start) / 1e3 / PLANS;
  }

  private static String file(int from, int to) {
    return IntStream.range(from, to)
        .mapToObj(QuirkGrowth::quirk)
        .collect(Collectors.joining(",", "{\"format\": 1, \"quirks\": [", "]}"));
  }

  /// One of 10 vendors, that of the demo's function among them, and a device that it is not.
  private static String quirk(int number) {
    return String.format(
        Locale.ROOT,
        """
        {"id": "made-%d", "name": "made", "source": "made",
         "match": {"vendor": "0x%04x", "device": "0x%04x"},
         "hidden": [{"offset": "0x%03x", "length": 8, "access": "rw",
                     "evidence": "documented", "what": "made"}]}
        """,
        number,
        0xf00d + number % VENDORS,
        0x1000 + number / VENDORS,
        0x100 + 8 * (number % 400));
  }
}
