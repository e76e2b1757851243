package io.vpasid.it.space;

import java.util.List;
import java.util.random.RandomGenerator;

/// Where test cases take their functions from.
public final class HostSpaces {
  private final List<HostSpace> captured;

  private HostSpaces(List<HostSpace> captured) {
    this.captured = captured;
  }

  /// Made, damaged and random ones, and captured ones where there are any.
  public static HostSpaces ofAllKinds() {
    return new HostSpaces(CapturedFunctions.extendedIfPresent());
  }

  /// The next function: about 2 of 5 are intact, as many damaged, the others random bytes.
  public HostSpace next(RandomGenerator random) {
    int kind = random.nextInt(20);
    if (kind < 8) {
      return FunctionGenerator.generate(random);
    }
    if (kind < 13 || captured.isEmpty()) {
      return kind < 17
          ? Damage.damaged(FunctionGenerator.generate(random), random)
          : Garbage.generate(random);
    }
    return switch (kind) {
      case 13 -> anyCaptured(random);
      case 14, 15, 16 -> Damage.damaged(anyCaptured(random), random);
      default -> Garbage.generate(random);
    };
  }

  /// An intact function, made at random.
  public HostSpace nextIntact(RandomGenerator random) {
    return FunctionGenerator.generate(random);
  }

  private HostSpace anyCaptured(RandomGenerator random) {
    return captured.get(random.nextInt(captured.size()));
  }
}
