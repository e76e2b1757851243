package io.vpasid.pci;

/// Offsets of the registers that every function has, and those of a type 0 header.
///
/// ```text
///        31          24 23          16 15           8 7            0
///  0x00 |         Device ID           |         Vendor ID           |
///  0x04 |          Status             |          Command            |
///  0x08 |              Class Code                    | Revision ID  |
///  0x0c |     BIST     | Header Type  | Latency Timer| Cache Line   |
///  0x10 |              Base Address Registers 0 to 5                |
///  0x28 |                   Cardbus CIS Pointer                     |
///  0x2c |        Subsystem ID         |    Subsystem Vendor ID      |
///  0x30 |              Expansion ROM Base Address                   |
///  0x34 |                  Reserved                  | Cap. Pointer |
///  0x38 |                        Reserved                           |
///  0x3c |   Max_Lat    |   Min_Gnt    |Interrupt Pin |Interrupt Line|
/// ```
///
/// PCI Express Base Specification 7.0, sections 7.5.1.1 and 7.5.1.2.
public final class Header {
  /// The bytes of the header; capabilities of the standard list start behind it.
  public static final ByteRange RANGE = new ByteRange(0x00, 0x40);

  public static final int VENDOR_ID = 0x00;
  public static final int DEVICE_ID = 0x02;
  public static final int COMMAND = 0x04;
  public static final int STATUS = 0x06;
  public static final int REVISION_ID = 0x08;

  /// Three bytes: programming interface, sub-class, base class.
  public static final int CLASS_CODE = 0x09;

  public static final int HEADER_TYPE = 0x0e;
  public static final int BAR0 = 0x10;
  public static final int SUBSYSTEM_VENDOR_ID = 0x2c;
  public static final int SUBSYSTEM_ID = 0x2e;
  public static final int EXPANSION_ROM = 0x30;
  public static final int CAPABILITIES_POINTER = 0x34;
  public static final int INTERRUPT_LINE = 0x3c;
  public static final int INTERRUPT_PIN = 0x3d;

  /// Status bit 4: the capabilities pointer is valid.
  public static final int STATUS_CAPABILITIES_LIST = 1 << 4;

  /// Header Type bits 6:0, the layout; bit 7 says that the device has several functions.
  static final int HEADER_TYPE_LAYOUT = 0x7f;

  private static final int CARDBUS_LAYOUT = 2;
  private static final int CARDBUS_CAPABILITIES_POINTER = 0x14;

  private Header() {}

  /// Offset of the pointer to the first standard capability.
  ///
  /// @param layout of the header, [ConfigSpace#headerLayout]; a CardBus bridge has it elsewhere
  public static int capabilitiesPointer(int layout) {
    return layout == CARDBUS_LAYOUT ? CARDBUS_CAPABILITIES_POINTER : CAPABILITIES_POINTER;
  }
}
