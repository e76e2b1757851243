package io.vpasid.pci.emulation;

import static io.vpasid.pci.emulation.Condition.any;
import static io.vpasid.pci.emulation.Condition.bit;
import static io.vpasid.pci.emulation.Conditions.BRIDGE;
import static io.vpasid.pci.emulation.Conditions.DOWNSTREAM;
import static io.vpasid.pci.emulation.Conditions.ENDPOINT;
import static io.vpasid.pci.emulation.Conditions.FLIT_MODE;
import static io.vpasid.pci.emulation.Conditions.LINK;
import static io.vpasid.pci.emulation.Conditions.PHYSICAL;
import static io.vpasid.pci.emulation.Conditions.ROOT;
import static io.vpasid.pci.emulation.Conditions.ROOT_PORT;
import static io.vpasid.pci.emulation.Conditions.ROUTING;
import static io.vpasid.pci.emulation.Field.reset;
import static io.vpasid.pci.emulation.Field.ro;
import static io.vpasid.pci.emulation.Field.rw;
import static io.vpasid.pci.emulation.Field.rw1c;
import static io.vpasid.pci.emulation.Field.rw1cs;
import static io.vpasid.pci.emulation.Field.rws;
import static io.vpasid.pci.emulation.Field.status;
import static io.vpasid.pci.emulation.Register.register;
import static io.vpasid.pci.emulation.RegisterTable.table;

import java.util.ArrayList;
import java.util.List;

/// The registers of the standard capabilities: see [RegisterTables] for how to read them.
final class StandardRegisters {

  private static final Condition PME = any(0x00, 31, 27);

  /// ```text
  ///         31         24 23        16 15 14  13 12       9  8 7     4 3 2 1   0
  ///  +0x04 |    Data     | extensions |PS|Scale|Data_Select|PE| rsvd  |N|r|State|
  /// ```
  ///
  /// PS PME_Status, PE PME_En, N No_Soft_Reset.
  static final RegisterTable POWER_MANAGEMENT =
      table(
          "§7.5.2",
          register(
                  0x04,
                  "PMCSR §7.5.2.2",
                  rw(1, 0, "PowerState"),
                  rws(8, "PME_En").when(PME),
                  rw1cs(15, "PME_Status").when(PME))
              .rule(WriteRules::powerState)
              .resetWhen(WriteRules::powerUp));

  static final RegisterTable AGP =
      table(
          "AGP 3.0 §6.1",
          register(
              0x08,
              "AGP Command",
              rw(2, 0, "Data Rate"),
              rw(4, "Fast Write Enable").when(bit(0x04, 4)),
              rw(5, "Over 4G Enable").when(bit(0x04, 5)),
              rw(8, "AGP Enable"),
              rw(9, "Side Band Addressing Enable").when(bit(0x04, 9)),
              rw(12, 10, "Calibration Cycle").when(bit(0x04, 3)),
              rw(15, 13, "Async Request Size").when(bit(0x04, 3)),
              rw(31, 24, "Request Queue Depth")));

  static final RegisterTable VPD =
      table(
          "§7.9.18",
          register(0x02, "VPD Address", rw(14, 0, "VPD Address"), rw(15, "F"))
              .rule(_ -> WriteRules.VPD_TRANSFER),
          register(0x04, "VPD Data", rw(31, 0, "VPD Data")));

  private static final Condition MSI_64 = bit(0x00, 23);
  private static final Condition MSI_32 = MSI_64.negate();
  private static final Condition MSI_MASKING = bit(0x00, 24);
  private static final Condition MSI_EXTENDED_DATA = bit(0x00, 25);

  /// True of a function with more than 2^n vectors.
  private static Condition msiVectorsAbove(int n) {
    return at -> at.bits(0x00, 19, 17) > n;
  }

  private static Register messageData(int offset) {
    return register(
        offset,
        "Message Data §7.7.1.5",
        rw(15, 0, "Message Data"),
        rw(31, 16, "Extended Message Data").when(MSI_EXTENDED_DATA));
  }

