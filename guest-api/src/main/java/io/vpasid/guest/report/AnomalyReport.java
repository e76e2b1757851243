package io.vpasid.guest.report;

import io.vpasid.pci.capability.Anomaly;
import io.vpasid.pci.capability.CapabilityChain;
import java.util.List;

/// Something odd in the lists of capabilities.
///
/// @param text the same for people
record AnomalyReport(Anomaly.Kind kind, Hex offset, String text) {

  static List<AnomalyReport> of(CapabilityChain chain) {
    return chain.anomalies().stream()
        .map(a -> new AnomalyReport(a.kind(), new Hex(a.offset()), a.toString()))
        .toList();
  }

  static void print(Page page, List<AnomalyReport> anomalies) {
    if (!anomalies.isEmpty()) {
      page.blank();
      page.line("odd");
      anomalies.forEach(a -> page.item("  ", a.text));
    }
  }
}
