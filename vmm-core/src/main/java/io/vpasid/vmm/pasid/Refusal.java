package io.vpasid.vmm.pasid;

import io.vpasid.vmm.iommufd.IommufdException;
import io.vpasid.vmm.linux.Errno;

/// Why a request for a PASID was refused.
public sealed interface Refusal {

  /// The error number to tell whoever asked.
  Errno errno();

  /// The reason as a part of a sentence, without a capital and a full stop.
  String text();

  /// The host can use no PASIDs with this function. The kernel is not asked, because it may answer
  /// with success and do nothing. ENODEV.
  record NoPasidOnHost() implements Refusal {
    @Override
    public Errno errno() {
      return Errno.ENODEV;
    }

    @Override
    public String text() {
      return "the host has no PASIDs for this function";
    }
  }

  /// PASID 0, which for the kernel is the function's own attachment. EINVAL.
  record PasidZero() implements Refusal {
    @Override
    public Errno errno() {
      return Errno.EINVAL;
    }

    @Override
    public String text() {
      return "0 is not a PASID but the function itself";
    }
  }

  /// A PASID of 2^width or more. EINVAL.
  ///
  /// @param width bits of this function's PASIDs
  record BeyondWidth(int width) implements Refusal {
    @Override
    public Errno errno() {
      return Errno.EINVAL;
    }

    @Override
    public String text() {
      return "PASIDs of this function have " + width + " bits";
    }
  }

  /// As many PASIDs are attached as may be. ENOSPC.
  ///
  /// @param quota how many may be
  record QuotaReached(int quota) implements Refusal {
    @Override
    public Errno errno() {
      return Errno.ENOSPC;
    }

    @Override
    public String text() {
      return "the quota of " + quota + " attached PASIDs is reached";
    }
  }

  /// The guest has not enabled PASIDs in its capability. EPERM.
  record NotEnabled() implements Refusal {
    @Override
    public Errno errno() {
      return Errno.EPERM;
    }

    @Override
    public String text() {
      return "the guest has not enabled PASIDs";
    }
  }

  /// The function is being closed, or is closed. ENODEV.
  record Closed() implements Refusal {
    @Override
    public Errno errno() {
      return Errno.ENODEV;
    }

    @Override
    public String text() {
      return "the function is closed";
    }
  }

  /// The backend refused.
  ///
  /// @param cause what it said
  record BackendFailed(IommufdException cause) implements Refusal {
    @Override
    public Errno errno() {
      return cause.errno();
    }

    @Override
    public String text() {
      String message = cause.getMessage();
      return message == null ? cause.errno().name() : message.substring(0, message.length() - 1);
    }
  }
}