  private static Register maskBits(int offset) {
    return register(
            offset,
            "Mask Bits §7.7.1.7",
            rw(0, "vector 0"),
            rw(1, "vector 1").when(msiVectorsAbove(0)),
            rw(3, 2, "vectors 2 and 3").when(msiVectorsAbove(1)),
            rw(7, 4, "vectors 4 to 7").when(msiVectorsAbove(2)),
            rw(15, 8, "vectors 8 to 15").when(msiVectorsAbove(3)),
            rw(31, 16, "vectors 16 to 31").when(msiVectorsAbove(4)))
        .when(MSI_MASKING);
  }

  private static Register pendingBits(int offset) {
    return register(offset, "Pending Bits §7.7.1.8", status(31, 0, "Pending Bits"))
        .when(MSI_MASKING);
  }

  /// ```text
  ///         31  27 26 25 24 23 22  20 19  17 16 15        8 7         0
  ///  +0x00 | rsvd |EE|EC|PV|64| MME  | MMC  | E|   next    |    05h    |
  ///  +0x04 |                    Message Address                   | 0 |
  ///  +0x08 |                 Message Upper Address                    |  with 64 only
  ///  +0x0c |  Extended Message Data   |          Message Data         |
  ///  +0x10 |                        Mask Bits                         |  with PV only
  ///  +0x14 |                       Pending Bits                       |  with PV only
  /// ```
  ///
  /// E MSI Enable, MMC and MME Multiple Message Capable and Enable, 64 64-bit Address Capable, PV
  /// Per-Vector Masking Capable, EC and EE Extended Message Data Capable and Enable. Without 64 all
  /// from the data on lies 4 bytes lower.
  static final RegisterTable MSI =
      table(
          "§7.7.1",
          register(
                  0x02,
                  "Message Control §7.7.1.2",
                  rw(0, "MSI Enable"),
                  rw(6, 4, "Multiple Message Enable"),
                  rw(10, "Extended Message Data Enable").when(MSI_EXTENDED_DATA))
              .rule(_ -> WriteRules.MULTIPLE_MESSAGES),
          register(0x04, "Message Address §7.7.1.3", rw(31, 2, "Message Address")),
          messageData(0x08).when(MSI_32),
          maskBits(0x0c).when(MSI_32),
          pendingBits(0x10).when(MSI_32),
          register(0x08, "Message Upper Address §7.7.1.4", rw(31, 0, "Message Upper Address"))
              .when(MSI_64),
          messageData(0x0c).when(MSI_64),
          maskBits(0x10).when(MSI_64),
          pendingBits(0x14).when(MSI_64));

  static final RegisterTable PCI_X =
      table(
          "PCI-X 2.0a §7.2, §8.6",
          register(
                  0x02,
                  "PCI-X Command",
                  rw(0, "Data Parity Error Recovery Enable"),
                  rw(1, "Enable Relaxed Ordering").initially(1),
                  rw(3, 2, "Maximum Memory Read Byte Count"),
                  rw(6, 4, "Maximum Outstanding Split Transactions").initiallyAsCaptured())
              .when(BRIDGE.negate()),
          register(
                  0x04,
                  "PCI-X Status",
                  rw1c(18, "Split Completion Discarded"),
                  rw1c(19, "Unexpected Split Completion"),
                  rw1c(29, "Received Split Completion Error Message"))
              .when(BRIDGE.negate()),
          register(
                  0x02,
                  "PCI-X Secondary Status",
                  rw1c(2, "Split Completion Discarded"),
                  rw1c(3, "Unexpected Split Completion"),
                  rw1c(4, "Split Completion Overrun"),
                  rw1c(5, "Split Request Delayed"))
              .when(BRIDGE),
          register(
                  0x04,
                  "PCI-X Bridge Status",
                  rw1c(18, "Split Completion Discarded"),
                  rw1c(19, "Unexpected Split Completion"),
                  rw1c(20, "Split Completion Overrun"),
                  rw1c(21, "Split Request Delayed"))
              .when(BRIDGE),
          register(
                  0x08,
                  "Upstream Split Transaction Control",
                  rw(31, 16, "Split Transaction Commitment Limit").initiallyAsCaptured())
              .when(BRIDGE),
          register(
                  0x0c,
                  "Downstream Split Transaction Control",
                  rw(31, 16, "Split Transaction Commitment Limit").initiallyAsCaptured())
              .when(BRIDGE));

