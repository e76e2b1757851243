package io.vpasid.vmm.pasid;

import io.vpasid.vmm.iommufd.IommufdException;
import io.vpasid.vmm.linux.Errno;

/// Why a request for a PASID was refused.
public sealed interface Refusal {

  /// The host can use no PASIDs with this function. The kernel is not asked, because it may answer
  /// with success and do nothing. ENODEV.
  record NoPasidOnHost() implements Refusal {}

  /// PASID 0, which for the kernel is the function's own attachment. EINVAL.
  record PasidZero() implements Refusal {}

  /// A PASID of 2^width or more. EINVAL.
  ///
  /// @param width bits of this function's PASIDs
  record BeyondWidth(int width) implements Refusal {}

  /// As many PASIDs are attached as may be. ENOSPC.
  ///
  /// @param quota how many may be
  record QuotaReached(int quota) implements Refusal {}

  /// The guest has not enabled PASIDs in its capability. EPERM.
  record NotEnabled() implements Refusal {}

  /// The function is being closed, or is closed. ENODEV.
  record Closed() implements Refusal {}

  /// The backend refused, with an error of its own.
  ///
  /// @param cause what it said
  record BackendFailed(IommufdException cause) implements Refusal {}

  /// The error number to tell whoever asked.
  default Errno errno() {
    return switch (this) {
      case NoPasidOnHost _, Closed _ -> Errno.ENODEV;
      case PasidZero _, BeyondWidth _ -> Errno.EINVAL;
      case QuotaReached _ -> Errno.ENOSPC;
      case NotEnabled _ -> Errno.EPERM;
      case BackendFailed failed -> failed.cause.errno();
    };
  }

  /// The reason as a part of a sentence, without a capital and a full stop.
  default String text() {
    return switch (this) {
      case NoPasidOnHost _ -> "the host has no PASIDs for this function";
      case PasidZero _ -> "0 is not a PASID but the function itself";
      case BeyondWidth beyond -> "PASIDs of this function have " + beyond.width + " bits";
      case QuotaReached reached -> "the quota of " + reached.quota + " attached PASIDs is reached";
      case NotEnabled _ -> "the guest has not enabled PASIDs";
      case Closed _ -> "the function is closed";
      case BackendFailed failed -> failed.cause.reason();
    };
  }
}
