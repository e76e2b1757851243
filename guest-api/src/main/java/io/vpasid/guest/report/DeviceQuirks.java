package io.vpasid.guest.report;

import io.vpasid.pci.PciId;
import io.vpasid.synth.quirk.Quirk;
import io.vpasid.synth.quirk.QuirkTable;
import io.vpasid.synth.quirk.QuirkTable.NearMiss;
import java.io.PrintWriter;
import java.util.List;

/// The quirks that may be about a device of which no more is known than its ids.
///
/// @param name of the device, from pci.ids; empty if that does not have it
/// @param entries those that name it, or any device that meets their other conditions
/// @param others those that the user named and that are about another device
public record DeviceQuirks(PciId id, String name, List<Quirk> entries, List<NearMiss> others) {

  private record Miss(String id, String why) {}

  private record Document(String id, List<QuirkJson> entries, List<Miss> notAboutIt) {}

  public static DeviceQuirks of(PciId id, String name, QuirkTable table) {
    return new DeviceQuirks(id, name, table.naming(id), table.namedFor(id));
  }

  public void print(PrintWriter out) {
    out.println((id + " " + name).strip());
    String label = "entries";
    for (Quirk quirk : entries) {
      QuirkReport report = new QuirkReport(quirk);
      QuirkReport.line(out, label, QuirkReport.named(quirk) + ", " + quirk.name());
      quirk
          .matches()
          .forEach(match -> QuirkReport.line(out, "", "  if " + match + ": " + report.effects()));
      label = "";
    }
    if (entries.isEmpty()) {
      QuirkReport.line(out, label, "none names this device");
    }
    label = "not about it";
    for (NearMiss miss : others) {
      QuirkReport.line(out, label, QuirkReport.named(miss.quirk()) + ": " + miss.why());
      label = "";
    }
    QuirkReport.line(
        out, "note", "by its ids alone; a dump tells which of the conditions hold, and the place");
    out.println();
  }

  /// The same for [Json].
  public Object json() {
    return new Document(
        id.toString(),
        entries.stream().map(QuirkJson::of).toList(),
        others.stream().map(miss -> new Miss(miss.quirk().id(), miss.why())).toList());
  }
}
