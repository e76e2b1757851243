package io.vpasid.vmm.frontend.vtd;

import java.util.List;

/// Where registers are in the page, in bytes (section 11.4). *8* after a name: it has 8 bytes, the
/// others have 4.
///
/// ```text
///      0        4        8        c
/// 00 | VER    |        | CAP              8 |
/// 10 | ECAP            8 | GCMD   | GSTS   |
/// 20 | RTADDR          8 | CCMD            8 |
/// 30 |        | FSTS   | FECTL  | FEDATA |
/// 40 | FEADDR | FEUADDR|                 |
/// 80 | IQH             8 | IQT             8 |
/// 90 | IQA             8 |        | ICS    |
/// a0 | IECTL  | IEDATA | IEADDR | IEUADDR|
/// b0 | IQER            8 | IRTA            8 |
/// c0 | PQH             8 | PQT             8 |
/// d0 | PQA             8 |        | PRS    |
/// e0 | PECTL  | PEDATA | PEADDR | PEUADDR|
/// f0 | IVA             8 | IOTLB           8 |
/// 220| FRCD 0, 16 bytes; up to FRCD 7 at 290 |
/// ```
final class RegisterOffset {
  static final int VER = 0x00;
  static final int CAP = 0x08;
  static final int ECAP = 0x10;
  static final int GCMD = 0x18;
  static final int GSTS = 0x1c;
  static final int RTADDR = 0x20;
  static final int CCMD = 0x28;
  static final int FSTS = 0x34;
  static final int FECTL = 0x38;
  static final int FEDATA = 0x3c;
  static final int FEADDR = 0x40;
  static final int FEUADDR = 0x44;
  static final int IQH = 0x80;
  static final int IQT = 0x88;
  static final int IQA = 0x90;
  static final int ICS = 0x9c;
  static final int IECTL = 0xa0;
  static final int IEDATA = 0xa4;
  static final int IEADDR = 0xa8;
  static final int IEUADDR = 0xac;
  static final int IQER = 0xb0;
  static final int IRTA = 0xb8;
  static final int PQH = 0xc0;
  static final int PQT = 0xc8;
  static final int PQA = 0xd0;
  static final int PRS = 0xdc;
  static final int PECTL = 0xe0;
  static final int PEDATA = 0xe4;
  static final int PEADDR = 0xe8;
  static final int PEUADDR = 0xec;
  static final int IVA = 0xf0;
  static final int IOTLB = 0xf8;
  static final int FRCD = 0x220;

  /// The registers that tell a unit's state.
  static final List<Register> STATE =
      List.of(
          new Register("VER", VER, 4),
          new Register("CAP", CAP, 8),
          new Register("ECAP", ECAP, 8),
          new Register("GSTS", GSTS, 4),
          new Register("RTADDR", RTADDR, 8),
          new Register("FSTS", FSTS, 4),
          new Register("FECTL", FECTL, 4),
          new Register("IQH", IQH, 8),
          new Register("IQT", IQT, 8),
          new Register("IQA", IQA, 8),
          new Register("ICS", ICS, 4),
          new Register("IQER", IQER, 8),
          new Register("PQH", PQH, 8),
          new Register("PQT", PQT, 8),
          new Register("PQA", PQA, 8),
          new Register("PRS", PRS, 4));

  /// A register by name.
  ///
  /// @param width 4 or 8 bytes
  record Register(String name, int offset, int width) {}

  private RegisterOffset() {}
}
