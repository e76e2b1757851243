package io.vpasid.synth.preflight;

import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// The two capability registers of the guest's Intel IOMMU.
///
/// ```text
///  CAP  (0x08)  60 FS5LP five-level first stage    56 FS1GP first-stage pages of 1 GiB
///               12:8 SAGAW address widths of the second stage
///  ECAP (0x10)  48 SMPWC walks snoop
///               47 FSTS  first stage               46 SSTS second stage, both in scalable mode
///               43 SMTS  scalable mode             42 PDS  page-request drain
///               40 PASID PASIDs                    39:35 PSS  bits of a PASID, minus 1
///               29 PRS   page requests             2 DT   device TLBs
/// ```
///
/// Intel Virtualization Technology for Directed I/O 5.0, sections 11.4.2 and 11.4.3. A running
/// guest has the values in `/sys/class/iommu/dmar0/intel-iommu/cap` and `ecap`.
///
/// @param cap Capability Register
/// @param ecap Extended Capability Register
public record IommuRegisters(long cap, long ecap) {
  static final int CAP = 0x08;
  static final int ECAP = 0x10;

  private static final Pattern TEXT =
      Pattern.compile("cap=(?:0[xX])?([0-9a-fA-F]{1,16}),ecap=(?:0[xX])?([0-9a-fA-F]{1,16})");

  /// Address widths that Linux tries: 30, 39, 48 and 57 bits, in SAGAW bits 0 to 3.
  private static final int USABLE_WIDTHS = 0xf;

  private static final int FOUR_LEVELS = 1 << 2;
  private static final int FIVE_LEVELS = 1 << 3;

  /// Reads `cap=HEX,ecap=HEX`, with or without 0x.
  ///
  /// @throws IllegalArgumentException if the text is anything else; the message says what it should
  ///   be
  public static IommuRegisters parse(String text) {
    Matcher m = TEXT.matcher(text);
    if (!m.matches()) {
      throw new IllegalArgumentException(
          "IOMMU registers '" + text + "': write cap=HEX,ecap=HEX, up to 16 digits each");
    }
    return new IommuRegisters(
        Long.parseUnsignedLong(m.group(1), 16), Long.parseUnsignedLong(m.group(2), 16));
  }

  /// ECAP.SMTS, bit 43: scalable mode.
  boolean scalableMode() {
    return bit(ecap, 43);
  }

  /// ECAP.PASID, bit 40: PASIDs.
  boolean pasid() {
    return bit(ecap, 40);
  }

  /// ECAP.PSS, bits 39:35, plus 1: bits of a PASID, 1 to 32.
  int pasidBits() {
    return (int) (ecap >>> 35 & 0x1f) + 1;
  }

  /// ECAP.SMPWC, bit 48: walks of page tables snoop the caches of the CPU.
  boolean snoopedWalks() {
    return bit(ecap, 48);
  }

  /// CAP.FS1GP, bit 56: first-stage pages of 1 GiB.
  boolean firstStageGigabytePages() {
    return bit(cap, 56);
  }

  /// CAP.FS5LP, bit 60: first stages of 5 levels.
  boolean firstStageFiveLevels() {
    return bit(cap, 60);
  }

  /// ECAP.PRS, bit 29: page requests.
  boolean pageRequests() {
    return bit(ecap, 29);
  }

  /// ECAP.PDS, bit 42: page-request drain.
  boolean pageRequestDrain() {
    return bit(ecap, 42);
  }

  /// ECAP.DT, bit 2: device TLBs, which is ATS.
  boolean deviceTlbs() {
    return bit(ecap, 2);
  }

  /// True if Linux finds an address width to work with, and so does not ignore the unit; scalable
  /// mode is taken to be switched on where the unit has it.
  boolean hasUsableWidth() {
    int secondStage = (int) (cap >>> 8) & 0x1f;
    boolean second = bit(ecap, 46);
    if (secondStage == 0 && (!scalableMode() || second)) {
      return false;
    }
    int firstStage = FOUR_LEVELS | (bit(cap, 60) ? FIVE_LEVELS : 0);
    boolean first = scalableMode() && bit(ecap, 47);
    int widths = first ? (second ? firstStage & secondStage : firstStage) : secondStage;
    return (widths & USABLE_WIDTHS) != 0;
  }

  Evidence capEvidence() {
    return new Evidence("IOMMU", CAP, 8, cap, "Capability Register");
  }

  Evidence ecapEvidence() {
    return new Evidence("IOMMU", ECAP, 8, ecap, "Extended Capability Register");
  }

  private static boolean bit(long register, int bit) {
    return (register >>> bit & 1) != 0;
  }

  /// The form that [#parse] reads.
  @Override
  public String toString() {
    return String.format(Locale.ROOT, "cap=%x,ecap=%x", cap, ecap);
  }
}
