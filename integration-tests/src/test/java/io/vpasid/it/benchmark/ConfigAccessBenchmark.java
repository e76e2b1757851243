package io.vpasid.it.benchmark;

import io.vpasid.pci.ConfigSpace;
import io.vpasid.pci.emulation.Bar;
import io.vpasid.pci.emulation.DeviceConfig;
import io.vpasid.pci.emulation.EmulatedRegisters;
import io.vpasid.pci.emulation.GuestConfigSpace;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;

/// One read or write of a configuration space register, at offsets that the compiler cannot
/// foresee, against the least that it can cost: an access to a byte array.
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class ConfigAccessBenchmark {
  private static final VarHandle DWORD =
      MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);
  private static final VarHandle WORD =
      MethodHandles.byteArrayViewVarHandle(short[].class, ByteOrder.LITTLE_ENDIAN);
  private static final int OFFSETS = 64;

  private final byte[] bytes = new byte[ConfigSpace.EXTENDED_SIZE];
  private final ConfigSpace capture = ConfigSpace.of(bytes);

  private final GuestConfigSpace emulated =
      EmulatedRegisters.ofFunction(capture, List.of(Bar.memory64(0, 4096)))
          .applyTo(GuestConfigSpace.over(DeviceConfig.readOnly(capture)))
          .build();

  private final GuestConfigSpace captured =
      GuestConfigSpace.over(DeviceConfig.readOnly(capture)).build();

  private final GuestConfigSpace passedThrough = GuestConfigSpace.over(new Memory(bytes)).build();

  /// Every dword of the first 0x100 bytes once, in no particular order.
  private final int[] offsets =
      IntStream.range(0, OFFSETS).map(n -> n * 41 % OFFSETS * 4).toArray();

  private int next;

  private int offset() {
    return offsets[next++ & (OFFSETS - 1)];
  }

  /// What the others are measured against.
  @Benchmark
  public int byteArray() {
    return (int) DWORD.get(bytes, offset());
  }

  /// Likewise for 16 bits.
  @Benchmark
  public int byteArrayWord() {
    return (short) WORD.get(bytes, offset() + 2) & 0xffff;
  }

  /// A register of an emulated function.
  @Benchmark
  public int emulated() {
    return emulated.read(offset(), 4);
  }

  /// What a write is measured against.
  @Benchmark
  public void byteArrayWrite() {
    DWORD.set(bytes, offset(), next);
  }

  /// A write to a register of an emulated function, by the rules of the register.
  @Benchmark
  public void emulatedWrite() {
    emulated.write(offset(), 4, next);
  }

  /// A read of 16 bits of it.
  @Benchmark
  public int emulatedWord() {
    return emulated.read(offset() + 2, 2);
  }

  /// A register of a capture that nothing is laid over.
  @Benchmark
  public int captured() {
    return captured.read(offset(), 4);
  }

  /// A register of a device below, which costs nothing itself.
  @Benchmark
  public int passedThrough() {
    return passedThrough.read(offset(), 4);
  }

  /// Registers that are plain memory.
  // The array is a component on purpose: it is what the device is.
  @SuppressWarnings("ArrayRecordComponent")
  private record Memory(byte[] bytes) implements DeviceConfig {
    @Override
    public int size() {
      return bytes.length;
    }

    @Override
    public int read(int offset, int width) {
      return (int) DWORD.get(bytes, offset);
    }

    @Override
    public void write(int offset, int width, int value) {
      DWORD.set(bytes, offset, value);
    }
  }
}
