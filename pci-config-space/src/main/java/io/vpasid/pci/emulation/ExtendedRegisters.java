package io.vpasid.pci.emulation;

import static io.vpasid.pci.emulation.Condition.any;
import static io.vpasid.pci.emulation.Condition.bit;
import static io.vpasid.pci.emulation.Condition.has;
import static io.vpasid.pci.emulation.Condition.other;
import static io.vpasid.pci.emulation.Conditions.ALWAYS;
import static io.vpasid.pci.emulation.Conditions.DOWNSTREAM;
import static io.vpasid.pci.emulation.Conditions.ENDPOINT;
import static io.vpasid.pci.emulation.Conditions.FLIT_MODE;
import static io.vpasid.pci.emulation.Conditions.LINK;
import static io.vpasid.pci.emulation.Conditions.PHYSICAL;
import static io.vpasid.pci.emulation.Conditions.ROOT;
import static io.vpasid.pci.emulation.Conditions.ROOT_PORT;
import static io.vpasid.pci.emulation.Conditions.ROUTING;
import static io.vpasid.pci.emulation.Field.ro;
import static io.vpasid.pci.emulation.Field.rw;
import static io.vpasid.pci.emulation.Field.rw1c;
import static io.vpasid.pci.emulation.Field.rw1cs;
import static io.vpasid.pci.emulation.Field.rws;
import static io.vpasid.pci.emulation.Field.status;
import static io.vpasid.pci.emulation.Register.register;
import static io.vpasid.pci.emulation.RegisterTable.table;

import io.vpasid.pci.capability.CapabilityId;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.IntStream;

/// The registers of the extended capabilities: see [RegisterTables] for how to read them.
final class ExtendedRegisters {

  /// An uncorrectable error, whose bit is the same in the Status, Mask and Severity registers.
  ///
  /// @param isMasked default of its mask
  /// @param isFatal default of its severity
  private record UncorrectableError(
      int bit,
      String name,
      boolean isMasked,
      boolean isFatal,
      Condition condition,
      boolean inVirtualFunctions) {

    Field status() {
      return rw1cs(bit, name + " Status")
          .when(inVirtualFunctions ? condition : condition.and(PHYSICAL));
    }

    Field mask() {
      return rws(bit, name + " Mask").initially(isMasked ? 1 : 0).when(condition.and(PHYSICAL));
    }

    Field severity() {
      return rws(bit, name + " Severity").initially(isFatal ? 1 : 0).when(condition.and(PHYSICAL));
    }
  }

  private static final Condition SURPRISE_DOWN = other(CapabilityId.PCI_EXPRESS, bit(0x0c, 19));
  private static final Condition ATOMIC_EGRESS =
      ROUTING.and(other(CapabilityId.PCI_EXPRESS, bit(0x24, 6)));
  private static final Condition PREFIXES = other(CapabilityId.PCI_EXPRESS, bit(0x24, 21));
  private static final Condition POISONED_EGRESS = other(CapabilityId.DPC, bit(0x04, 6));
  private static final Condition DMWR_ROUTING = other(CapabilityId.DEVICE_3, bit(0x04, 0));
  private static final Condition PCRC = other(CapabilityId.IDE, bit(0x04, 5));

  private static final boolean MASKED = true;
  private static final boolean FATAL = true;
  private static final boolean VF = true;

