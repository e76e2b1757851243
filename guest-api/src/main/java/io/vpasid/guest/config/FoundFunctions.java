package io.vpasid.guest.config;

import io.vpasid.pci.PciAddress;
import io.vpasid.pci.dump.IncompleteFunction;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/// The functions that names stand for. One of the two lists has an element at least.
///
/// @param functions those that can be worked on
/// @param incomplete those of dumps that have them, but not as a whole
public record FoundFunctions(List<FoundFunction> functions, List<IncompleteFunction> incomplete) {
  public FoundFunctions {
    functions = List.copyOf(functions);
    incomplete = List.copyOf(incomplete);
  }

  /// These and others.
  public FoundFunctions and(FoundFunctions more) {
    return new FoundFunctions(
        Stream.concat(functions.stream(), more.functions.stream()).toList(),
        Stream.concat(incomplete.stream(), more.incomplete.stream()).toList());
  }

  /// Those at `address`, which may be none.
  public FoundFunctions at(PciAddress address) {
    return new FoundFunctions(
        functions.stream().filter(f -> f.address().equals(address)).toList(),
        incomplete.stream().filter(f -> f.address().equals(address)).toList());
  }

  /// True if there is nothing at all.
  public boolean isEmpty() {
    return functions.isEmpty() && incomplete.isEmpty();
  }

  /// The functions that can be worked on, at least one.
  ///
  /// @throws io.vpasid.pci.dump.DumpException if there is none; it says what is wrong with the
  ///   first
  public List<FoundFunction> whole() {
    if (functions.isEmpty()) {
      throw IncompleteFunction.toException(incomplete);
    }
    return functions;
  }

  /// The one function that is meant: that at `address`, or the only one.
  ///
  /// @param name where they were read from
  /// @param how a user picks one of several
  /// @throws InputException if there is no such function, or none is picked of several
  /// @throws io.vpasid.pci.dump.DumpException if it is not there as a whole
  public FoundFunction only(String name, Optional<PciAddress> address, String how) {
    FoundFunctions meant = address.map(this::at).orElse(this);
    if (meant.isEmpty()) {
      throw new InputException(
          "%s has no function %s, but %s".formatted(name, address.orElseThrow(), addresses()));
    }
    if (meant.whole().size() > 1) {
      throw new InputException(
          "%s has the functions %s; pick one with %s".formatted(name, addresses(), how));
    }
    return meant.whole().getFirst();
  }

  /// The addresses, as far as a message lists them.
  public String addresses() {
    return AddressText.list(
        Stream.concat(
                functions.stream().map(FoundFunction::address),
                incomplete.stream().map(IncompleteFunction::address))
            .toList());
  }
}
