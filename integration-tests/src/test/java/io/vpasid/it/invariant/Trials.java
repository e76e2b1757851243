package io.vpasid.it.invariant;

import io.vpasid.it.space.HostSpace;
import io.vpasid.it.space.HostSpaces;
import io.vpasid.pci.ByteRange;
import io.vpasid.pci.PciAddress;
import io.vpasid.pci.dump.HostFunction;
import io.vpasid.pci.dump.LspciText;
import io.vpasid.testing.Seeds;
import java.util.BitSet;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/// Tries a property on many cases. A case depends on one number only, which a failure names, along
/// with the smallest configuration space that was found to fail in the same way.
final class Trials {
  private final HostSpaces spaces;
  private final List<KnownQuirks> quirks;

  Trials(HostSpaces spaces, List<KnownQuirks> quirks) {
    this.spaces = spaces;
    this.quirks = quirks;
  }

  /// Tries `property` on the cases of [Seeds].
  ///
  /// @param count how many there are in every run
  /// @param property is asked by several threads at once
  /// @throws AssertionError if it does not hold for one of them
  void forAll(int count, Consumer<Trial> property) {
    Seeds.forAllAtOnce(count, seed -> attempt("case " + seed, of(seed), property));
  }

  /// The case of this number.
  Case of(long caseSeed) {
    return Case.next(spaces, quirks, new SplittableRandom(caseSeed));
  }

  /// Tries `property` on one case.
  ///
  /// @throws AssertionError if it does not hold, or throws
  static void attempt(String name, Case input, Consumer<Trial> property) {
    Throwable failure = failureOf(input, property);
    if (failure != null) {
      Case smallest = shrink(input, property, failure);
      throw new AssertionError(
          report(name, smallest, failureOf(smallest, property)), failureOf(smallest, property));
    }
  }

  private static @Nullable Throwable failureOf(Case input, Consumer<Trial> property) {
    try {
      property.accept(Trial.of(input));
      return null;
    } catch (AssertionError | RuntimeException | StackOverflowError e) {
      return e;
    }
  }

  /// Sets halves, quarters and so on to 0 as long as the same kind of failure remains. What an
  /// intact function's capabilities own stays, because it would not be intact without it.
  private static Case shrink(Case input, Consumer<Trial> property, Throwable failure) {
    Case smallest = input;
    BitSet kept = new BitSet();
    if (input.host().intact()) {
      kept.set(0, 0x40);
      for (ByteRange owned : input.host().owned()) {
        kept.set(owned.offset(), owned.end());
      }
    }
    for (int chunk = input.host().bytes().length / 2; chunk >= 1; chunk /= 2) {
      for (int start = 0; start < input.host().bytes().length; start += chunk) {
        Case smaller = smallest.with(cleared(smallest.host(), start, chunk, kept));
        Throwable other = failureOf(smaller, property);
        if (other != null && other.getClass() == failure.getClass()) {
          smallest = smaller;
        }
      }
    }
    return smallest;
  }

  private static HostSpace cleared(HostSpace host, int start, int length, BitSet kept) {
    byte[] bytes = host.bytes().clone();
    for (int at = start; at < start + length; at++) {
      if (!kept.get(at)) {
        bytes[at] = 0;
      }
    }
    return host.with(bytes);
  }

  private static String report(String name, Case input, @Nullable Throwable failure) {
    StringBuilder dump = new StringBuilder();
    LspciText.write(
        List.of(new HostFunction(new PciAddress(0, 0, 0, 0), name, input.host().config())), dump);
    return String.format(
        Locale.ROOT,
        "%s: %s%n%s function%s, %s, %s, %d other captures, quirks %s%n%s",
        name,
        failure,
        input.host().origin(),
        input.fromRegion() ? " read from the VFIO region" : "",
        input.hardware(),
        input.policy(),
        input.others().size(),
        input.quirks().of(input.request().view().config().id().vendor()),
        dump.toString().lines().filter(l -> !isZeroRow(l)).collect(Collectors.joining("\n")));
  }

  private static boolean isZeroRow(String line) {
    return line.matches("[0-9a-f]+:( 00)+");
  }
}
