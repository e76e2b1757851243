package io.vpasid.it.walker;

/// The bytes that a capability has at least, by its id: the registers that every function with the
/// capability has (PCI Express Base Specification 7.0, chapters 7, 9 and 10).
public final class KnownLengths {
  private KnownLengths() {}

  /// Number of bytes of the extended capability at `offset`, its header included, up to the end of
  /// the space.
  public static int ofExtended(byte[] config, Step capability) {
    Registers registers = new Registers(config);
    int offset = capability.offset();
    int second = registers.has(offset, 8) ? registers.u32(offset + 4) : 0;
    int length =
        switch (capability.extendedId()) {
          case 0x01 -> 0x2c; // AER
          case 0x02, 0x08, 0x09 -> 0x1c + 0x0c * (second & 7); // VC, MFVC
          case 0x03, 0x06, 0x07 ->
              capability.extendedId() == 0x07 ? 0x08 : 0x0c; // DSN, RCILC, RCEC
          case 0x04, 0x13 -> 0x10; // power budgeting, PRI
          case 0x05 -> 0x10 + 0x10 * (second >>> 8 & 0xff); // RC link declaration
          case 0x0a -> 0x14; // RCRB
          case 0x0b -> Math.max(0x08, second >>> 20); // VSEC
          case 0x0d, 0x0e, 0x0f, 0x18, 0x1b, 0x1c -> 0x08; // ACS, ARI, ATS, LTR, PASID, LNR
          case 0x10 -> 0x40; // SR-IOV
          case 0x12 -> 0x28; // multicast
          case 0x15, 0x24 -> 0x0c; // resizable BAR
          case 0x16 -> 0x11 + (second & 0x1f); // DPA
          case 0x17, 0x1d, 0x1f, 0x22, 0x25 -> 0x0c; // TPH, DPC, PTM, RTR, DLF
          case 0x19 -> 0x0e; // secondary PCIe
          case 0x1e, 0x21, 0x29, 0x2f -> 0x10; // L1SS, FRS, NPEM, device 3
          case 0x23 -> Math.max(0x0a, second >>> 20); // DVSEC
          case 0x26, 0x2a -> 0x21; // physical layer 16 and 32 GT/s
          case 0x27 -> 0x0c; // lane margining
          case 0x2c -> 0x14; // SFI
          case 0x2e -> 0x18; // DOE
          case 0x30 -> 0x0c; // IDE
          default -> 0x04;
        };
    return Math.min(length, config.length - offset);
  }
}
