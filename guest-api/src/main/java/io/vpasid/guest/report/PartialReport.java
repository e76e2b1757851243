package io.vpasid.guest.report;

import io.vpasid.pci.ByteRange;
import io.vpasid.pci.PartialSpace;
import io.vpasid.pci.capability.Capability;
import io.vpasid.pci.capability.CapabilityChain;
import io.vpasid.pci.dump.IncompleteFunction;
import io.vpasid.pci.occupancy.OccupancyMap;
import io.vpasid.pci.occupancy.Use;
import java.io.PrintWriter;
import java.util.List;
import java.util.Map;

/// What `inspect` says of a function of which a dump has not all bytes.
///
/// @param function the function as it was read
/// @param chain its capabilities, as far as the lists can be followed
/// @param map who owns its bytes, and which are not in the dump
public record PartialReport(IncompleteFunction function, CapabilityChain chain, OccupancyMap map) {

  private static final String UNDECIDED = "no vPASID: any byte that is not in the dump may be live";

  public static PartialReport of(IncompleteFunction function) {
    PartialSpace present = function.present();
    CapabilityChain chain = CapabilityChain.walk(present);
    OccupancyMap.Builder map = OccupancyMap.builder(present.size());
    for (ByteRange range : present.missing()) {
      map.claim(range, Use.NOT_IN_DUMP, "not in the dump");
    }
    return new PartialReport(
        function, chain, map.listed(chain).nonZero(present.withZeros()).build());
  }

  private String counts() {
    return function.present()
        + " are in the dump; "
        + chain.standard().size()
        + " standard and "
        + chain.extended().size()
        + " extended capabilities found";
  }

  public OccupancyPicture picture() {
    return OccupancyPicture.of(map)
        .titled(
            function.description(), function.address() + " \u00b7 " + counts(), function.problem());
  }

  public void print(PrintWriter out, int bytesPerRow, boolean colour) {
    OccupancyPicture picture = picture();
    out.printf("%s %s %s%n", function.address(), function.id(), function.description());
    out.println(counts());
    out.println(function);
    out.println(UNDECIDED);
    out.println();
    out.print(picture.text(bytesPerRow, colour).replace("\n", System.lineSeparator()));
    InspectReport.printCapabilities(out, picture, chain, _ -> "");
    out.printf("%n     %-11s  %6s%n", "not in dump", "bytes");
    for (ByteRange range : function.present().missing()) {
      out.printf("     %-11s  %6d%n", range, range.length());
    }
    InspectReport.printAnomalies(out, chain);
    out.println();
  }

  public Map<String, Object> toJson() {
    Map<String, Object> document = Json.object();
    document.put("function", function.address().toString());
    document.put("id", function.id().toString());
    document.put("description", function.description());
    document.put("bytes", function.present().size());
    document.put("bytesInDump", function.present().known());
    document.put("problem", function.toString());
    document.put("notInDump", function.present().missing().stream().map(Json::range).toList());
    document.put("capabilities", toJson(chain.standard()));
    document.put("extendedCapabilities", toJson(chain.extended()));
    document.put("anomalies", chain.anomalies().stream().map(InspectReport::toJson).toList());
    return document;
  }

  private static List<Map<String, Object>> toJson(List<Capability> capabilities) {
    return capabilities.stream().map(c -> InspectReport.toJson(c, false)).toList();
  }
}
