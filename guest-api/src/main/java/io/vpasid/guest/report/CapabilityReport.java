package io.vpasid.guest.report;

import com.fasterxml.jackson.annotation.JsonIgnore;
import io.vpasid.pci.capability.Capability;
import java.util.List;
import java.util.Locale;
import java.util.function.Predicate;

/// A capability of a function.
///
/// @param lengthIsLowerBound more bytes may belong to it
/// @param hidden vfio-pci hides it
/// @param capability itself
record CapabilityReport(
    Hex id,
    String name,
    int version,
    Hex offset,
    int length,
    boolean lengthIsLowerBound,
    Hex next,
    boolean hidden,
    @JsonIgnore Capability capability) {

  static List<CapabilityReport> of(List<Capability> capabilities, Predicate<Capability> hidden) {
    return capabilities.stream()
        .map(c ->
            new CapabilityReport(
                new Hex(c.id().value()),
                c.id().title(),
                c.version(),
                new Hex(c.offset()),
                c.extent().range().length(),
                c.extent().isLowerBound(),
                new Hex(c.next()),
                hidden.test(c),
                c))
        .toList();
  }

  /// Prints a table, or nothing where there are none.
  ///
  /// @param title of the first column
  /// @param remark what to say behind the name of each
  static void print(
      Page page,
      OccupancyPicture picture,
      String title,
      List<CapabilityReport> capabilities,
      String remark) {
    if (capabilities.isEmpty()) {
      return;
    }
    page.blank();
    page.out().printf("     %-11s  %6s  %7s%n", title, "bytes", "version");
    for (CapabilityReport c : capabilities) {
      page.item(
          String.format(
              Locale.ROOT,
              "  %c  %-11s  %6s  %7s  ",
              picture.symbolAt(c.offset.value()),
              c.capability.extent().range(),
              (c.lengthIsLowerBound ? "\u2265" : "") + c.length,
              c.capability.id().isExtended() ? c.version : "-"),
          c.name + (c.hidden ? ", hidden by vfio-pci" : remark));
    }
  }
}
