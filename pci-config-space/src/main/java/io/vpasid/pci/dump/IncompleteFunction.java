package io.vpasid.pci.dump;

import io.vpasid.pci.PartialSpace;
import io.vpasid.pci.PciAddress;
import io.vpasid.pci.PciId;
import java.util.List;

/// A function of a dump that cannot be used, because rows of it are missing or damaged.
///
/// @param address where it sits, as for [HostFunction]
/// @param description the text behind the address; may be empty
/// @param present the bytes that are in the dump and intact
/// @param source the file it was read from
/// @param line the line to look at: that of the damage, or of the function
/// @param problem what is wrong and what to do, without the place
public record IncompleteFunction(
    PciAddress address,
    String description,
    PartialSpace present,
    String source,
    int line,
    String problem) {

  public IncompleteFunction {
    description = OneLine.of(description, HostFunction.MAX_DESCRIPTION_BYTES);
    problem = OneLine.of(problem);
  }

  /// Vendor and device as far as they are known, as for [HostFunction#id()].
  public PciId id() {
    return new HostFunction(address, description, present.withZeros()).id();
  }

  /// The same as an exception, for where this function is what was asked for.
  public DumpException toException() {
    return new DumpException(source, line, problem);
  }

  /// The same of several, where any would have done: what is wrong with the first, and how many
  /// they are.
  ///
  /// @param functions at least one
  public static DumpException toException(List<IncompleteFunction> functions) {
    IncompleteFunction first = functions.getFirst();
    return functions.size() == 1
        ? first.toException()
        : new DumpException(
            first.source,
            first.line,
            "%s; so it is with %d functions, and none is there as a whole"
                .formatted(first.problem, functions.size()));
  }

  /// Where and what, in one line.
  @Override
  public String toString() {
    return OneLine.place(source, line) + ": " + problem;
  }
}
