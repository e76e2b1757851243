package io.vpasid.vmm.frontend.vtd;

import static io.vpasid.vmm.frontend.vtd.Bits.field;
import static io.vpasid.vmm.frontend.vtd.Bits.has;

import java.util.Locale;

/// The capabilities that a unit offers its guest: the registers CAP and ECAP (sections 11.4.2 and
/// 11.4.3). They never change while a guest runs, and where a host is behind the unit they are
/// never more than it has.
///
/// | CAP | | nested | shadow | emulated | why |
/// |---|---|---|---|---|---|
/// | 2:0 | ND | 6 | 6 | 6 | 65,536 domains: what the entries have room for |
/// | 3 | AFL | 0 | 0 | 0 | no advanced fault log: no driver uses it |
/// | 4 | RWBF | 0 | 0 | 0 | memory is coherent: there is no buffer to flush |
/// | 6:5 | PHMR, PLMR | 0 | 0 | 0 | no protected memory regions |
/// | 7 | CM | 1 | 1 | 1 | the guest says, too, when an entry becomes present: there is an attach behind it |
/// | 12:8 | SAGAW | 39, 48 | 39, 48 | 39, 48, 57 | second stages of 3 and 4 levels; what a host's page table holds |
/// | 21:16 | MGAW | 47 | 47 | 56 | the same, as address bits minus 1 |
/// | 22 | ZLR | 1 | 1 | 1 | reads of no bytes from pages that may only be written are no fault |
/// | 33:24 | FRO | 22 | 22 | 22 | fault recording registers at 0x220 |
/// | 37:34 | SSLPS | 3 | 3 | 3 | second-stage pages of 2 MiB and 1 GiB |
/// | 39 | PSI | 1 | 1 | 1 | one page can be invalidated, so that not everything is walked again |
/// | 47:40 | NFR | 7 | 7 | 7 | 8 fault recording registers |
/// | 53:48 | MAMV | 18 | 18 | 18 | up to 2^18 pages, 1 GiB, at a time |
/// | 55:54 | DRD, DWD | 3 | 3 | 3 | reads and writes drain: a wait point is one for DMA under way |
/// | 56 | FS1GP | host | 0 | 1 | first-stage pages of 1 GiB, which SVA on such a CPU needs |
/// | 59 | PI | 0 | 0 | 0 | no posted interrupts without interrupt remapping |
/// | 60 | FS5LP | host | 0 | 1 | first stages of 5 levels, which SVA on a CPU with LA57 needs |
/// | 63:61 | ESRTPS, … | 0 | 0 | 0 | a guest invalidates after SRTP: nothing to gain |
///
/// | ECAP | | nested | shadow | emulated | why |
/// |---|---|---|---|---|---|
/// | 0 | C | 1 | 1 | 1 | page walks are coherent: the guest need not flush its caches |
/// | 1 | QI | 1 | 1 | 1 | the queue, without which there is no scalable mode |
/// | 2 | DT | PRI | 0 | 1 | device TLBs (ATS), which page requests need |
/// | 4:3 | EIM, IR | 0 | 0 | 0 | no interrupt remapping |
/// | 6 | PT | 1 | 1 | 1 | pass-through: the guest's memory as page table |
/// | 7 | SC | host | 0 | 1 | snoop control, PGSNP |
/// | 17:8 | IRO | f | f | f | IVA and IOTLB at 0xf0 |
/// | 25 | MTS | 0 | 0 | 0 | no memory types: PAT, CD, EMTE are reserved |
/// | 26 | NEST | 0 | 0 | 1 | nested translation by the guest itself; the host's nesting is below it and not seen |
/// | 29 | PRS | PRI | 0 | 1 | page requests, if the host hands them up |
/// | 30 | ERS | 0 | 0 | 0 | no requests to execute |
/// | 31 | SRS | host | 0 | 1 | requests with privilege |
/// | 34 | EAFS | host | 0 | 1 | extended accessed flag |
/// | 39:35 | PSS | host | host | 19 | bits of a PASID minus 1 |
/// | 40 | PASID | host | host | 1 | PASIDs |
/// | 42 | PDS | PRI | 0 | 1 | page requests drain |
/// | 43 | SMTS | 1 | 1 | 1 | scalable mode |
/// | 45 | SSADS | 0 | 0 | 1 | accessed and dirty bits in a second stage: a shadow of it has none |
/// | 46 | SSTS | 0 | 1 | 1 | second stage in scalable mode |
/// | 47 | FSTS | 1 | 0 | 1 | first stage: only where hardware walks the guest's own table, as it changes without a word |
/// | 48 | SMPWC | host | 1 | 1 | page walks snoop, which SVA needs |
/// | 49 | RPS | 0 | 0 | 0 | RID_PASID is 0 |
///
/// *host* is what the host's register says; *PRI* what it says, if page requests are wanted. What
/// is not listed is 0.
///
/// @param cap the register CAP
/// @param ecap the register ECAP
public record VtdCapabilities(long cap, long ecap) {
  private static final long COMMON_CAP =
      6 // ND
          | 1L << 7 // CM
          | 1L << 22 // ZLR
          | (long) (RegisterOffset.FRCD >> 4) << 24 // FRO
          | 3L << 34 // SSLPS
          | 1L << 39 // PSI
          | (long) (FaultLog.RECORDS - 1) << 40 // NFR
          | 18L << 48 // MAMV
          | 3L << 54; // DRD, DWD

