package io.vpasid.guest.vfiouser;

import io.vpasid.vmm.linux.calls.MemoryBudget;

/// What the descriptors that one client sends may take. What they take together is limited, too: to
/// half of the mappings and addresses that the kernel permits the process, and three quarters of
/// its descriptors.
///
/// @param files that are in use at a time, 0 or more; a VMM shares one for each memory backend
/// @param bytes of these files, 0 or more; each is mapped as a whole
/// @param descriptors that stay open, 0 or more
public record ClientLimits(int files, long bytes, int descriptors) {
  /// 256 files of 16 TiB in all, 4,096 descriptors.
  public static final ClientLimits DEFAULTS = new ClientLimits(256, 16L << 40, 4096);

  /// @throws IllegalArgumentException if a number is below 0
  public ClientLimits {
    if (files < 0 || bytes < 0 || descriptors < 0) {
      throw new IllegalArgumentException("Limits are 0 or more");
    }
  }

  /// A client's part of what this process can give away.
  MemoryBudget ofProcess() {
    return MemoryBudget.ofProcess().share(files, bytes, descriptors);
  }
}