  /// §7.8.4.2 to §7.8.4.4: bit, name, default of the mask, default of the severity, whether the
  /// function detects it, whether its virtual functions do.
  private static final List<UncorrectableError> UNCORRECTABLE_ERRORS =
      List.of(
          new UncorrectableError(4, "Data Link Protocol Error", !MASKED, FATAL, LINK, !VF),
          new UncorrectableError(5, "Surprise Down Error", !MASKED, FATAL, SURPRISE_DOWN, !VF),
          new UncorrectableError(12, "Poisoned TLP Received", !MASKED, !FATAL, ALWAYS, VF),
          new UncorrectableError(13, "Flow Control Protocol Error", !MASKED, FATAL, LINK, !VF),
          new UncorrectableError(14, "Completion Timeout", !MASKED, !FATAL, ALWAYS, VF),
          new UncorrectableError(15, "Completer Abort", !MASKED, !FATAL, ALWAYS, VF),
          new UncorrectableError(16, "Unexpected Completion", !MASKED, !FATAL, ALWAYS, VF),
          new UncorrectableError(17, "Receiver Overflow", !MASKED, FATAL, LINK, !VF),
          new UncorrectableError(18, "Malformed TLP", !MASKED, FATAL, ALWAYS, !VF),
          new UncorrectableError(19, "ECRC Error", !MASKED, !FATAL, bit(0x18, 7), !VF),
          new UncorrectableError(20, "Unsupported Request Error", !MASKED, !FATAL, ALWAYS, VF),
          new UncorrectableError(21, "ACS Violation", !MASKED, !FATAL, has(CapabilityId.ACS), VF),
          new UncorrectableError(22, "Uncorrectable Internal Error", MASKED, FATAL, ALWAYS, VF),
          new UncorrectableError(
              23, "MC Blocked TLP", !MASKED, !FATAL, has(CapabilityId.MULTICAST), VF),
          new UncorrectableError(
              24, "AtomicOp Egress Blocked", !MASKED, !FATAL, ATOMIC_EGRESS, !VF),
          new UncorrectableError(25, "TLP Prefix Blocked Error", !MASKED, !FATAL, PREFIXES, !VF),
          new UncorrectableError(
              26, "Poisoned TLP Egress Blocked", MASKED, !FATAL, POISONED_EGRESS, !VF),
          new UncorrectableError(
              27, "DMWr Request Egress Blocked", !MASKED, !FATAL, DMWR_ROUTING, !VF),
          new UncorrectableError(
              28, "IDE Check Failed", !MASKED, FATAL, has(CapabilityId.IDE), !VF),
          new UncorrectableError(
              29, "Misrouted IDE TLP", !MASKED, !FATAL, has(CapabilityId.IDE), !VF),
          new UncorrectableError(30, "PCRC Check Failed", !MASKED, !FATAL, PCRC, !VF),
          new UncorrectableError(
              31, "TLP Translation Egress Blocked", !MASKED, !FATAL, ROUTING.and(FLIT_MODE), !VF));

  private static Register uncorrectable(
      int offset, String name, Function<UncorrectableError, Field> field) {
    return register(offset, name, UNCORRECTABLE_ERRORS.stream().map(field).toArray(Field[]::new));
  }

  static final RegisterTable AER =
      table(
              "§7.8.4",
              uncorrectable(
                  0x04, "Uncorrectable Error Status §7.8.4.2", UncorrectableError::status),
              uncorrectable(0x08, "Uncorrectable Error Mask §7.8.4.3", UncorrectableError::mask),
              uncorrectable(
                  0x0c, "Uncorrectable Error Severity §7.8.4.4", UncorrectableError::severity),
              register(
                  0x10,
                  "Correctable Error Status §7.8.4.5",
                  rw1cs(0, "Receiver Error").when(LINK.and(PHYSICAL)),
                  rw1cs(6, "Bad TLP").when(LINK.and(PHYSICAL)),
                  rw1cs(7, "Bad DLLP").when(LINK.and(PHYSICAL)),
                  rw1cs(8, "REPLAY_NUM Rollover").when(LINK.and(PHYSICAL)),
                  rw1cs(12, "Replay Timer Timeout").when(LINK.and(PHYSICAL)),
                  rw1cs(13, "Advisory Non-Fatal Error"),
                  rw1cs(14, "Corrected Internal Error"),
                  rw1cs(15, "Header Log Overflow")),
              register(
                  0x14,
                  "Correctable Error Mask §7.8.4.6",
                  rws(0, "Receiver Error").when(LINK.and(PHYSICAL)),
                  rws(6, "Bad TLP").when(LINK.and(PHYSICAL)),
                  rws(7, "Bad DLLP").when(LINK.and(PHYSICAL)),
                  rws(8, "REPLAY_NUM Rollover").when(LINK.and(PHYSICAL)),
                  rws(12, "Replay Timer Timeout").when(LINK.and(PHYSICAL)),
                  rws(13, "Advisory Non-Fatal Error").initially(1).when(PHYSICAL),
                  rws(14, "Corrected Internal Error").initially(1),
                  rws(15, "Header Log Overflow").initially(1)),
              register(
                  0x18,
                  "Advanced Error Capabilities and Control §7.8.4.7",
                  status(4, 0, "First Error Pointer"),
                  rws(6, "ECRC Generation Enable").when(PHYSICAL.and(bit(0x18, 5))),
                  rws(8, "ECRC Check Enable").when(PHYSICAL.and(bit(0x18, 7))),
                  rws(10, "Multiple Header Recording Enable").when(bit(0x18, 9)),
                  status(11, "TLP Prefix Log Present"),
                  status(18, "Logged TLP was Flit Mode"),
                  status(23, 19, "Logged TLP Size")),
              register(
                      0x2c,
                      "Root Error Command §7.8.4.9",
                      rw(0, "Correctable Error Reporting Enable"),
                      rw(1, "Non-Fatal Error Reporting Enable"),
                      rw(2, "Fatal Error Reporting Enable"))
                  .when(ROOT),
              register(
                      0x30,
                      "Root Error Status §7.8.4.10",
                      rw1cs(0, "ERR_COR Received"),
                      rw1cs(1, "Multiple ERR_COR Received"),
                      rw1cs(2, "ERR_FATAL/NONFATAL Received"),
                      rw1cs(3, "Multiple ERR_FATAL/NONFATAL Received"),
                      rw1cs(4, "First Uncorrectable Fatal"),
                      rw1cs(5, "Non-Fatal Error Messages Received"),
                      rw1cs(6, "Fatal Error Messages Received"))
                  .when(ROOT),
              register(
                      0x34,
                      "Error Source Identification §7.8.4.11",
                      status(31, 0, "Error Source Identification"))
                  .when(ROOT))
          .array(_ -> 4, 4, register(0x1c, "Header Log §7.8.4.8", status(31, 0, "TLP Header")))
          .array(
              _ -> 10, 4, register(0x38, "TLP Prefix Log §7.8.4.12", status(31, 0, "TLP Prefix")));

