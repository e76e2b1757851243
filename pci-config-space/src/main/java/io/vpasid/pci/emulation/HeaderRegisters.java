package io.vpasid.pci.emulation;

import static io.vpasid.pci.emulation.Condition.any;
import static io.vpasid.pci.emulation.Condition.bit;
import static io.vpasid.pci.emulation.Conditions.BRIDGE;
import static io.vpasid.pci.emulation.Conditions.CONVENTIONAL;
import static io.vpasid.pci.emulation.Conditions.DECODES_IO;
import static io.vpasid.pci.emulation.Conditions.DECODES_MEMORY;
import static io.vpasid.pci.emulation.Conditions.PHYSICAL;
import static io.vpasid.pci.emulation.Field.rw;
import static io.vpasid.pci.emulation.Field.rw1c;
import static io.vpasid.pci.emulation.Field.status;
import static io.vpasid.pci.emulation.Register.register;
import static io.vpasid.pci.emulation.RegisterTable.table;

/// The registers of the headers, but for Base Address Registers ([Bar]): see [RegisterTables] for
/// how to read them.
///
/// ```text
///  type 0   31      24 23      16 15       8 7        0
///    0x00  |      Device ID      |      Vendor ID     |
///    0x04  |       Status        |       Command      |
///    0x08  |           Class Code           | Revision|
///    0x0c  |   BIST   |Header Type|  Latency | Cache  |  Latency Timer, Cache Line Size
///    0x10  |       Base Address Registers 0 to 5      |
///    0x28  |           Cardbus CIS Pointer            |
///    0x2c  |    Subsystem ID     |Subsystem Vendor ID |
///    0x30  |        Expansion ROM Base Address        |
///    0x34  |            reserved            | Pointer |  Capabilities Pointer
///    0x3c  |  Max_Lat |  Min_Gnt  |   Pin    |  Line  |  Interrupt Pin, Interrupt Line
///
///  Command  15      11 10  9  8  7  6  5  4  3  2  1  0
///          | reserved |ID|FB|SE| 0|PE|VP|MW|SC|BM|MS|IO|   IO, MS space enables, BM bus master,
///                                                          PE parity, SE SERR#, ID INTx disable
///  Status   15 14 13 12 11 10 9  8  7  6  5  4  3  2 1  0
///          |PE|SE|MA|TA|SA| DEV |DP|FB| 0|66|CL|IS|rsv|IR| PE to SA and DP are RW1C
/// ```
final class HeaderRegisters {

  private static final Condition INTERRUPTS = BRIDGE.or(at -> at.function().hasInterruptPin());

  private static final Register COMMAND =
      register(
          0x04,
          "Command §7.5.1.1.3",
          rw(0, "I/O Space Enable").when(DECODES_IO),
          rw(1, "Memory Space Enable").when(DECODES_MEMORY),
          rw(2, "Bus Master Enable"),
          rw(4, "Memory Write and Invalidate").when(CONVENTIONAL),
          rw(5, "VGA Palette Snoop").when(CONVENTIONAL.and(at -> at.function().isVga())),
          rw(6, "Parity Error Response").when(PHYSICAL),
          rw(8, "SERR# Enable").when(PHYSICAL),
          rw(9, "Fast Back-to-Back Transactions Enable").when(CONVENTIONAL),
          rw(10, "Interrupt Disable").when(PHYSICAL.and(INTERRUPTS)));

  private static final Register STATUS =
      register(
          0x06,
          "Status §7.5.1.1.4",
          status(3, "Interrupt Status"),
          rw1c(8, "Master Data Parity Error"),
          rw1c(11, "Signaled Target Abort"),
          rw1c(12, "Received Target Abort"),
          rw1c(13, "Received Master Abort"),
          rw1c(14, "Signaled System Error"),
          rw1c(15, "Detected Parity Error"));

  private static final Register CACHE_LINE_SIZE =
      register(0x0c, "Cache Line Size §7.5.1.1.7", rw(7, 0, "Cache Line Size").when(PHYSICAL));

