package io.vpasid.it.benchmark;

import io.vpasid.pci.ConfigSpace;
import io.vpasid.pci.capability.CapabilityChain;
import io.vpasid.pci.dump.Dumps;
import io.vpasid.pci.occupancy.OccupancyMap;
import io.vpasid.pci.vfio.VfioView;
import io.vpasid.synth.HardwareInfo;
import io.vpasid.synth.SynthesisRequest;
import io.vpasid.synth.SynthesisResult;
import io.vpasid.synth.Synthesizer;
import java.io.IOException;
import java.io.InputStream;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;

/// What it costs to understand one function, and to plan its vPASID. Targets: walk and map under 5
/// µs, a whole plan from the raw bytes under 10 µs.
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
public class PlanBenchmark {
  private ConfigSpace physical = ConfigSpace.of(new byte[ConfigSpace.EXTENDED_SIZE]);
  private ConfigSpace virtual = physical;
  private final HardwareInfo hardware = new HardwareInfo(20, false, true, true);

  /// Reads the functions that the demo ships.
  @Setup
  public void readFunctions() throws IOException {
    try (InputStream in =
        Objects.requireNonNull(
            PlanBenchmark.class.getResourceAsStream("/io/vpasid/guest/cli/run/demo.txt"))) {
      var functions = Dumps.parse("demo.txt", in.readAllBytes());
      physical = functions.get(0).config();
      virtual = functions.get(1).config();
    }
  }

  /// Both lists walked, and the owner of every byte found.
  @Benchmark
  public OccupancyMap walkAndMap() {
    return OccupancyMap.of(physical, CapabilityChain.walk(physical));
  }

  /// A physical function, whose own hidden capability is the place.
  @Benchmark
  public SynthesisResult planInOwnSlot() {
    return Synthesizer.synthesize(SynthesisRequest.of(VfioView.of(physical), hardware));
  }

  /// A virtual function, for which a hole has to be searched.
  @Benchmark
  public SynthesisResult planInZeroHole() {
    return Synthesizer.synthesize(SynthesisRequest.of(VfioView.of(virtual), hardware));
  }
}