  /// VC0 is always enabled and carries TC0.
  static final RegisterTable VIRTUAL_CHANNEL =
      table(
              "§7.9.1, §7.9.2",
              register(
                  0x0c,
                  "Port VC Control §7.9.1.4",
                  status(0, "Load VC Arbitration Table"),
                  rw(3, 1, "VC Arbitration Select").keptByReset().when(any(0x04, 2, 0))),
              register(
                  0x14,
                  "VC Resource Control of VC0 §7.9.1.7",
                  ro(0, "TC/VC Map of TC0"),
                  rw(7, 1, "TC/VC Map").initially(0x7f).keptByReset(),
                  status(16, "Load Port Arbitration Table"),
                  rw(19, 17, "Port Arbitration Select").keptByReset().when(any(0x10, 7, 1))))
          .array(
              at -> at.bits(0x04, 2, 0),
              0x0c,
              register(
                  0x20,
                  "VC Resource Control §7.9.1.7",
                  rw(7, 1, "TC/VC Map").keptByReset(),
                  status(16, "Load Port Arbitration Table"),
                  rw(19, 17, "Port Arbitration Select").keptByReset(),
                  rw(26, 24, "VC ID").keptByReset(),
                  rw(31, "VC Enable").keptByReset()));

  static final RegisterTable RC_INTERNAL_LINK_CONTROL =
      table(
          "§7.9.9",
          register(
              0x08,
              "Root Complex Link Control §7.9.9.3",
              rw(1, 0, "ASPM Control"),
              rw(7, "Extended Synch")));

  static final RegisterTable ACS =
      table(
              "§7.7.12",
              register(
                  0x06,
                  "ACS Control §7.7.12.3",
                  rw(0, "ACS Source Validation Enable").when(bit(0x04, 0)),
                  rw(1, "ACS Translation Blocking Enable").when(bit(0x04, 1)),
                  rw(2, "ACS P2P Request Redirect Enable").when(bit(0x04, 2)),
                  rw(3, "ACS P2P Completion Redirect Enable").when(bit(0x04, 3)),
                  rw(4, "ACS Upstream Forwarding Enable").when(bit(0x04, 4)),
                  rw(5, "ACS P2P Egress Control Enable").when(bit(0x04, 5)),
                  rw(6, "ACS Direct Translated P2P Enable").when(bit(0x04, 6)),
                  rw(7, "ACS I/O Request Blocking Enable").when(bit(0x04, 7)),
                  rw(9, 8, "ACS DSP Memory Target Access Control").when(bit(0x04, 7)),
                  rw(11, 10, "ACS USP Memory Target Access Control").when(bit(0x04, 7)),
                  rw(12, "ACS Unclaimed Request Redirect Control").when(bit(0x04, 7))))
          .computed(ExtendedRegisters::egressControlVector);

