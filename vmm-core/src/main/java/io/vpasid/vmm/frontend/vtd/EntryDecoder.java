package io.vpasid.vmm.frontend.vtd;

import static io.vpasid.vmm.frontend.vtd.Bits.field;
import static io.vpasid.vmm.frontend.vtd.Bits.has;
import static io.vpasid.vmm.frontend.vtd.Bits.mask;

import org.jspecify.annotations.Nullable;

/// Checks context and PASID table entries against what the unit offers, and decodes them.
///
/// PASID table entry, 64 bytes (section 9.6):
///
/// ```text
///      63                     12 11 10  9     8   6   5   4  2  1   0
///  0  |        SSPTPTR          | 0 0 |SSADE| PGTT | 0 |  AW  |FPD| P |
///      63      32 31   27  26   25   24    23   22  16 15             0
///  1  |   PAT    |   0   |EMTE| CD |PGSNP|PWSNP|  0   |      DID       |
///      63                     12 11   8   7   6   5   4   3   2  1   0
///  2  |        FSPTPTR          |  0   |EAFE|ignored |WPE| FSPM | 0 |SRE|
/// 3-7 |                            0                                   |
/// ```
///
/// A field whose capability is not offered is reserved (0), whatever PGTT says: PAT, EMTE and CD
/// without ECAP.MTS, which is never offered, SSPTPTR and SSADE without ECAP.SSTS, FSPTPTR, FSPM and
/// WPE without ECAP.FSTS. One that is offered is ignored where PGTT does not use it. Pointers
/// beyond the host's address width are not told from others: they do not lead to memory.
final class EntryDecoder {
  private static final int FIRST_STAGE = 1;
  private static final int SECOND_STAGE = 2;
  private static final int NESTED = 3;
  private static final int PASS_THROUGH = 4;

  private final VtdCapabilities capabilities;
  private final long contextReserved;
  private final long controlReserved;
  private final long pointerReserved;
  private final long firstStageReserved;

  EntryDecoder(VtdCapabilities capabilities) {
    this.capabilities = capabilities;
    contextReserved =
        mask(8, 5)
            | (capabilities.deviceTlb() ? 0 : 1L << 2)
            | (capabilities.pasidBits() > 0 ? 0 : 1L << 3)
            | (capabilities.pageRequests() ? 0 : 1L << 4);
    pointerReserved =
        mask(11, 10)
            | 1L << 5
            | (capabilities.secondStage() ? 0 : mask(63, 12))
            | (capabilities.secondStageAccessedDirty() ? 0 : 1L << 9);
    controlReserved =
        mask(63, 25)
            | mask(22, 16)
            | (capabilities.pageWalkSnoop() ? 0 : 1L << 23)
            | (capabilities.snoopControl() ? 0 : 1L << 24);
    firstStageReserved =
        mask(11, 8)
            | 1L << 1
            | (capabilities.firstStage() ? 0 : mask(63, 12) | mask(4, 2))
            | (capabilities.supervisorRequests() ? 0 : 1L)
            | (capabilities.extendedAccessed() ? 0 : 1L << 7);
  }

  /// Checks a context entry of scalable mode.
  ///
  /// @return null if it is as it should be
  @Nullable FaultReason checkScalableContext(long[] words) {
    if (!has(words[0], 0)) {
      return FaultReason.CONTEXT_NOT_PRESENT;
    }
    // RID_PASID and RID_PRIV, in word 1, need ECAP.RPS and ECAP.RPRIVS, which are not offered.
    if ((words[0] & contextReserved) != 0 || (words[1] | words[2] | words[3]) != 0) {
      return FaultReason.CONTEXT_RESERVED;
    }
    boolean asksWithoutTranslating = has(words[0], 4) && !has(words[0], 2);
    return asksWithoutTranslating ? FaultReason.CONTEXT_INVALID : null;
  }

