package io.vpasid.it.benchmark;

import io.vpasid.pci.ConfigSpace;
import io.vpasid.pci.dump.Dumps;
import io.vpasid.pci.vfio.VfioView;
import io.vpasid.synth.HardwareInfo;
import io.vpasid.synth.PlacementPolicy;
import io.vpasid.synth.SynthesisRequest;
import io.vpasid.synth.SynthesisResult;
import io.vpasid.synth.Synthesizer;
import io.vpasid.synth.quirk.FunctionKind;
import io.vpasid.synth.quirk.QuirkTable;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;

/// A plan beside a quirk table that has grown. Target: 10,000 entries slow it by no more than 20%.
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
public class QuirkCountBenchmark {
  @Param({"0", "10000"})
  private int addedQuirks;

  private ConfigSpace function = ConfigSpace.of(new byte[ConfigSpace.EXTENDED_SIZE]);
  private QuirkTable quirks = QuirkTable.empty();

  /// Reads the second function that the demo ships, and adds quirks of its vendor and of others.
  @Setup
  public void makeTable() throws IOException {
    try (InputStream in =
        Objects.requireNonNull(
            QuirkCountBenchmark.class.getResourceAsStream("/io/vpasid/guest/cli/run/demo.txt"))) {
      function = Dumps.parse("demo.txt", in.readAllBytes()).get(1).config();
    }
    quirks = QuirkTable.builtIn();
    if (addedQuirks > 0) {
      Path file = Files.createTempFile("quirks", ".json");
      Files.writeString(
          file,
          IntStream.range(0, addedQuirks)
              .mapToObj(QuirkCountBenchmark::quirk)
              .collect(Collectors.joining(",", "{\"format\": 1, \"quirks\": [", "]}")));
      quirks = quirks.with(file, QuirkTable.COMMAND_LINE);
      Files.delete(file);
    }
  }

  /// One of 10 vendors, f00d among them, and a device that the function is not.
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
        0xf00d + number % 10,
        0x1000 + number / 10,
        0x100 + 8 * (number % 400));
  }

  /// The plan of a virtual function, from its raw bytes.
  @Benchmark
  public SynthesisResult plan() {
    return Synthesizer.synthesize(
        new SynthesisRequest(
            VfioView.of(function),
            FunctionKind.VIRTUAL,
            new HardwareInfo(20, false, true, true),
            quirks,
            PlacementPolicy.DEFAULT,
            List.of()));
  }
}