  private static List<Register> egressControlVector(RegisterBlock at) {
    int size = at.bits(0x04, 15, 8);
    int bits = !at.bit(0x04, 5) ? 0 : size == 0 ? 256 : size;
    List<Register> registers = new ArrayList<>();
    for (int first = 0; first < bits; first += 32) {
      registers.add(
          register(
              0x08 + first / 8,
              "Egress Control Vector §7.7.12.4",
              rw(Math.min(bits - first, 32) - 1, 0, "Egress Control Vector")));
    }
    return registers;
  }

  static final RegisterTable ARI =
      table(
          "§7.8.8",
          register(
              0x06,
              "ARI Control §7.8.8.3",
              rw(0, "MFVC Function Groups Enable").keptByReset().when(bit(0x04, 0)),
              rw(1, "ACS Function Groups Enable").keptByReset().when(bit(0x04, 1)),
              rw(6, 4, "Function Group").keptByReset().when(any(0x04, 1, 0))));

  /// ```text
  ///         31 30        21 20    16 15                 0
  ///  +0x04 | E|  reserved  |  STU   |  ATS Capability    |   E enable, STU smallest translation unit
  /// ```
  static final RegisterTable ATS =
      table(
          "§10.5.1",
          register(
              0x06,
              "ATS Control §10.5.1.3",
              rw(4, 0, "Smallest Translation Unit").when(PHYSICAL),
              rw(15, "Enable")));

  static final RegisterTable SR_IOV =
      table(
              "PCIe 6.3 §9.3.3",
              register(
                  0x08,
                  "SR-IOV Control §9.3.3.3",
                  rw(0, "VF Enable"),
                  rw(1, "VF Migration Enable").when(bit(0x04, 0)),
                  rw(2, "VF Migration Interrupt Enable").when(bit(0x04, 0)),
                  rw(3, "VF MSE"),
                  rw(4, "ARI Capable Hierarchy")
                      .keptByReset()
                      .when(at -> !at.function().isIntegratedEndpoint()),
                  rw(5, "VF 10-Bit Tag Requester Enable").when(bit(0x04, 2)),
                  rw(6, "VF 14-Bit Tag Requester Enable").when(bit(0x04, 3))),
              register(
                  0x0a,
                  "SR-IOV Status §9.3.3.4",
                  rw1c(0, "VF Migration Status").when(bit(0x04, 0))),
              register(0x10, "NumVFs §9.3.3.7", rw(15, 0, "NumVFs")).rule(WriteRules::numVfs))
          .computed(at ->
              List.of(
                  register(0x20, "System Page Size §9.3.3.13", supportedPageSizes(at))
                      .rule(WriteRules::pageSize)));

  /// One field per page size that is supported; 4 KiB (bit 0) is selected at first.
  private static Field[] supportedPageSizes(RegisterBlock at) {
    return IntStream.range(0, 32)
        .filter(n -> at.bit(0x1c, n))
        .mapToObj(n -> rw(n, "System Page Size").initially(n == 0 ? 1 : 0))
        .toArray(Field[]::new);
  }

  static final RegisterTable MULTICAST =
      table(
          "§7.9.11",
          register(0x06, "MC_Control §7.9.11.3", rw(5, 0, "MC_Num_Group"), rw(15, "MC_Enable")),
          register(
              0x08, "MC_Base_Address §7.9.11.4", rw(5, 0, "MC_Index_Position"), rw(31, 12, "Base")),
          register(0x0c, "MC_Base_Address, upper half", rw(31, 0, "Base")),
          register(0x10, "MC_Receive §7.9.11.5", rw(31, 0, "Groups 0 to 31")),
          register(0x14, "MC_Receive, upper half", rw(31, 0, "Groups 32 to 63")),
          register(0x18, "MC_Block_All §7.9.11.6", rw(31, 0, "Groups 0 to 31")),
          register(0x1c, "MC_Block_All, upper half", rw(31, 0, "Groups 32 to 63")),
          register(0x20, "MC_Block_Untranslated §7.9.11.7", rw(31, 0, "Groups 0 to 31")),
          register(0x24, "MC_Block_Untranslated, upper half", rw(31, 0, "Groups 32 to 63")),
          register(0x28, "MC_Overlay_BAR §7.9.11.8", rw(5, 0, "Overlay Size"), rw(31, 6, "BAR"))
              .when(ROUTING),
          register(0x2c, "MC_Overlay_BAR, upper half", rw(31, 0, "BAR")).when(ROUTING));

