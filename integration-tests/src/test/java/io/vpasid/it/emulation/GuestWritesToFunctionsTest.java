package io.vpasid.it.emulation;

import static org.assertj.core.api.Assertions.assertThat;

import io.vpasid.it.space.HostSpace;
import io.vpasid.it.space.HostSpaces;
import io.vpasid.pci.ConfigSpace;
import io.vpasid.pci.emulation.Bar;
import io.vpasid.pci.emulation.DeviceConfig;
import io.vpasid.pci.emulation.EmulatedRegisters;
import io.vpasid.pci.emulation.GuestConfigSpace;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/// Guest writes of random values everywhere in emulated functions: made, damaged, captured and
/// random ones.
@Tag("I8")
class GuestWritesToFunctionsTest {
  private static final int CASES = 100_000;
  private static final long SEED = Long.getLong("vpasid.seed", 1);

  private final HostSpaces spaces = HostSpaces.ofAllKinds();

  @Test
  void writesChangeTheBitsThatTheSpecificationLetsThemAndNoOthers() {
    for (long seed = SEED; seed < SEED + CASES; seed++) {
      RandomGenerator random = new SplittableRandom(seed);
      HostSpace host = spaces.next(random);
      List<Bar> bars = bars(host.config(), random);
      GuestConfigSpace function =
          EmulatedRegisters.ofFunction(host.config(), bars)
              .applyTo(GuestConfigSpace.over(DeviceConfig.readOnly(host.config())))
              .build();
      assertThat(
              wrongAfterWritesEverywhere(function, ChangeableBits.of(host.bytes(), bars), random))
          .as("seed %d, %s", seed, host.origin())
          .isEmpty();
    }
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
