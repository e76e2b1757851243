package io.vpasid.synth;

import io.vpasid.pci.ConfigSpace;
import io.vpasid.pci.capability.PasidSizes;
import io.vpasid.pci.emulation.ConfigPatch;
import io.vpasid.pci.emulation.WriteRule;

/// The PASID extended capability as the guest sees it.
///
/// ```text
///        31            20 19  16 15                                0
///  +0x00 |  Next pointer | Ver 1|       Capability ID 0x001b       |
///        31     19 18 17 16 15  13 12         8 7        3  2  1  0
///  +0x04 | reserved|PE|EE|E|  rsvd |   Width   |  reserved |PS|ES|r|
///          PASID Control    |  PASID Capability
///
///  ES execute permission supported     EE execute permission enable
///  PS privileged mode supported        PE privileged mode enable
///  Width: PASIDs have this many bits   E  PASID enable
/// ```
///
/// PCI Express Base Specification 7.0, section 7.8.9. For 20 bits with privileged mode, linked to
/// 0x240, the eight bytes are `1b 00 01 24 04 14 00 00`.
///
/// @param width Max PASID Width in bits, 1 to 20
/// @param exec Execute Permission Supported
/// @param priv Privileged Mode Supported
public record PasidCapability(int width, boolean exec, boolean priv) {
  /// Number of bytes.
  public static final int LENGTH = PasidSizes.LENGTH;

  /// Capability version.
  public static final int VERSION = 1;

  /// Offset of the dword that holds the capability and the control register.
  public static final int REGISTERS = 0x04;

  private static final int EXEC_SUPPORTED = 1 << 1;
  private static final int PRIV_SUPPORTED = 1 << 2;
  private static final int WIDTH_SHIFT = 8;
  private static final int WIDTH_MASK = 0x1f;

  private static final int ENABLE = 1 << 16;
  private static final int EXEC_ENABLE = 1 << 17;
  private static final int PRIV_ENABLE = 1 << 18;

  /// @throws IllegalArgumentException if the width is not 1 to 20
  public PasidCapability {
    if (width < 1 || width > HardwareInfo.MAX_WIDTH) {
      throw new IllegalArgumentException("A PASID has 1 to 20 bits, not " + width);
    }
  }

  /// The capability and control registers after a reset: nothing is enabled.
  public int registers() {
    return (exec ? EXEC_SUPPORTED : 0) | (priv ? PRIV_SUPPORTED : 0) | width << WIDTH_SHIFT;
  }

  /// The registers at `offset` + 4 as a patch: read-only but for the enable bits of what is
  /// supported.
  ///
  /// @param offset of the capability
  ConfigPatch patch(int offset) {
    int writable = ENABLE | (exec ? EXEC_ENABLE : 0) | (priv ? PRIV_ENABLE : 0);
    return ConfigPatch.register(offset + REGISTERS, registers(), writable);
  }

  /// True if a write of the register dword tries to change EXEC or PRIV while PASID stays enabled.
  public static boolean isRefused(int before, int proposed) {
    return WriteRule.pasidControl().apply(before, proposed) != proposed;
  }

  /// True if the register dword has the PASID Enable bit.
  public static boolean isEnabled(int registers) {
    return (registers & ENABLE) != 0;
  }

  /// True if the register dword has the Execute Permission Enable bit.
  public static boolean isExecEnabled(int registers) {
    return (registers & EXEC_ENABLE) != 0;
  }

  /// True if the register dword has the Privileged Mode Enable bit.
  public static boolean isPrivEnabled(int registers) {
    return (registers & PRIV_ENABLE) != 0;
  }

  /// The width that the registers of the capability at `offset` report, 0 to 31.
  public static int widthAt(ConfigSpace config, int offset) {
    return config.u32(offset + REGISTERS) >>> WIDTH_SHIFT & WIDTH_MASK;
  }

  /// Support of the device, as the registers of the capability at `offset` tell it.
  static HardwareInfo supportedAt(ConfigSpace config, int offset) {
    int registers = config.u32(offset + REGISTERS);
    return new HardwareInfo(
        widthAt(config, offset),
        (registers & EXEC_SUPPORTED) != 0,
        (registers & PRIV_SUPPORTED) != 0,
        true);
  }

  /// As lspci words it: `Max PASID Width: 20, Exec-, Priv+`.
  @Override
  public String toString() {
    return "Max PASID Width: "
        + width
        + ", Exec"
        + (exec ? '+' : '-')
        + ", Priv"
        + (priv ? '+' : '-');
  }
}