  /// ```text
  ///         31 30        25 24 23     18 17 16 15        2 1 0
  ///  +0x04 | P|  reserved  | S| reserved |UI|RF|  reserved |R|E|   E enable, R reset, S stopped,
  ///  +0x08 |         Outstanding Page Request Capacity         |   RF response failure, UI unexpected
  ///  +0x0c |        Outstanding Page Request Allocation        |   index, P responses need a PASID
  /// ```
  static final RegisterTable PRI =
      table(
          "§10.5.2",
          register(
                  0x04,
                  "Page Request Control §10.5.2.2 and Status §10.5.2.3",
                  rw(0, "Enable"),
                  rw(1, "Reset"),
                  rw1c(16, "Response Failure"),
                  rw1c(17, "Unexpected Page Request Group Index"),
                  status(24, "Stopped").initially(1))
              .rule(_ -> WriteRules.PAGE_REQUEST_CONTROL),
          register(
              0x0c,
              "Outstanding Page Request Allocation §10.5.2.5",
              rw(31, 0, "Outstanding Page Request Allocation")));

  static final RegisterTable RESIZABLE_BAR =
      table("§7.8.6").computed(at -> barSizes(at, at.function().bars()));

  static final RegisterTable VF_RESIZABLE_BAR =
      table("§7.8.7").computed(at -> barSizes(at, at.function().vfBars()));

  /// The control registers of the BARs that are implemented with a size that they support.
  private static List<Register> barSizes(RegisterBlock at, List<Bar> bars) {
    List<Register> registers = new ArrayList<>();
    for (Bar bar : bars) {
      Optional<BarSizes> sizes = BarSizes.of(at, bar);
      sizes.ifPresent(s ->
          registers.add(
              register(
                      s.control(),
                      "Resizable BAR Control §7.8.6.3",
                      rw(13, 8, "BAR Size").initially(BarSizes.code(bar.size())))
                  .rule(_ -> WriteRules.barSize(s.supported()))));
    }
    return registers;
  }

  static final RegisterTable DPA =
      table(
          "§7.9.12",
          register(
                  0x0c,
                  "DPA Status §7.9.12.4 and Control §7.9.12.5",
                  status(4, 0, "Substate Status"),
                  rw1c(8, "Substate Control Enabled").initially(1),
                  rw(20, 16, "Substate Control"))
              .rule(WriteRules::substate));

  static final RegisterTable TPH =
      table(
              "§7.9.13",
              register(
                      0x08,
                      "TPH Requester Control §7.9.13.3",
                      rw(2, 0, "ST Mode Select"),
                      rw(8, "TPH Requester Enable"),
                      rw(9, "TPH Requester Enable, Extended").when(bit(0x04, 8)))
                  .rule(WriteRules::steering))
          .array(
              ExtendedRegisters::steeringTags,
              2,
              register(
                  0x0c,
                  "TPH ST Table §7.9.13.4",
                  rw(7, 0, "ST Lower"),
                  rw(15, 8, "ST Upper").when(bit(0x04, 8))));

  /// How many steering tags lie in the capability.
  private static int steeringTags(RegisterBlock at) {
    return at.bits(0x04, 10, 9) == 1 ? at.bits(0x04, 26, 16) + 1 : 0;
  }

  static final RegisterTable LTR =
      table(
          "§7.8.2",
          register(0x04, "Max Snoop Latency §7.8.2.2", rw(12, 0, "Scale, Value").keptByReset()),
          register(0x06, "Max No-Snoop Latency §7.8.2.3", rw(12, 0, "Scale, Value").keptByReset()));

  static final RegisterTable SECONDARY_PCI_EXPRESS =
      table(
              "§7.7.3",
              register(
                  0x04,
                  "Link Control 3 §7.7.3.2",
                  rw(1, "Link Equalization Request Interrupt Enable").when(DOWNSTREAM),
                  rw(15, 9, "Enable Lower SKP OS Generation Vector")
                      .keptByReset()
                      .when(other(CapabilityId.PCI_EXPRESS, any(0x2c, 15, 9)))))
          .computed(at -> laneStatus(at, 0x08, "Lane Error Status §7.7.3.3"));

