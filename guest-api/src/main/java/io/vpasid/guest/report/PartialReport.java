package io.vpasid.guest.report;

import com.fasterxml.jackson.annotation.JsonIgnore;
import com.fasterxml.jackson.annotation.JsonUnwrapped;
import io.vpasid.pci.ByteRange;
import io.vpasid.pci.PartialSpace;
import io.vpasid.pci.PciAddress;
import io.vpasid.pci.PciId;
import io.vpasid.pci.capability.CapabilityChain;
import io.vpasid.pci.dump.IncompleteFunction;
import io.vpasid.pci.occupancy.OccupancyMap;
import io.vpasid.pci.occupancy.Use;
import java.util.List;

/// A function of which a dump has not all bytes.
///
/// @param origin where the function was read
/// @param bytes size of its configuration space
/// @param problem what is missing, in a sentence
/// @param capabilities as far as the lists can be followed
/// @param counts what of it is there, in a line
/// @param picture who owns its bytes, and which are not in the dump
public record PartialReport(
    @JsonUnwrapped Origin origin,
    PciAddress function,
    PciId id,
    String description,
    int bytes,
    int bytesInDump,
    String problem,
    List<Bytes> notInDump,
    List<CapabilityReport> capabilities,
    List<CapabilityReport> extendedCapabilities,
    List<AnomalyReport> anomalies,
    @JsonIgnore String counts,
    @JsonIgnore OccupancyPicture picture)
    implements SpaceReport {

  /// A run of bytes.
  record Bytes(Hex offset, int length) {}

  public static PartialReport of(IncompleteFunction function) {
    PartialSpace present = function.present();
    CapabilityChain chain = CapabilityChain.walk(present);
    OccupancyMap.Builder map = OccupancyMap.builder(present.size());
    for (ByteRange range : present.missing()) {
      map.claim(range, Use.NOT_IN_DUMP, "not in the dump");
    }
    String counts =
        "%s are in the dump; %d standard and %d extended capabilities found"
            .formatted(present, chain.standard().size(), chain.extended().size());
    return new PartialReport(
        Origin.of(function),
        function.address(),
        function.id(),
        function.description(),
        present.size(),
        present.known(),
        function.toString(),
        present.missing().stream().map(r -> new Bytes(new Hex(r.offset()), r.length())).toList(),
        CapabilityReport.of(chain.standard(), _ -> false),
        CapabilityReport.of(chain.extended(), _ -> false),
        AnomalyReport.of(chain),
        counts,
        OccupancyPicture.of(map.listed(chain).nonZero(present.withZeros()).build())
            .titled(
                function.description(),
                function.address() + " \u00b7 " + counts,
                function.problem()));
  }

  @Override
  public void print(Page page, int bytesPerRow, boolean colour) {
    page.line(function + " " + id + " " + description);
    page.line(counts);
    page.line(problem);
    page.line("no vPASID: any byte that is not in the dump may be live");
    page.blank();
    picture.print(page, bytesPerRow, colour);
    CapabilityReport.print(page, picture, "capability", listed(), "");
    page.blank();
    page.out().printf("     %-11s  %6s%n", "not in dump", "bytes");
    notInDump.forEach(b ->
        page.out()
            .printf("     %-11s  %6d%n", new ByteRange(b.offset.value(), b.length), b.length));
    AnomalyReport.print(page, anomalies);
    page.blank();
  }
}