  static final RegisterTable HYPERTRANSPORT =
      table(
          "HyperTransport 3.10 §7.12",
          register(0x02, "MSI Mapping", rw(0, "Enable").initiallyAsCaptured())
              .when(at -> at.bits(0x00, 31, 27) == 0b10101));

  private static final Condition FLR = bit(0x04, 28);
  private static final Condition SLOT = DOWNSTREAM.and(bit(0x00, 24));
  private static final Condition BANDWIDTH_NOTIFICATION = DOWNSTREAM.and(bit(0x0c, 21));
  private static final Condition DRS = DOWNSTREAM.and(bit(0x2c, 31));
  private static final Condition ABOVE_2_5GT =
      LINK.and(PHYSICAL).and(at -> at.bits(0x0c, 3, 0) > 1);

  /// ```text
  ///         31                          16 15                           0
  ///  +0x00 | PCI Express Capabilities     |     next      |     10h      |
  ///  +0x04 |                     Device Capabilities                     |
  ///  +0x08 |        Device Status         |        Device Control        |
  ///  +0x0c |                      Link Capabilities                      |
  ///  +0x10 |         Link Status          |         Link Control         |
  ///  +0x14 |                      Slot Capabilities                      |
  ///  +0x18 |         Slot Status          |         Slot Control         |
  ///  +0x1c |      Root Capabilities       |         Root Control         |
  ///  +0x20 |                         Root Status                         |
  ///  +0x24 |                    Device Capabilities 2                    |
  ///  +0x28 |       Device Status 2        |       Device Control 2       |
  ///  +0x2c |                     Link Capabilities 2                     |
  ///  +0x30 |        Link Status 2         |        Link Control 2        |
  ///
  ///  Device Control  15 14  12 11 10  9  8 7   5  4  3  2  1  0
  ///                 |FL| MRRS |NS|AP|PF|ET| MPS |RO|UR|FE|NF|CE|   FL function-level reset
  /// ```
  static final RegisterTable PCI_EXPRESS =
      table(
          "§7.5.3",
          register(
              0x08,
              "Device Control §7.5.3.4",
              rw(0, "Correctable Error Reporting Enable").when(PHYSICAL),
              rw(1, "Non-Fatal Error Reporting Enable").when(PHYSICAL),
              rw(2, "Fatal Error Reporting Enable").when(PHYSICAL),
              rw(3, "Unsupported Request Reporting Enable").when(PHYSICAL),
              rw(4, "Enable Relaxed Ordering").initially(1).when(PHYSICAL),
              rw(7, 5, "Max_Payload_Size").keptByReset().when(PHYSICAL.and(any(0x04, 2, 0))),
              rw(8, "Extended Tag Field Enable").when(PHYSICAL.and(bit(0x04, 5))),
              rw(9, "Phantom Functions Enable").when(PHYSICAL.and(any(0x04, 4, 3))),
              rws(10, "Aux Power PM Enable").when(PHYSICAL),
              rw(11, "Enable No Snoop").initially(1).when(PHYSICAL),
              rw(14, 12, "Max_Read_Request_Size").initially(0b010).when(PHYSICAL),
              reset(15, "Initiate Function Level Reset").when(ENDPOINT.and(FLR)),
              rw(15, "Bridge Configuration Retry Enable")
                  .when(at -> at.function().isExpressToPciBridge())),
          register(
              0x0a,
              "Device Status §7.5.3.5",
              rw1c(0, "Correctable Error Detected"),
              rw1c(1, "Non-Fatal Error Detected"),
              rw1c(2, "Fatal Error Detected"),
              rw1c(3, "Unsupported Request Detected"),
              status(5, "Transactions Pending"),
              rw1c(6, "Emergency Power Reduction Detected").when(PHYSICAL.and(any(0x24, 25, 24)))),
          register(
                  0x10,
                  "Link Control §7.5.3.7",
                  rw(1, 0, "ASPM Control").keptByReset().when(PHYSICAL),
                  rw(3, "Read Completion Boundary")
                      .keptByReset()
                      .when(PHYSICAL.and(ROUTING.negate())),
                  ro(3, "Read Completion Boundary").when(ROOT_PORT),
                  rw(4, "Link Disable").when(DOWNSTREAM),
                  rw(6, "Common Clock Configuration").keptByReset().when(PHYSICAL),
                  rw(7, "Extended Synch").keptByReset().when(PHYSICAL),
                  rw(8, "Enable Clock Power Management")
                      .keptByReset()
                      .when(PHYSICAL.and(bit(0x0c, 18))),
                  rw(9, "Hardware Autonomous Width Disable").keptByReset().when(PHYSICAL),
                  rw(10, "Link Bandwidth Management Interrupt Enable").when(BANDWIDTH_NOTIFICATION),
                  rw(11, "Link Autonomous Bandwidth Interrupt Enable").when(BANDWIDTH_NOTIFICATION),
                  rw(12, "SRIS Clocking").when(DOWNSTREAM.and(FLIT_MODE)),
                  rw(13, "Flit Mode Disable").when(DOWNSTREAM.and(FLIT_MODE)),
                  rw(15, 14, "DRS Signaling Control").when(DRS))
              .when(LINK),
          register(
                  0x12,
                  "Link Status §7.5.3.8",
                  status(11, "Link Training"),
                  rw1c(14, "Link Bandwidth Management Status").when(BANDWIDTH_NOTIFICATION),
                  rw1c(15, "Link Autonomous Bandwidth Status").when(BANDWIDTH_NOTIFICATION))
              .when(LINK),
          register(
                  0x18,
                  "Slot Control §7.5.3.10",
                  rw(0, "Attention Button Pressed Enable").when(bit(0x14, 0)),
                  rw(1, "Power Fault Detected Enable").when(bit(0x14, 1)),
                  rw(2, "MRL Sensor Changed Enable").when(bit(0x14, 2)),
                  rw(3, "Presence Detect Changed Enable").when(bit(0x14, 6)),
                  rw(4, "Command Completed Interrupt Enable").when(bit(0x14, 18).negate()),
                  rw(5, "Hot-Plug Interrupt Enable").when(bit(0x14, 6)),
                  rw(7, 6, "Attention Indicator Control").initially(0b11).when(bit(0x14, 3)),
                  rw(9, 8, "Power Indicator Control").initially(0b11).when(bit(0x14, 4)),
                  rw(10, "Power Controller Control").when(bit(0x14, 1)),
                  rw(12, "Data Link Layer State Changed Enable").when(bit(0x0c, 20)),
                  rw(13, "Auto Slot Power Limit Disable"),
                  rw(14, "In-Band PD Disable").when(bit(0x34, 0)))
              .when(SLOT),
          register(
                  0x1a,
                  "Slot Status §7.5.3.11",
                  rw1c(0, "Attention Button Pressed"),
                  rw1c(1, "Power Fault Detected"),
                  rw1c(2, "MRL Sensor Changed"),
                  rw1c(3, "Presence Detect Changed"),
                  rw1c(4, "Command Completed"),
                  rw1c(8, "Data Link Layer State Changed"))
              .when(SLOT),
          register(
                  0x1c,
                  "Root Control §7.5.3.12",
                  rw(0, "System Error on Correctable Error Enable"),
                  rw(1, "System Error on Non-Fatal Error Enable"),
                  rw(2, "System Error on Fatal Error Enable"),
                  rw(3, "PME Interrupt Enable"),
                  rw(4, "Configuration RRS Software Visibility Enable").when(bit(0x1c, 16)))
              .when(ROOT),
          register(0x20, "Root Status §7.5.3.14", rw1c(16, "PME Status"), status(17, "PME Pending"))
              .when(ROOT),
          register(
              0x28,
              "Device Control 2 §7.5.3.16",
              rw(3, 0, "Completion Timeout Value").when(PHYSICAL.and(any(0x24, 3, 0))),
              rw(4, "Completion Timeout Disable").when(PHYSICAL.and(bit(0x24, 4))),
              rw(5, "ARI Forwarding Enable").when(DOWNSTREAM.and(bit(0x24, 5))),
              rw(6, "AtomicOp Requester Enable").when(PHYSICAL.and(ENDPOINT.or(ROOT_PORT))),
              rw(7, "AtomicOp Egress Blocking").when(ROUTING.and(bit(0x24, 6))),
              rw(8, "IDO Request Enable").when(PHYSICAL.and(ENDPOINT.or(ROOT_PORT))),
              rw(9, "IDO Completion Enable").when(PHYSICAL.and(ENDPOINT.or(ROOT_PORT))),
              rw(10, "LTR Mechanism Enable").when(bit(0x24, 11)),
              rw(11, "Emergency Power Reduction Request").when(PHYSICAL.and(any(0x24, 25, 24))),
              rw(12, "10-Bit Tag Requester Enable").when(PHYSICAL.and(bit(0x24, 17))),
              rw(14, 13, "OBFF Enable").when(any(0x24, 19, 18)),
              rw(15, "End-End TLP Prefix Blocking").when(ROUTING.and(bit(0x24, 21)))),
          register(
                  0x30,
                  "Link Control 2 §7.5.3.19",
                  rws(3, 0, "Target Link Speed")
                      .initially((at, _) -> at.bits(0x0c, 3, 0))
                      .when(ABOVE_2_5GT),
                  rws(4, "Enter Compliance").when(ABOVE_2_5GT),
                  rws(5, "Hardware Autonomous Speed Disable").when(ABOVE_2_5GT),
                  rws(9, 7, "Transmit Margin").when(ABOVE_2_5GT),
                  rws(10, "Enter Modified Compliance").when(ABOVE_2_5GT),
                  rws(11, "Compliance SOS").when(ABOVE_2_5GT),
                  rws(15, 12, "Compliance Preset/De-emphasis").when(ABOVE_2_5GT))
              .when(LINK),
          register(
                  0x32,
                  "Link Status 2 §7.5.3.20",
                  rw1cs(5, "Link Equalization Request 8.0 GT/s"),
                  rw1c(15, "DRS Message Received").when(DRS))
              .when(LINK));