  /// A register with a sticky error bit per lane.
  private static List<Register> laneStatus(RegisterBlock at, int offset, String name) {
    int lanes = Math.min(at.function().lanes(), 32);
    return lanes == 0 ? List.of() : List.of(register(offset, name, rw1cs(lanes - 1, 0, "lanes")));
  }

  /// ```text
  ///         31        20 19 18 17 16 15 13 12       8 7   4  3  2  1  0
  ///  +0x04 |  reserved  |TE|PE|EE| E| rsvd|  Width   | rsvd |TR|PR|EX| r|
  /// ```
  ///
  /// EX and EE execute permission, PR and PE privileged mode, TR and TE translated requests with
  /// PASID: supported and enabled; E PASID Enable.
  static final RegisterTable PASID =
      table(
          "§7.8.9",
          register(
                  0x06,
                  "PASID Control §7.8.9.3",
                  rw(0, "PASID Enable"),
                  rw(1, "Execute Permission Enable").when(bit(0x04, 1)),
                  rw(2, "Privileged Mode Enable").when(bit(0x04, 2)),
                  rw(3, "Translated Requests with PASID Enable").when(bit(0x04, 3)))
              .rule(_ -> WriteRule.pasidControl()));

  static final RegisterTable LN_REQUESTER =
      table(
          "PCIe 5.0 §7.9.14",
          register(
              0x06,
              "LNR Control",
              rw(0, "LNR Enable"),
              rw(12, 8, "LNR Registration Limit").initially(0b11111)));

  private static final Condition RP_EXTENSIONS = bit(0x04, 5);

  /// Bits 2:0 for configuration, 10:8 for I/O, 18:16 for memory requests.
  private static Register rpPio(int offset, String name, boolean isStatus, int initial) {
    return register(
            offset,
            name,
            rpPio(2, isStatus, initial),
            rpPio(10, isStatus, initial),
            rpPio(18, isStatus, initial))
        .when(RP_EXTENSIONS);
  }

  private static Field rpPio(int high, boolean isStatus, int initial) {
    return isStatus
        ? rw1cs(high, high - 2, "UR, CA, CTO")
        : rws(high, high - 2, "UR, CA, CTO").initially(initial);
  }

  static final RegisterTable DPC =
      table(
          "§7.9.14",
          register(
              0x06,
              "DPC Control §7.9.14.3",
              rw(1, 0, "DPC Trigger Enable"),
              rw(2, "DPC Completion Control"),
              rw(3, "DPC Interrupt Enable"),
              rw(4, "DPC ERR_COR Enable"),
              rw(5, "Poisoned TLP Egress Blocking Enable").when(bit(0x04, 6)),
              status(6, "DPC Software Trigger"),
              rw(7, "DL_Active ERR_COR Enable").when(bit(0x04, 12))),
          register(
              0x08,
              "DPC Status §7.9.14.4",
              rw1cs(0, "DPC Trigger Status"),
              status(2, 1, "DPC Trigger Reason"),
              rw1cs(3, "DPC Interrupt Status"),
              status(4, "DPC RP Busy"),
              rw1cs(13, "DPC SIG_SFW Status")),
          rpPio(0x0c, "RP PIO Status §7.9.14.6", true, 0),
          rpPio(0x10, "RP PIO Mask §7.9.14.7", false, 0b111),
          rpPio(0x14, "RP PIO Severity §7.9.14.8", false, 0),
          rpPio(0x18, "RP PIO SysError §7.9.14.9", false, 0),
          rpPio(0x1c, "RP PIO Exception §7.9.14.10", false, 0));

  private static final Condition L1_2 = bit(0x04, 0).or(bit(0x04, 2));
  private static final Condition LINK_ACTIVATION = DOWNSTREAM.and(bit(0x04, 5));

