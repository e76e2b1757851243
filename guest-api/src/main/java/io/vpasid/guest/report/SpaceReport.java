package io.vpasid.guest.report;

import java.util.List;
import java.util.stream.Stream;

/// The configuration space of a function, what is where in it: of a whole one, or of as much as a
/// dump has of it.
public sealed interface SpaceReport permits InspectReport, PartialReport {
  /// Where the function was read.
  Origin origin();

  /// The standard list, as far as it can be followed.
  List<CapabilityReport> capabilities();

  /// The extended list, likewise.
  List<CapabilityReport> extendedCapabilities();

  /// The map for people.
  OccupancyPicture picture();

  /// Prints the map, and what is where.
  void print(Page page, int bytesPerRow, boolean colour);

  /// The capabilities of both lists.
  default List<CapabilityReport> listed() {
    return Stream.concat(capabilities().stream(), extendedCapabilities().stream()).toList();
  }
}
