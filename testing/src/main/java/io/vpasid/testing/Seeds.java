package io.vpasid.testing;

import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.LongConsumer;
import java.util.function.LongFunction;
import java.util.function.UnaryOperator;
import java.util.stream.LongStream;

/// The seeds of a property test. A case is made of its seed and of nothing else, so the seed that a
/// failure names makes the same case again, on any machine.
///
/// Each property is tried on two ranges: the seeds from 1 on, which are the same in every run, and
/// as many as a tenth of those from a seed that is another one in every run, so that each run sees
/// cases that none has seen.
///
/// - `-Dvpasid.seed=N` lets the second range begin at N, where a run began before.
/// - `-Dvpasid.explore=N` makes it N seeds long, and with a unit, as in `90s` or `10m`, as long as
///   can be tried in that time; then each property says how many that were.
/// - `-Dvpasid.fixed=N` leaves at most N seeds of the first range, where tests run many times.
///
/// The first seed is printed by the first property of a JVM that asks.
public final class Seeds {
  /// Seeds of the second range are above those of the first.
  private static final long LOWEST = 1_000_000_000L;

  private static final long HIGHEST = 1_000_000_000_000L;

  /// Seeds between two looks at the clock.
  private static final long AT_ONCE = 100;

  private Seeds() {}

  /// Where the second range begins, the same for all properties of a run.
  private static final class Begin {
    static final long SEED =
        Long.getLong("vpasid.seed", ThreadLocalRandom.current().nextLong(LOWEST, HIGHEST));

    static {
      System.out.println("Seeds that are tried in this run only: -Dvpasid.seed=" + SEED);
    }
  }

  /// Tries a property on all seeds of both ranges.
  ///
  /// @param fixed how many seeds the first range has
  /// @throws AssertionError if it throws for one; names the seed and how to try it alone
  public static void forAll(int fixed, LongConsumer property) {
    forAll(fixed, property, LongStream::sequential);
  }

  /// Tries a property on all seeds of both ranges, on all processors.
  ///
  /// @param fixed how many seeds the first range has
  /// @param property is called by several threads at once
  /// @throws AssertionError if it throws for one; names the first such seed of a range and how to
  ///   try it alone
  public static void forAllAtOnce(int fixed, LongConsumer property) {
    forAll(fixed, property, LongStream::parallel);
  }

  private static void forAll(
      int fixed, LongConsumer property, UnaryOperator<LongStream> processors) {
    String wish = System.getProperty("vpasid.explore", "");
    LongFunction<Optional<AssertionError>> attempt = seed -> failureOf(seed, property);
    forEach(processors.apply(LongStream.rangeClosed(1, first(fixed))), attempt);
    if (wish.matches("[0-9]+[sm]")) {
      long end = System.nanoTime() + duration(wish).toNanos();
      long seed = Begin.SEED;
      for (; System.nanoTime() < end; seed += AT_ONCE) {
        forEach(processors.apply(LongStream.range(seed, seed + AT_ONCE)), attempt);
      }
      System.out.printf("%,d seeds from %d: %s%n", seed - Begin.SEED, Begin.SEED, caller());
    } else {
      long end = Begin.SEED + explored(fixed, wish);
      forEach(processors.apply(LongStream.range(Begin.SEED, end)), attempt);
    }
  }

  /// Throws the first failure as it is; a pool of threads would throw a copy without its message.
  private static void forEach(LongStream seeds, LongFunction<Optional<AssertionError>> attempt) {
    Optional<AssertionError> first = seeds.mapToObj(attempt).flatMap(Optional::stream).findFirst();
    if (first.isPresent()) {
      throw first.get();
    }
  }

  /// All seeds of both ranges, for a property that is cheaper to ask of all at once; of a fixed
  /// number, also where a time is wanted.
  ///
  /// @param fixed how many seeds the first range has
  public static LongStream all(int fixed) {
    long explored = explored(fixed, System.getProperty("vpasid.explore", ""));
    return LongStream.concat(
        LongStream.rangeClosed(1, first(fixed)),
        LongStream.range(Begin.SEED, Begin.SEED + explored));
  }

  private static long first(int fixed) {
    return Math.min(fixed, Long.getLong("vpasid.fixed", fixed));
  }

  private static long explored(int fixed, String wish) {
    return wish.matches("[0-9]+") ? Long.parseLong(wish) : Math.max(1, fixed / 10);
  }

  private static Duration duration(String wish) {
    long number = Long.parseLong(wish.substring(0, wish.length() - 1));
    return wish.endsWith("m") ? Duration.ofMinutes(number) : Duration.ofSeconds(number);
  }

  private static Optional<AssertionError> failureOf(long seed, LongConsumer property) {
    try {
      property.accept(seed);
      return Optional.empty();
    } catch (AssertionError | RuntimeException | StackOverflowError e) {
      return Optional.of(
          new AssertionError(
              "seed %d (again: -Dvpasid.seed=%d -Dvpasid.explore=1): %s".formatted(seed, seed, e),
              e));
    }
  }

  /// The test that asks.
  private static String caller() {
    return StackWalker.getInstance()
        .walk(frames ->
            frames
                .filter(f -> f.getClassName().endsWith("Test"))
                .findFirst()
                .map(f -> f.getClassName().replaceFirst(".*\\.", "") + "." + f.getMethodName())
                .orElse("?"));
  }
}