  static final RegisterTable L1_PM_SUBSTATES =
      table(
          "§7.8.3",
          register(
              0x08,
              "L1 PM Substates Control 1 §7.8.3.3",
              rw(0, "PCI-PM L1.2 Enable").keptByReset().when(bit(0x04, 0)),
              rw(1, "PCI-PM L1.1 Enable").keptByReset().when(bit(0x04, 1)),
              rw(2, "ASPM L1.2 Enable").keptByReset().when(bit(0x04, 2)),
              rw(3, "ASPM L1.1 Enable").keptByReset().when(bit(0x04, 3)),
              rw(4, "Link Activation Interrupt Enable").keptByReset().when(LINK_ACTIVATION),
              rw(5, "Link Activation Control").keptByReset().when(LINK_ACTIVATION),
              rw(15, 8, "Common_Mode_Restore_Time")
                  .initiallyAsCaptured()
                  .keptByReset()
                  .when(DOWNSTREAM.and(L1_2)),
              rw(25, 16, "LTR_L1.2_THRESHOLD_Value").keptByReset().when(bit(0x04, 2)),
              rw(31, 29, "LTR_L1.2_THRESHOLD_Scale").keptByReset().when(bit(0x04, 2))),
          register(
              0x0c,
              "L1 PM Substates Control 2 §7.8.3.4",
              rw(1, 0, "T_POWER_ON Scale").keptByReset().when(L1_2),
              rw(7, 3, "T_POWER_ON Value").initially(0b00101).keptByReset().when(L1_2)),
          register(
              0x10,
              "L1 PM Substates Status §7.8.3.5",
              rw1c(0, "Link Activation Status").keptByReset().when(LINK_ACTIVATION)));

  static final RegisterTable PTM =
      table(
          "§7.9.15",
          register(
              0x08,
              "PTM Control §7.9.15.3",
              rw(0, "PTM Enable").keptByReset(),
              rw(1, "Root Select").keptByReset().when(bit(0x04, 2)),
              rw(15, 8, "Effective Granularity").keptByReset().when(bit(0x04, 0))));

  static final RegisterTable FRS_QUEUING =
      table(
          "§7.8.10",
          register(
              0x08,
              "FRS Queuing Status §7.8.10.3",
              rw1c(0, "FRS Message Received"),
              rw1c(1, "FRS Message Overflow")),
          register(0x0a, "FRS Queuing Control §7.8.10.4", rw(0, "FRS Interrupt Enable")));

  static final RegisterTable PHYSICAL_LAYER_16GT =
      table(
              "§7.7.5",
              register(0x0c, "16.0 GT/s Status §7.7.5.4", rw1cs(4, "Link Equalization Request")))
          .computed(at -> laneStatus(at, 0x10, "Local Data Parity Mismatch §7.7.5.5"))
          .computed(at -> laneStatus(at, 0x14, "First Retimer Data Parity Mismatch §7.7.5.6"))
          .computed(at -> laneStatus(at, 0x18, "Second Retimer Data Parity Mismatch §7.7.5.7"));

  static final RegisterTable LANE_MARGINING =
      table("§7.7.11")
          .array(
              at -> at.function().lanes(),
              4,
              register(
                  0x08,
                  "Margining Lane Control §7.7.11.4",
                  rw(2, 0, "Receiver Number").keptByReset(),
                  rw(5, 3, "Margin Type").initially(0b111).keptByReset(),
                  rw(6, "Usage Model").keptByReset(),
                  rw(15, 8, "Margin Payload").initially(0x9c).keptByReset()));

  static final RegisterTable NPEM =
      table(
              "§7.9.19",
              // What is asked for is done at once, so that a command is always completed.
              register(
                  0x0c, "NPEM Status §7.9.19.4", status(0, "NPEM Command Completed").initially(1)))
          .computed(at ->
              List.of(
                  register(
                      0x08,
                      "NPEM Control §7.9.19.3",
                      IntStream.concat(IntStream.range(0, 12), IntStream.range(24, 32))
                          .filter(n -> at.bit(0x04, n))
                          .mapToObj(n -> rw(n, "as the capability's bit " + n))
                          .toArray(Field[]::new))));

  static final RegisterTable DOE =
      table(
          "§7.9.24",
          // No data object protocol is emulated: a request is never answered.
          register(
              0x08,
              "DOE Control §7.9.24.3",
              status(0, "DOE Abort"),
              rw(1, "DOE Interrupt Enable").when(bit(0x04, 0)),
              status(31, "DOE Go")),
          register(
              0x0c,
              "DOE Status §7.9.24.4",
              status(0, "DOE Busy"),
              rw1c(1, "DOE Interrupt Status").when(bit(0x04, 0)),
              status(2, "DOE Error"),
              status(31, "Data Object Ready")));

