package io.vpasid.pci.dump;

import io.vpasid.pci.PciAddress;
import java.util.List;
import java.util.function.IntUnaryOperator;

/// Content of a file. One of the two lists has an element at least.
///
/// @param functions those that are there as a whole, in the order of the file
/// @param incomplete those that cannot be used, in the order of the file
public record Dump(List<HostFunction> functions, List<IncompleteFunction> incomplete) {
  public Dump {
    functions = List.copyOf(functions);
    incomplete = List.copyOf(incomplete);
    if (functions.isEmpty() && incomplete.isEmpty()) {
      throw new IllegalArgumentException("A dump without functions");
    }
  }

  static Dump of(HostFunction function) {
    return new Dump(List.of(function), List.of());
  }

  /// The same with other line numbers.
  Dump withLines(IntUnaryOperator line) {
    return new Dump(
        functions.stream()
            .map(f ->
                new HostFunction(
                    f.address(),
                    f.description(),
                    f.config(),
                    f.source(),
                    line.applyAsInt(f.line())))
            .toList(),
        incomplete.stream()
            .map(f ->
                new IncompleteFunction(
                    f.address(),
                    f.description(),
                    f.present(),
                    f.source(),
                    line.applyAsInt(f.line()),
                    f.problem()))
            .toList());
  }

  /// The functions that are there as a whole, at least one.
  ///
  /// @throws DumpException if there is none; it says what is wrong with the first
  public List<HostFunction> whole() {
    if (functions.isEmpty()) {
      throw IncompleteFunction.toException(incomplete);
    }
    return functions;
  }

  /// The functions at `address`, in the order of the file; none if the file has no such function.
  ///
  /// @throws DumpException if it has one, but not as a whole
  public List<HostFunction> at(PciAddress address) {
    List<HostFunction> found = functions.stream().filter(f -> f.address().equals(address)).toList();
    if (found.isEmpty()) {
      for (IncompleteFunction function : incomplete) {
        if (function.address().equals(address)) {
          throw function.toException();
        }
      }
    }
    return found;
  }
}
