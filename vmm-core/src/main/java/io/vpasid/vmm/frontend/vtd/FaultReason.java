package io.vpasid.vmm.frontend.vtd;

/// Why DMA was blocked (section 7.1.3): 01 to 0E in legacy mode, from 30 on in scalable mode.
///
/// A *qualified* fault is not recorded if FPD (fault processing disable) is set in the context
/// entry, PASID directory entry or PASID table entry that the request was looked up with.
public enum FaultReason {
  /// LRT.2: the root entry is not present.
  LEGACY_ROOT_NOT_PRESENT(0x01, false),
  /// LCT.2: the context entry is not present.
  LEGACY_CONTEXT_NOT_PRESENT(0x02, true),
  /// LCT.4.x: the context entry asks for what the unit has not, or its page table pointer does not
  /// lead to memory.
  LEGACY_CONTEXT_INVALID(0x03, true),
  /// LGN.1: the address is beyond what the context entry's width or CAP.MGAW allows.
  LEGACY_ADDRESS_BEYOND_WIDTH(0x04, true),
  /// LGN.2: no right to write.
  LEGACY_NO_WRITE(0x05, true),
  /// LGN.3: no right to read.
  LEGACY_NO_READ(0x06, true),
  /// LSS.1: a paging entry is not in memory.
  LEGACY_PAGING_ENTRY_ACCESS(0x07, true),
  /// LRT.1: the root entry is not in memory.
  LEGACY_ROOT_ACCESS(0x08, false),
  /// LCT.1: the context entry is not in memory.
  LEGACY_CONTEXT_ACCESS(0x09, false),
  /// LRT.3: the root entry has reserved bits set.
  LEGACY_ROOT_RESERVED(0x0a, false),
  /// LCT.3: the context entry has reserved bits set.
  LEGACY_CONTEXT_RESERVED(0x0b, false),
  /// LSS.2: a paging entry has reserved bits set.
  LEGACY_PAGING_ENTRY_RESERVED(0x0c, true),
  /// LCT.5: the context entry's translation type blocks translation and translated requests.
  LEGACY_TRANSLATION_TYPE_BLOCKS(0x0d, true),
  /// LGN.4: the output address is in the interrupt range, FEEx_xxxx.
  LEGACY_INTERRUPT_ADDRESS(0x0e, true),

