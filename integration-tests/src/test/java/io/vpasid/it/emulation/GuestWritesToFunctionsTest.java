package io.vpasid.it.emulation;

import static org.assertj.core.api.Assertions.assertThat;

import io.vpasid.it.space.HostSpace;
import io.vpasid.it.space.HostSpaces;
import io.vpasid.pci.ConfigSpace;
import io.vpasid.pci.emulation.Bar;
import io.vpasid.pci.emulation.DeviceConfig;
import io.vpasid.pci.emulation.EmulatedRegisters;
import io.vpasid.pci.emulation.GuestConfigSpace;
import io.vpasid.testing.Need;
import io.vpasid.testing.Needs;
import io.vpasid.testing.Seeds;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/// Guest writes of random values everywhere in emulated functions.
@Tag("I8")
class GuestWritesToFunctionsTest {
  private static final int CASES = 100_000;
  private static final int CAPTURED_CASES = 20_000;

  @Test
  void writesChangeTheBitsThatTheSpecificationLetsThemAndNoOthers() {
    HostSpaces spaces = HostSpaces.made();

    Seeds.forAll(CASES, seed -> writeEverywhere(spaces, new SplittableRandom(seed)));
  }

  @Needs(Need.CAPTURES)
  @Test
  void writesToCapturedFunctionsChangeNoOthersEither() {
    HostSpaces spaces = HostSpaces.captured();

    Seeds.forAll(CAPTURED_CASES, seed -> writeEverywhere(spaces, new SplittableRandom(seed)));
  }

  /// Enhanced Allocation at 0x44 has 18 entries and leads to all ones at 0x88, which EDK2 takes for
  /// a header and neither Linux nor lspci does. So nothing ends its entries there.
  @Test
  void entriesOfEnhancedAllocationReachOverWhatIsNoHeader() {
    byte[] bytes = new byte[ConfigSpace.EXTENDED_SIZE];
    Arrays.fill(bytes, 0x88, 0x400, (byte) 0xff);
    ByteBuffer.wrap(bytes)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putInt(0x00, 0x0001_f00d)
        .putShort(0x06, (short) 0x0010)
        .put(0x34, (byte) 0x44)
        .putInt(0x44, 0x0012_8814);
    HostSpace function =
        new HostSpace(bytes, Optional.empty(), List.of(), false, "Enhanced Allocation");

    for (long seed = 0; seed < 100; seed++) {
      writeEverywhere(function, new SplittableRandom(seed));
    }
  }

  private static void writeEverywhere(HostSpaces spaces, RandomGenerator random) {
    writeEverywhere(spaces.next(random), random);
  }

  private static void writeEverywhere(HostSpace host, RandomGenerator random) {
    List<Bar> bars = bars(host.config(), random);
    GuestConfigSpace function =
        EmulatedRegisters.ofFunction(host.config(), bars)
            .applyTo(GuestConfigSpace.over(DeviceConfig.readOnly(host.config())))
            .build();
    assertThat(wrongAfterWritesEverywhere(function, ChangeableBits.of(host.bytes(), bars), random))
        .as(host.origin())
        .isEmpty();
  }

  private static List<Bar> bars(ConfigSpace config, RandomGenerator random) {
    if (config.headerLayout() > 1) {
      return List.of();
    }
    return List.of(
        random.nextBoolean()
            ? Bar.memory64(0, 16L << random.nextInt(59))
            : Bar.memory32(1, 16L << random.nextInt(28)),
        Bar.rom(2048L << random.nextInt(14)));
  }

  /// Writes something to every dword, or to a part of it.
  private static List<String> wrongAfterWritesEverywhere(
      GuestConfigSpace function, ChangeableBits changeable, RandomGenerator random) {
    List<String> wrong = new ArrayList<>();
    int first = random.nextInt(function.size());
    for (int i = 0; i < function.size(); i += 4) {
      int offset = (first + i) % function.size() & ~3;
      int width = 1 << random.nextInt(3);
      int within = width * random.nextInt(4 / width);
      int value = random.nextInt(4) == 0 ? -1 : random.nextInt();
      int before = function.read(offset, 4);
      function.write(offset + within, width, value);
      int touched = -1 >>> (32 - 8 * width) << (8 * within);
      wrong.add(
          changeable.wrong(
              offset, before, function.read(offset, 4), touched, value << (8 * within)));
    }
    wrong.removeIf(String::isEmpty);
    return wrong;
  }
}
