package io.vpasid.vmm.pasid;

import io.vpasid.synth.HardwareInfo;
import io.vpasid.vmm.iommufd.Pasid;

/// Limits of a function's PASIDs.
///
/// @param width bits of a PASID, 0 to 20; 0 means that there are none
/// @param quota how many PASIDs may be attached at the same time, 0 or more
/// @param whenDisabled what becomes of attach requests while the guest has not enabled PASIDs
public record PasidLimits(int width, int quota, WhenDisabled whenDisabled) {

  /// Treatment of attach requests while the guest has not enabled PASIDs.
  public enum WhenDisabled {
    /// They are refused, as the device would drop requests with a PASID anyway.
    REFUSE,
    /// They are made: the VMM prepares attachments before the guest needs them.
    ALLOW
  }

  /// @throws IllegalArgumentException if a number is out of its range
  public PasidLimits {
    if (width < 0 || width > Pasid.MAX_WIDTH || quota < 0) {
      throw new IllegalArgumentException(
          "PASIDs have a width of 0 to 20 and a quota of at least 0, not %s and %s"
              .formatted(width, quota));
    }
  }

  /// As wide as the host's PASIDs, but never above 20 bits, without a quota; requests are refused
  /// while the guest has not enabled PASIDs.
  public static PasidLimits of(HardwareInfo info) {
    return ofWidth(Math.min(info.maxPasidLog2(), Pasid.MAX_WIDTH));
  }

  /// So many bits, without a quota; requests are refused while the guest has not enabled PASIDs.
  public static PasidLimits ofWidth(int width) {
    return new PasidLimits(width, Integer.MAX_VALUE, WhenDisabled.REFUSE);
  }

  /// The same with another quota.
  public PasidLimits withQuota(int quota) {
    return new PasidLimits(width, quota, whenDisabled);
  }

  /// The same with another answer while the guest has not enabled PASIDs.
  public PasidLimits when(WhenDisabled disabled) {
    return new PasidLimits(width, quota, disabled);
  }
}
