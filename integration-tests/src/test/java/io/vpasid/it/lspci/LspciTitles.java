package io.vpasid.it.lspci;

import io.vpasid.pci.capability.CapabilityId;
import java.util.LinkedHashMap;
import java.util.Map;

/// Which capability lspci means by a title. It prints the ids that it has no title for.
final class LspciTitles {
  private static final String STANDARD_ID = "Capability ID ";
  private static final String EXTENDED_ID = "Extended Capability ID ";

  private static final Map<String, Integer> STANDARD = new LinkedHashMap<>();
  private static final Map<String, Integer> EXTENDED = new LinkedHashMap<>();

  static {
    STANDARD.put("Null", 0x00);
    STANDARD.put("Power Management version ", 0x01);
    STANDARD.put("AGP version ", 0x02);
    STANDARD.put("Vital Product Data", 0x03);
    STANDARD.put("Slot ID: ", 0x04);
    STANDARD.put("MSI: ", 0x05);
    STANDARD.put("CompactPCI hot-swap", 0x06);
    STANDARD.put("PCI-X ", 0x07);
    STANDARD.put("HyperTransport: ", 0x08);
    STANDARD.put("Vendor Specific Information: ", 0x09);
    STANDARD.put("VirtIO: ", 0x09);
    STANDARD.put("Debug port: ", 0x0a);
    STANDARD.put("Hot-plug capable", 0x0c);
    STANDARD.put("Subsystem: ", 0x0d);
    STANDARD.put("Secure device", 0x0f);
    STANDARD.put("Express ", 0x10);
    STANDARD.put("MSI-X: ", 0x11);
    STANDARD.put("SATA HBA ", 0x12);
    STANDARD.put("PCI Advanced Features", 0x13);
    STANDARD.put("Enhanced Allocation", 0x14);

    EXTENDED.put("Null", 0x00);
    EXTENDED.put("Advanced Error Reporting", 0x01);
    EXTENDED.put("Virtual Channel", 0x02);
    EXTENDED.put("Device Serial Number ", 0x03);
    EXTENDED.put("Power Budgeting", 0x04);
    EXTENDED.put("Root Complex Link", 0x05);
    EXTENDED.put("Root Complex Internal Link", 0x06);
    EXTENDED.put("Root Complex Event Collector Endpoint Association", 0x07);
    EXTENDED.put("Multi-Function Virtual Channel", 0x08);
    EXTENDED.put("Vendor Specific Information: ", 0x0b);
    EXTENDED.put("Access Control Services", 0x0d);
    EXTENDED.put("Alternative Routing-ID Interpretation", 0x0e);
    EXTENDED.put("Address Translation Service", 0x0f);
    EXTENDED.put("Single Root I/O Virtualization", 0x10);
    EXTENDED.put("Multicast", 0x12);
    EXTENDED.put("Page Request Interface", 0x13);
    EXTENDED.put("Physical Resizable BAR", 0x15);
    EXTENDED.put("Transaction Processing Hints", 0x17);
    EXTENDED.put("Latency Tolerance Reporting", 0x18);
    EXTENDED.put("Secondary PCI Express", 0x19);
    EXTENDED.put("Process Address Space ID", 0x1b);
    EXTENDED.put("Downstream Port Containment", 0x1d);
    EXTENDED.put("L1 PM Substates", 0x1e);
    EXTENDED.put("Precision Time Measurement", 0x1f);
    EXTENDED.put("Designated Vendor-Specific: ", 0x23);
    EXTENDED.put("Data Link Feature", 0x25);
    EXTENDED.put("Physical Layer 16.0 GT/s", 0x26);
    EXTENDED.put("Lane Margining at the Receiver", 0x27);
    EXTENDED.put("Physical Layer 32.0 GT/s", 0x2a);
    EXTENDED.put("Data Object Exchange", 0x2e);
    EXTENDED.put("Device 3", 0x2f);
    EXTENDED.put("Integrity & Data Encryption", 0x30);
  }

  private LspciTitles() {}

  /// The capability that is shown; one with two ids, such as Virtual Channel, under the first.
  static CapabilityId idOf(Lspci.Shown shown) {
    Map<String, Integer> titles = shown.isExtended() ? EXTENDED : STANDARD;
    String untitled = shown.isExtended() ? EXTENDED_ID : STANDARD_ID;
    int id = -1;
    if (shown.title().startsWith(untitled)) {
      id = Integer.decode(shown.title().substring(untitled.length()).split(" ", 2)[0]);
    }
    for (Map.Entry<String, Integer> title : titles.entrySet()) {
      if (shown.title().startsWith(title.getKey())) {
        id = title.getValue();
      }
    }
    if (id < 0) {
      throw new AssertionError("no capability is known to have the title " + shown.title());
    }
    return shown.isExtended() ? CapabilityId.extended(id) : CapabilityId.standard(id);
  }
}