  private static final Register LATENCY_TIMER =
      register(0x0d, "Latency Timer §7.5.1.1.8", rw(7, 0, "Latency Timer").when(CONVENTIONAL));

  private static final Register INTERRUPT_LINE =
      register(0x3c, "Interrupt Line §7.5.1.1.12", rw(7, 0, "Interrupt Line").when(PHYSICAL));

  static final RegisterTable TYPE_0 =
      table("§7.5.1.2", COMMAND, STATUS, CACHE_LINE_SIZE, LATENCY_TIMER, INTERRUPT_LINE);

  private static final Condition IO_WINDOW = any(0x1c, 15, 0);
  private static final Condition PREFETCHABLE_WINDOW = any(0x24, 31, 0);

  static final RegisterTable TYPE_1 =
      table(
          "§7.5.1.3",
          COMMAND,
          STATUS,
          CACHE_LINE_SIZE,
          LATENCY_TIMER,
          register(0x18, "Primary Bus Number", rw(7, 0, "Primary Bus Number")),
          register(0x19, "Secondary Bus Number", rw(7, 0, "Secondary Bus Number")),
          register(0x1a, "Subordinate Bus Number", rw(7, 0, "Subordinate Bus Number")),
          register(
              0x1b,
              "Secondary Latency Timer",
              rw(7, 0, "Secondary Latency Timer").when(CONVENTIONAL)),
          register(0x1c, "I/O Base", rw(7, 4, "I/O Base")).when(IO_WINDOW),
          register(0x1d, "I/O Limit", rw(7, 4, "I/O Limit")).when(IO_WINDOW),
          register(
              0x1e,
              "Secondary Status §7.5.1.3.7",
              rw1c(8, "Master Data Parity Error"),
              rw1c(11, "Signaled Target Abort"),
              rw1c(12, "Received Target Abort"),
              rw1c(13, "Received Master Abort"),
              rw1c(14, "Received System Error"),
              rw1c(15, "Detected Parity Error")),
          register(0x20, "Memory Base", rw(15, 4, "Memory Base")),
          register(0x22, "Memory Limit", rw(15, 4, "Memory Limit")),
          register(0x24, "Prefetchable Memory Base", rw(15, 4, "Base")).when(PREFETCHABLE_WINDOW),
          register(0x26, "Prefetchable Memory Limit", rw(15, 4, "Limit")).when(PREFETCHABLE_WINDOW),
          register(0x28, "Prefetchable Base Upper 32 Bits", rw(31, 0, "Base")).when(bit(0x24, 0)),
          register(0x2c, "Prefetchable Limit Upper 32 Bits", rw(31, 0, "Limit")).when(bit(0x24, 0)),
          register(0x30, "I/O Base Upper 16 Bits", rw(15, 0, "Base")).when(bit(0x1c, 0)),
          register(0x32, "I/O Limit Upper 16 Bits", rw(15, 0, "Limit")).when(bit(0x1c, 0)),
          INTERRUPT_LINE,
          register(
              0x3e,
              "Bridge Control §7.5.1.3.13",
              rw(0, "Parity Error Response Enable"),
              rw(1, "SERR# Enable"),
              rw(2, "ISA Enable"),
              rw(3, "VGA Enable"),
              rw(4, "VGA 16-bit Decode"),
              rw(5, "Master Abort Mode").when(CONVENTIONAL),
              rw(6, "Secondary Bus Reset"),
              rw(7, "Fast Back-to-Back Transactions Enable").when(CONVENTIONAL),
              rw(9, 8, "Discard Timers").when(CONVENTIONAL),
              rw1c(10, "Discard Timer Status").when(CONVENTIONAL),
              rw(11, "Discard Timer SERR# Enable").when(CONVENTIONAL)));

  static final RegisterTable CARDBUS =
      table("PC Card Standard 8.0", COMMAND, STATUS, CACHE_LINE_SIZE, INTERRUPT_LINE);

  private HeaderRegisters() {}
}