  /// ```text
  ///         31 30 29  27 26          16 15        8 7         0
  ///  +0x00 | E| M| rsvd |  Table Size  |   next    |    11h    |   E MSI-X Enable, M Function Mask
  ///  +0x04 |                  Table Offset               | BIR |
  ///  +0x08 |                   PBA Offset                | BIR |
  /// ```
  static final RegisterTable MSI_X =
      table(
          "§7.7.2",
          register(
              0x02, "Message Control §7.7.2.2", rw(14, "Function Mask"), rw(15, "MSI-X Enable")));

  static final RegisterTable ADVANCED_FEATURES =
      table(
          "§7.9.21",
          register(0x04, "AF Control", reset(0, "Initiate FLR").when(bit(0x00, 25))),
          register(0x05, "AF Status", status(0, "Transactions Pending")));

  static final RegisterTable ENHANCED_ALLOCATION =
      table("§7.8.5").computed(StandardRegisters::allocations);

  /// Each entry says how long it is; base and limit are writable if it says so.
  private static List<Register> allocations(RegisterBlock at) {
    List<Register> registers = new ArrayList<>();
    int entry = at.function().isBridge() ? 8 : 4;
    for (int i = 0; i < at.bits(0x00, 21, 16); i++) {
      registers.add(
          register(entry, "First DW of Entry §7.8.5.3", rw(31, "Enable").initiallyAsCaptured()));
      boolean isWritable = at.bit(entry, 30);
      int dwords = at.bits(entry, 2, 0);
      for (int n = 1; n <= Math.min(dwords, 4) && isWritable; n++) {
        int low = n <= 2 ? 2 : 0;
        registers.add(
            register(
                entry + 4 * n,
                "Base and MaxOffset §7.8.5.3",
                rw(31, low, "Field").initiallyAsCaptured()));
      }
      entry += 4 + 4 * dwords;
    }
    return registers;
  }

  private StandardRegisters() {}
}