  static final RegisterTable DEVICE_3 =
      table(
          "§7.7.10",
          register(
              0x08,
              "Device Control 3 §7.7.10.3",
              rw(0, "DMWr Requester Enable").when(ENDPOINT.or(ROOT_PORT)),
              rw(1, "DMWr Egress Blocking").when(bit(0x04, 0)),
              rw(2, "14-Bit Tag Requester Enable").when(PHYSICAL.and(bit(0x04, 2))),
              rw(3, "L0p Enable").initially(1).when(bit(0x04, 3)),
              rw(6, 4, "Target Link Width").initially(0b111).when(FLIT_MODE),
              rw(7, "UIO Mem RdWr Requester Enable").when(bit(0x04, 11)),
              rw(8, "UIO Request 256B Boundary Disable").when(bit(0x04, 11))));

  static final RegisterTable IDE =
      table(
              "§7.9.26",
              register(
                  0x08,
                  "IDE Control §7.9.26.3",
                  rw(2, "Flow-Through IDE Stream Enabled").when(bit(0x04, 2))))
          .computed(ExtendedRegisters::ideStreams);

  /// A register block per traffic class of Link IDE, then one per stream of Selective IDE, which
  /// itself says how many address association blocks it has.
  private static List<Register> ideStreams(RegisterBlock at) {
    List<Register> registers = new ArrayList<>();
    int block = 0x0c;
    if (at.bit(0x04, 0)) {
      for (int n = at.bits(0x04, 15, 13); n >= 0; n--) {
        registers.add(
            register(block, "Link IDE Stream Control §7.9.26.4.1", streamControl(at, false)));
        registers.add(streamStatus(block + 4));
        block += 8;
      }
    }
    if (at.bit(0x04, 1)) {
      for (int n = at.bits(0x04, 23, 16); n >= 0 && at.contains(block); n--) {
        registers.add(
            register(
                block + 4, "Selective IDE Stream Control §7.9.26.5.2", streamControl(at, true)));
        registers.add(streamStatus(block + 8));
        registers.add(
            register(block + 0x0c, "IDE RID Association 1 §7.9.26.5.4", rw(23, 8, "RID Limit")));
        registers.add(
            register(
                block + 0x10,
                "IDE RID Association 2 §7.9.26.5.5",
                rw(0, "Valid"),
                rw(23, 8, "RID Base"),
                rw(31, 24, "Segment Base")));
        int associations = at.bits(block, 3, 0);
        block += 0x14;
        for (int i = 0; i < associations; i++) {
          registers.add(
              register(
                  block,
                  "IDE Address Association 1 §7.9.26.5.6",
                  rw(0, "Valid"),
                  rw(19, 8, "Memory Base Lower"),
                  rw(31, 20, "Memory Limit Lower")));
          registers.add(
              register(block + 4, "IDE Address Association 2", rw(31, 0, "Memory Limit Upper")));
          registers.add(
              register(block + 8, "IDE Address Association 3", rw(31, 0, "Memory Base Upper")));
          block += 0x0c;
        }
      }
    }
    return registers;
  }

  private static Field[] streamControl(RegisterBlock at, boolean isSelective) {
    List<Field> fields = new ArrayList<>();
    fields.add(rw(0, "Stream Enable"));
    if (at.bit(0x04, 4)) {
      fields.add(rw(7, 2, "Tx Aggregation Modes"));
    }
    if (at.bit(0x04, 5)) {
      fields.add(rw(8, "PCRC Enable"));
    }
    if (isSelective && at.bit(0x04, 7)) {
      fields.add(rw(9, "Selective IDE for Configuration Requests Enable"));
    }
    if (at.bit(0x04, 3)) {
      fields.add(rw(13, 10, "Partial Header Encryption Mode"));
    }
    fields.add(rw(18, 14, "Selected Algorithm"));
    fields.add(rw(21, 19, "TC"));
    if (isSelective) {
      fields.add(rw(22, "Default Stream"));
      if (at.bit(0x04, 24)) {
        fields.add(rw(23, "TEE-Limited Stream"));
      }
    }
    fields.add(rw(31, 24, "Stream ID"));
    return fields.toArray(Field[]::new);
  }

  private static Register streamStatus(int offset) {
    return register(
        offset,
        "IDE Stream Status",
        status(3, 0, "State"),
        rw1cs(31, "Received Integrity Check Fail Message"));
  }

  private ExtendedRegisters() {}
}