  private static final long THREE_AND_FOUR_LEVELS = 6L << 8 | 47L << 16;
  private static final long UP_TO_FIVE_LEVELS = 0xeL << 8 | 56L << 16;

  private static final long COMMON_ECAP =
      1 // C
          | 1L << 1 // QI
          | 1L << 6 // PT
          | (long) (RegisterOffset.IVA >> 4) << 8 // IRO
          | 1L << 43; // SMTS

  private static final long FS1GP = 1L << 56;
  private static final long FS5LP = 1L << 60;
  private static final long DT = 1L << 2;
  private static final long SC = 1L << 7;
  private static final long NEST = 1L << 26;
  private static final long PRS = 1L << 29;
  private static final long SRS = 1L << 31;
  private static final long EAFS = 1L << 34;
  private static final long PDS = 1L << 42;
  private static final long SSADS = 1L << 45;
  private static final long SSTS = 1L << 46;
  private static final long FSTS = 1L << 47;
  private static final long SMPWC = 1L << 48;

  /// First stages that the host's hardware walks nested on the guest's memory.
  ///
  /// @param hostCap the host's CAP, from hw-info
  /// @param hostEcap the host's ECAP, from hw-info
  /// @param pasidBits bits of a PASID that the host has for the functions, 0 for no PASIDs, up to
  ///   20
  /// @param pageRequests whether the host's page requests reach the unit
  /// @throws IllegalArgumentException if the host cannot nest (ECAP.NEST, SMTS, FSTS)
  public static VtdCapabilities nested(
      long hostCap, long hostEcap, int pasidBits, boolean pageRequests) {
    if (!has(hostEcap, 26) || !has(hostEcap, 43) || !has(hostEcap, 47)) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT, "ECAP 0x%x has no nested translation (NEST, SMTS, FSTS).", hostEcap));
    }
    long fromHost = SC | SRS | EAFS | SMPWC;
    long pri = DT | PRS | PDS;
    if (pageRequests && (hostEcap & pri) == pri) {
      fromHost |= pri;
    }
    int bits = has(hostEcap, 40) ? Math.min(pasidBits, field(hostEcap, 39, 35) + 1) : 0;
    return new VtdCapabilities(
        COMMON_CAP | THREE_AND_FOUR_LEVELS | (hostCap & (FS1GP | FS5LP)),
        COMMON_ECAP | FSTS | (hostEcap & fromHost) | pasids(bits));
  }

  /// Second stages that are copied into page tables of any host.
  ///
  /// @param pasidBits bits of a PASID that the host has for the functions, 0 for no PASIDs, up to
  ///   20
  public static VtdCapabilities shadow(int pasidBits) {
    return new VtdCapabilities(
        COMMON_CAP | THREE_AND_FOUR_LEVELS, COMMON_ECAP | SSTS | SMPWC | pasids(pasidBits));
  }

  /// Everything, for functions without a host, whose DMA this unit translates itself.
  public static VtdCapabilities emulated() {
    return new VtdCapabilities(
        COMMON_CAP | UP_TO_FIVE_LEVELS | FS1GP | FS5LP,
        COMMON_ECAP
            | (DT | SC | NEST | PRS | SRS | EAFS | PDS | SSADS | SSTS | FSTS | SMPWC)
            | pasids(20));
  }

  private static long pasids(int bits) {
    if (bits < 0 || bits > 20) {
      throw new IllegalArgumentException("PASIDs have 0 to 20 bits, not " + bits + ".");
    }
    return bits == 0 ? 0 : (long) (bits - 1) << 35 | 1L << 40;
  }

  /// Bits of a PASID, 0 if there are none.
  int pasidBits() {
    return has(ecap, 40) ? field(ecap, 39, 35) + 1 : 0;
  }

  /// PRS: whether functions can ask for pages.
  boolean pageRequests() {
    return has(ecap, 29);
  }

  /// DT: whether functions can cache translations.
  boolean deviceTlb() {
    return has(ecap, 2);
  }

  /// FSTS: whether there are first stages.
  boolean firstStage() {
    return has(ecap, 47);
  }

  /// SSTS: whether there are second stages in scalable mode.
  boolean secondStage() {
    return has(ecap, 46);
  }

  /// NEST: whether a first stage can be nested on a second.
  boolean nesting() {
    return has(ecap, 26);
  }

  boolean passThrough() {
    return has(ecap, 6);
  }

  boolean snoopControl() {
    return has(ecap, 7);
  }

  boolean supervisorRequests() {
    return has(ecap, 31);
  }

  boolean extendedAccessed() {
    return has(ecap, 34);
  }

  boolean pageRequestDrain() {
    return has(ecap, 42);
  }

  boolean secondStageAccessedDirty() {
    return has(ecap, 45);
  }

  boolean pageWalkSnoop() {
    return has(ecap, 48);
  }

  boolean fiveLevelFirstStage() {
    return has(cap, 60);
  }

  boolean hugeFirstStagePages() {
    return has(cap, 56);
  }

  /// Address bits, MGAW.
  int addressBits() {
    return field(cap, 21, 16) + 1;
  }

  /// True if second stages of an address width are offered (SAGAW).
  ///
  /// @param addressWidth AW as an entry has it: 1 is 39 bits, 2 is 48, 3 is 57
  boolean hasSecondStageWidth(int addressWidth) {
    return addressWidth >= 1 && addressWidth <= 3 && has(cap, 8 + addressWidth);
  }

  /// MAMV: the largest address mask of an IOTLB invalidation.
  int addressMask() {
    return field(cap, 53, 48);
  }
}
