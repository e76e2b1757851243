package io.vpasid.guest.report;

import io.vpasid.pci.PciId;
import io.vpasid.synth.quirk.Quirk;
import io.vpasid.synth.quirk.QuirkMatch;
import io.vpasid.synth.quirk.QuirkTable;
import io.vpasid.synth.quirk.QuirkTable.NearMiss;
import java.util.List;

/// The quirks that may be about a device of which no more is known than its ids.
///
/// @param name of the device, from pci.ids; empty if that does not have it
/// @param entries those that name it, then those of its vendor, then those of any vendor that may
///   be about it
/// @param others those that the user named and that are about another device
public record DeviceQuirks(PciId id, String name, List<Quirk> entries, List<NearMiss> others) {

  private record Document(String id, List<QuirkJson> entries, List<QuirkJson.Miss> notAboutIt) {}

  public static DeviceQuirks of(PciId id, String name, QuirkTable table) {
    return new DeviceQuirks(id, name, table.naming(id), table.namedFor(id));
  }

  public void print(Page page) {
    page.line((id + " " + name).strip());
    print(page, "entries", entries.stream().filter(DeviceQuirks::namesVendor).toList());
    if (entries.stream().noneMatch(DeviceQuirks::namesVendor)) {
      page.entry("entries", "none names this device");
    }
    print(page, "any vendor", entries.stream().filter(q -> !namesVendor(q)).toList());
    page.entries("not about it", others.stream().map(QuirkReport::named).toList());
    page.entry(
        "note", "by its ids alone; a dump tells which of the conditions hold, and the place");
    page.blank();
  }

  private static void print(Page page, String first, List<Quirk> quirks) {
    String label = first;
    for (Quirk quirk : quirks) {
      QuirkReport report = new QuirkReport(quirk);
      page.entry(label, QuirkReport.named(quirk) + ", " + quirk.name());
      quirk.matches().forEach(match -> page.entry("", "  if " + match + ": " + report.effects()));
      label = "";
    }
  }

  private static boolean namesVendor(Quirk quirk) {
    return quirk.matches().stream().anyMatch(m -> m.vendor() != QuirkMatch.ANY);
  }

  /// The same for [Json].
  public Object json() {
    return new Document(
        id.toString(), entries.stream().map(QuirkJson::of).toList(), QuirkJson.Miss.of(others));
  }
}
