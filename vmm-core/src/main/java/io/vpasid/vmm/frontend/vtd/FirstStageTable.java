package io.vpasid.vmm.frontend.vtd;

/// A guest's first-stage page table: the format of an x86-64 CPU (section 9.7).
///
/// @param pointer FSPTPTR: address of the top table, a multiple of 4096; guest-physical
/// @param addressWidth FSPM: 48 (four levels) or 57 (five)
/// @param supervisorRequests SRE: requests with privilege are allowed
/// @param writeProtect WPE: such requests, too, may only write where R/W is set
/// @param extendedAccessed EAFE: the extended accessed flag, bit 10 of an entry, is set on access
public record FirstStageTable(
    long pointer,
    int addressWidth,
    boolean supervisorRequests,
    boolean writeProtect,
    boolean extendedAccessed) {

  @Override
  public String toString() {
    return "first stage at 0x%x, %d bits%s%s%s"
        .formatted(
            pointer,
            addressWidth,
            supervisorRequests ? ", SRE" : "",
            writeProtect ? ", WPE" : "",
            extendedAccessed ? ", EAFE" : "");
  }
}
