package io.vpasid.pci.emulation;

/// The rules that masks do not express. Each sees the doubleword of its register, and is equal to
/// one that decides the same.
final class WriteRules {
  private static final int PASID_ENABLE = 1 << 16;
  private static final int PASID_PERMISSIONS = 3 << 17;

  /// See [WriteRule#pasidControl].
  static final WriteRule PASID_CONTROL =
      (before, proposed) ->
          (before & proposed & PASID_ENABLE) == 0
              ? proposed
              : (proposed & ~PASID_PERMISSIONS) | (before & PASID_PERMISSIONS);

  private static final int PRI_ENABLE = 1;
  private static final int PRI_RESET = 1 << 1;
  private static final int PRI_FAILURES = 3 << 16;
  private static final int PRI_STOPPED = 1 << 24;

  /// Reset reads as 0 and clears the failures, and only while the interface is off; Stopped says
  /// whether the interface is off, because nothing has requests outstanding here.
  static final WriteRule PAGE_REQUEST_CONTROL =
      (before, proposed) -> {
        int after = proposed & ~PRI_RESET;
        if ((proposed & PRI_RESET) != 0 && (proposed & PRI_ENABLE) == 0) {
          after &= ~PRI_FAILURES;
        }
        return (after & PRI_ENABLE) != 0 ? after & ~PRI_STOPPED : after | PRI_STOPPED;
      };

  /// Multiple Message Enable (bits 22:20) does not exceed Multiple Message Capable (bits 19:17),
  /// nor the 32 vectors that the highest encoding in use stands for.
  static final WriteRule MULTIPLE_MESSAGES =
      (_, proposed) -> {
        int capable = Math.min(proposed >>> 17 & 7, 5);
        int enabled = Math.min(proposed >>> 20 & 7, capable);
        return (proposed & ~(7 << 20)) | enabled << 20;
      };

  private static final int VPD_FLAG = 1 << 31;

  /// A VPD transfer is over at once: the flag turns to the opposite of what is written.
  static final WriteRule VPD_TRANSFER = (_, proposed) -> proposed ^ VPD_FLAG;

  private static final int DPA_ENABLED = 1 << 8;

  private WriteRules() {}

  /// A power state that the function does not support is not entered (§7.5.2.2).
  static WriteRule powerState(RegisterBlock power) {
    return new PowerState(power.bit(0x00, 25), power.bit(0x00, 26));
  }

  private record PowerState(boolean hasD1, boolean hasD2) implements WriteRule {
    @Override
    public int apply(int before, int proposed) {
      return switch (proposed & 3) {
        case 1 -> hasD1 ? proposed : keep(before, proposed, 3);
        case 2 -> hasD2 ? proposed : keep(before, proposed, 3);
        default -> proposed;
      };
    }
  }

  /// From D3hot to D0 a function without No_Soft_Reset resets itself (§7.5.2.2).
  static ResetCondition powerUp(RegisterBlock power) {
    return new PowerUp(power.bit(0x04, 3));
  }

  private record PowerUp(boolean noSoftReset) implements ResetCondition {
    @Override
    public boolean isReset(int before, int proposed) {
      return !noSoftReset && (before & 3) == 3 && (proposed & 3) == 0;
    }
  }

  /// NumVFs never exceeds TotalVFs: a larger number is not taken (§9.3.3.7).
  static WriteRule numVfs(RegisterBlock sriov) {
    return new NumVfs(sriov.bits(0x0c, 31, 16));
  }

  private record NumVfs(int total) implements WriteRule {
    @Override
    public int apply(int before, int proposed) {
      return (proposed & 0xffff) <= total ? proposed : keep(before, proposed, 0xffff);
    }
  }

  /// System Page Size has one bit of Supported Page Sizes (§9.3.3.13).
  static WriteRule pageSize(RegisterBlock sriov) {
    return new PageSize(sriov.dword(0x1c));
  }

  private record PageSize(int supported) implements WriteRule {
    @Override
    public int apply(int before, int proposed) {
      return Integer.bitCount(proposed) == 1 && (proposed & ~supported) == 0 ? proposed : before;
    }
  }

  /// ST Mode Select takes the modes that the function supports, TPH Requester Enable no reserved
  /// encoding (§7.9.13.3).
  static WriteRule steering(RegisterBlock tph) {
    return new Steering(tph.bits(0x04, 2, 0) | 1);
  }

  private record Steering(int modes) implements WriteRule {
    @Override
    public int apply(int before, int proposed) {
      int mode = proposed & 7;
      int after = mode <= 2 && (modes >>> mode & 1) == 1 ? proposed : keep(before, proposed, 7);
      return (after & 3 << 8) == 2 << 8 ? keep(before, after, 3 << 8) : after;
    }
  }

  /// While Substate Control Enabled (bit 8) is set, Substate Status (bits 4:0) follows Substate
  /// Control (bits 20:16), which does not exceed Substate_Max (§7.9.12).
  static WriteRule substate(RegisterBlock dpa) {
    return new Substate(dpa.bits(0x04, 4, 0));
  }

  private record Substate(int max) implements WriteRule {
    @Override
    public int apply(int before, int proposed) {
      int after = (proposed >>> 16 & 0x1f) <= max ? proposed : keep(before, proposed, 0x1f << 16);
      return (after & DPA_ENABLED) == 0 ? after : (after & ~0x1f) | (after >>> 16 & 0x1f);
    }
  }

  /// BAR Size (bits 13:8) takes the sizes that the function supports (§7.8.6.3).
  ///
  /// @param sizes bit n for 2^n MiB
  static WriteRule barSize(long sizes) {
    return new BarSize(sizes);
  }

  private record BarSize(long sizes) implements WriteRule {
    @Override
    public int apply(int before, int proposed) {
      return (sizes >>> (proposed >>> 8 & 0x3f) & 1) == 1
          ? proposed
          : keep(before, proposed, 0x3f00);
    }
  }

  private static int keep(int before, int proposed, int mask) {
    return (proposed & ~mask) | (before & mask);
  }
}
