package io.vpasid.synth.preflight;

import java.util.Locale;

/// A register that a check looked at.
///
/// @param of whose register: `function`, `physical function`, `port 1 (1b36:000c)` counted from the
///   function upward, or `IOMMU`
/// @param offset from the start of the configuration space, or of the IOMMU's registers
/// @param bytes width of the register: 1, 2, 4 or 8
/// @param value what it reads, zero-extended; 8 bytes are to be read as unsigned
/// @param what the register's name
public record Evidence(String of, int offset, int bytes, long value, String what) {

  /// As in `0x064 = 10107310 (Device Capabilities 2)`, with the owner in front where it is not the
  /// function itself.
  @Override
  public String toString() {
    String register =
        String.format(Locale.ROOT, "0x%03x = %0" + 2 * bytes + "x (%s)", offset, value, what);
    return of.equals(LinuxFunction.ITSELF) ? register : of + ": " + register;
  }
}
