package io.vpasid.it.space;

import java.util.List;
import java.util.random.RandomGenerator;

/// Where test cases take their functions from.
public sealed interface HostSpaces {

  /// The next function; the same for the same state of `random`.
  HostSpace next(RandomGenerator random);

  /// Functions made at random: about 2 of 5 are intact, as many damaged, the others random bytes.
  /// They depend on nothing but `random`.
  static HostSpaces made() {
    return new Made();
  }

  /// Captured functions with an extended space, most of them damaged.
  static HostSpaces captured() {
    return new Captured(CapturedFunctions.extended());
  }

  /// An intact function, made at random.
  static HostSpace intact(RandomGenerator random) {
    return FunctionGenerator.generate(random);
  }

  /// See [#made].
  record Made() implements HostSpaces {
    @Override
    public HostSpace next(RandomGenerator random) {
      int kind = random.nextInt(20);
      if (kind < 8) {
        return FunctionGenerator.generate(random);
      }
      return kind < 17
          ? Damage.damaged(FunctionGenerator.generate(random), random)
          : Garbage.generate(random);
    }
  }

  /// See [#captured].
  record Captured(List<HostSpace> functions) implements HostSpaces {
    public Captured {
      functions = List.copyOf(functions);
    }

    @Override
    public HostSpace next(RandomGenerator random) {
      HostSpace function = functions.get(random.nextInt(functions.size()));
      return random.nextInt(4) == 0 ? function : Damage.damaged(function, random);
    }
  }
}