  /// Checks a context entry of legacy mode.
  ///
  /// @return null if it is as it should be
  @Nullable FaultReason checkLegacyContext(long[] words) {
    if (!has(words[0], 0)) {
      return FaultReason.LEGACY_CONTEXT_NOT_PRESENT;
    }
    if ((words[0] & mask(11, 4)) != 0 || (words[1] & (mask(63, 24) | 1L << 7)) != 0) {
      return FaultReason.LEGACY_CONTEXT_RESERVED;
    }
    boolean offered =
        switch (field(words[0], 3, 2)) {
          case 0 -> capabilities.hasSecondStageWidth(field(words[1], 2, 0));
          case 1 ->
              capabilities.deviceTlb() && capabilities.hasSecondStageWidth(field(words[1], 2, 0));
          case 2 -> capabilities.passThrough();
          default -> false;
        };
    return offered ? null : FaultReason.LEGACY_CONTEXT_INVALID;
  }

  /// Checks a PASID table entry.
  ///
  /// @return null if it is as it should be
  @Nullable FaultReason checkPasidEntry(long[] words) {
    if (!has(words[0], 0)) {
      return FaultReason.PASID_ENTRY_NOT_PRESENT;
    }
    if ((words[0] & pointerReserved) != 0
        || (words[1] & controlReserved) != 0
        || (words[2] & firstStageReserved) != 0
        || (words[3] | words[4] | words[5] | words[6] | words[7]) != 0) {
      return FaultReason.PASID_ENTRY_RESERVED;
    }
    boolean offered =
        switch (field(words[0], 8, 6)) {
          case FIRST_STAGE -> capabilities.firstStage() && firstStageWidth(words);
          case SECOND_STAGE -> capabilities.secondStage() && secondStageWidth(words);
          case NESTED ->
              capabilities.nesting() && firstStageWidth(words) && secondStageWidth(words);
          case PASS_THROUGH -> capabilities.passThrough();
          default -> false;
        };
    return offered ? null : FaultReason.PASID_ENTRY_INVALID;
  }

  private boolean firstStageWidth(long[] words) {
    int mode = field(words[2], 3, 2);
    return mode == 0 || (mode == 1 && capabilities.fiveLevelFirstStage());
  }

  private boolean secondStageWidth(long[] words) {
    return capabilities.hasSecondStageWidth(field(words[0], 4, 2));
  }

  /// Decodes a PASID table entry that was checked.
  Translation pasidEntry(long[] words) {
    int domainId = field(words[1], 15, 0);
    boolean pageSnoop = has(words[1], 24);
    boolean pageWalkSnoop = has(words[1], 23);
    return switch (field(words[0], 8, 6)) {
      case FIRST_STAGE ->
          new Translation.FirstStage(domainId, firstStage(words), pageSnoop, pageWalkSnoop);
      case SECOND_STAGE ->
          new Translation.SecondStage(domainId, secondStage(words), pageSnoop, pageWalkSnoop);
      case NESTED ->
          new Translation.Nested(
              domainId, firstStage(words), secondStage(words), pageSnoop, pageWalkSnoop);
      default -> new Translation.PassThrough(domainId, pageSnoop);
    };
  }

  /// Decodes a context entry of legacy mode that was checked.
  Translation legacyEntry(long[] words) {
    int domainId = field(words[1], 23, 8);
    return field(words[0], 3, 2) == 2
        ? new Translation.PassThrough(domainId, false)
        : new Translation.SecondStage(
            domainId,
            new SecondStageTable(words[0] & ~0xfffL, width(field(words[1], 2, 0)), false),
            false,
            true);
  }

  private static FirstStageTable firstStage(long[] words) {
    return new FirstStageTable(
        words[2] & ~0xfffL,
        field(words[2], 3, 2) == 0 ? 48 : 57,
        has(words[2], 0),
        has(words[2], 4),
        has(words[2], 7));
  }

  private static SecondStageTable secondStage(long[] words) {
    return new SecondStageTable(words[0] & ~0xfffL, width(field(words[0], 4, 2)), has(words[0], 9));
  }

  private static int width(int field) {
    return 30 + 9 * field;
  }
}