  /// RTA.1: RTADDR asks for a mode that the unit has not.
  ROOT_TABLE_ADDRESS_INVALID(0x30, false),
  /// RTA.2: a request with PASID in legacy mode.
  PASID_IN_LEGACY_MODE(0x31, false),
  /// RTA.3: a page request in legacy mode.
  PAGE_REQUEST_IN_LEGACY_MODE(0x32, false),
  /// SRT.1: the root entry is not in memory.
  ROOT_ACCESS(0x38, false),
  /// SRT.2: the root entry is not present.
  ROOT_NOT_PRESENT(0x39, false),
  /// SRT.3: the root entry has reserved bits set.
  ROOT_RESERVED(0x3a, false),
  /// SCT.1: the context entry is not in memory.
  CONTEXT_ACCESS(0x40, false),
  /// SCT.2: the context entry is not present.
  CONTEXT_NOT_PRESENT(0x41, true),
  /// SCT.3: the context entry has reserved bits set.
  CONTEXT_RESERVED(0x42, true),
  /// SCT.4.x: the context entry contradicts itself, as with PRE and no DTE.
  CONTEXT_INVALID(0x43, true),
  /// SCT.5: a translation request, and DTE is 0.
  DEVICE_TLB_DISABLED(0x44, true),
  /// SCT.6: a request with PASID, and PASIDE is 0.
  PASID_DISABLED(0x45, true),
  /// SCT.7: the PASID is beyond the PASID directory (PDTS).
  PASID_BEYOND_DIRECTORY(0x46, true),
  /// SCT.8: a page request, and PRE is 0.
  PAGE_REQUEST_DISABLED(0x47, true),
  /// SCT.9: a request with PASID, and the PASID is RID_PASID, that of requests without.
  PASID_IS_RID_PASID(0x48, true),
  /// SPD.1: the PASID directory entry is not in memory.
  DIRECTORY_ACCESS(0x50, false),
  /// SPD.2: the PASID directory entry is not present.
  DIRECTORY_NOT_PRESENT(0x51, true),
  /// SPD.3: the PASID directory entry has reserved bits set.
  DIRECTORY_RESERVED(0x52, true),
  /// SPT.1: the PASID table entry is not in memory.
  PASID_ENTRY_ACCESS(0x58, false),
  /// SPT.2: the PASID table entry is not present.
  PASID_ENTRY_NOT_PRESENT(0x59, true),
  /// SPT.3: the PASID table entry has reserved bits set.
  PASID_ENTRY_RESERVED(0x5a, true),
  /// SPT.4.x: the PASID table entry asks for what the unit has not; also what is recorded when the
  /// host could not do what it asks for.
  PASID_ENTRY_INVALID(0x5b, true),
  /// SPT.5: a request to execute, and ERE is 0 (specifications before 4.0).
  EXECUTE_DISABLED(0x5c, true),
  /// SPT.6: a request with privilege, and SRE is 0.
  SUPERVISOR_DISABLED(0x5d, true),
  /// SFS.1: a first-stage entry is not in memory.
  FIRST_STAGE_ACCESS(0x70, true),
  /// SFS.2: a first-stage entry is not present.
  FIRST_STAGE_NOT_PRESENT(0x71, true),
  /// SFS.3: a first-stage entry has reserved bits set.
  FIRST_STAGE_RESERVED(0x72, true),
  /// SFS.4: the first entry of the top first-stage table is not in memory.
  FIRST_STAGE_TOP_ACCESS(0x73, true),
  /// SFS.5, nested: the address of a first-stage table is beyond the second stage's width.
  FIRST_STAGE_BEYOND_WIDTH(0x74, true),
  /// SFS.6, nested: the second stage gives no right to read the top first-stage table.
  FIRST_STAGE_TOP_NO_READ(0x75, true),
  /// SFS.7, nested: it gives no right to read another first-stage table.
  FIRST_STAGE_NO_READ(0x76, true),
  /// SFS.8, nested: it gives no right to write a first-stage table, for accessed and dirty bits.
  FIRST_STAGE_NO_WRITE(0x77, true),
  /// SSS.1: a second-stage entry is not in memory.
  SECOND_STAGE_ACCESS(0x78, true),
  /// SSS.2: a second-stage entry gives no right at all, that is, it is not present; or all entries
  /// together give none.
  SECOND_STAGE_NOT_PRESENT(0x79, true),
  /// SSS.3: a second-stage entry has reserved bits set.
  SECOND_STAGE_RESERVED(0x7a, true),
  /// SSS.4: the second-stage page table pointer does not lead to memory.
  SECOND_STAGE_POINTER(0x7b, true),
  /// SSS.5: an accessed or dirty bit would have to be set, and page walks do not snoop.
  SECOND_STAGE_NO_SNOOP(0x7c, true),
  /// SSS.6: such a bit could not be set, because the entry cannot be written or keeps changing.
  SECOND_STAGE_UPDATE_FAILED(0x7d, true),
  /// SGN.1: the address is not canonical.
  NOT_CANONICAL(0x80, true),
  /// SGN.2: a page of the supervisor's, and the request has the user's privilege.
  SUPERVISOR_PAGE(0x81, true),
  /// SGN.3: no right to execute.
  NO_EXECUTE(0x82, true),
  /// SGN.4: the address is beyond what the unit has.
  ADDRESS_BEYOND_UNIT(0x83, true),
  /// SGN.5: the address is beyond the second stage's width.
  ADDRESS_BEYOND_WIDTH(0x84, true),
  /// SGN.6: no right to write.
  NO_WRITE(0x85, true),
  /// SGN.7: no right to read.
  NO_READ(0x86, true),
  /// SGN.8: the output address is in the interrupt range, FEEx_xxxx.
  INTERRUPT_ADDRESS(0x87, true),
  /// SFS.9: an accessed or dirty bit of a first-stage entry would have to be set, and page walks do
  /// not snoop.
  FIRST_STAGE_NO_SNOOP(0x90, true),
  /// SFS.10: such a bit could not be set, because the entry cannot be written or keeps changing.
  FIRST_STAGE_UPDATE_FAILED(0x91, true);

  private final int code;
  private final boolean qualified;

  FaultReason(int code, boolean qualified) {
    this.code = code;
    this.qualified = qualified;
  }

  /// The number in a fault recording register, 8 bits.
  public int code() {
    return code;
  }

  /// True if FPD keeps it from being recorded.
  boolean isQualified() {
    return qualified;
  }
}
