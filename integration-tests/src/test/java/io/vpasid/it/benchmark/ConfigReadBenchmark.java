package io.vpasid.it.benchmark;

import io.vpasid.pci.ConfigSpace;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;

/// One read of a configuration space register.
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class ConfigReadBenchmark {
  private final ConfigSpace space = ConfigSpace.of(new byte[ConfigSpace.EXTENDED_SIZE]);
  private int offset = 0x100;

  /// A 32-bit register.
  @Benchmark
  public int register() {
    return space.u32(offset);
  }
}
