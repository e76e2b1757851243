package io.vpasid.guest.iommu;

import io.vpasid.pci.PciAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.List;

/// The ACPI table DMAR, which tells a guest where its remapping unit has its registers and which
/// functions are behind it (VT-d specification, section 8).
///
/// ```text
///  0     "DMAR"  4 length  8 revision 1  9 checksum  10 OEM id, table id, revision; creator
///  36    address width minus 1   37 flags (0: no interrupt remapping)   38 reserved
///  48    DRHD: 0 type 0   2 length   4 flags (0: only the scope)   5 size   6 segment   8 base
///  64    scope, one for each function: 0 type 1   1 length 8   5 bus   6 device   7 function
/// ```
public final class DmarTable {
  private static final int HEADER = 36;
  private static final int UNITS = 48;
  private static final int UNIT = 16;
  private static final int SCOPE = 8;
  private static final int CHECKSUM = 9;
  private static final int ADDRESS_BITS = 48;

  private DmarTable() {}

  /// The table of one unit.
  ///
  /// @param base guest-physical address of its register page, a multiple of 4096
  /// @param functions those behind it, on bus 0 of segment 0; no others are
  /// @throws IllegalArgumentException if something is not as it should be
  public static byte[] of(long base, List<PciAddress> functions) {
    if (base == 0 || (base & 0xfff) != 0) {
      throw new IllegalArgumentException(
          "A unit's registers are at a multiple of 4096, not at 0x" + Long.toHexString(base) + ".");
    }
    if (functions.isEmpty() || functions.stream().anyMatch(f -> f.domain() != 0 || f.bus() != 0)) {
      throw new IllegalArgumentException(
          "A unit covers at least one function, and only those on bus 0, not " + functions + ".");
    }
    int unitLength = UNIT + SCOPE * functions.size();
    ByteBuffer table = ByteBuffer.allocate(UNITS + unitLength).order(ByteOrder.LITTLE_ENDIAN);
    table.put(ascii("DMAR")).putInt(table.capacity()).put((byte) 1).put((byte) 0);
    table.put(ascii("VPASID")).put(ascii("VPASIDVT")).putInt(1).put(ascii("VPAS")).putInt(1);
    table.put(HEADER, (byte) (ADDRESS_BITS - 1));
    table.position(UNITS).putShort((short) 0).putShort((short) unitLength);
    table.put((byte) 0).put((byte) 0).putShort((short) 0).putLong(base);
    for (PciAddress function : functions) {
      table.put((byte) 1).put((byte) SCOPE).putShort((short) 0).put((byte) 0).put((byte) 0);
      table.put((byte) function.device()).put((byte) function.function());
    }
    int sum = 0;
    for (byte b : table.array()) {
      sum += b;
    }
    table.put(CHECKSUM, (byte) -sum);
    return table.array();
  }

  private static byte[] ascii(String text) {
    return text.getBytes(StandardCharsets.US_ASCII);
  }
}
