package io.vpasid.vmm.frontend.vtd;

/// A guest's second-stage page table (section 9.8).
///
/// @param pointer SSPTPTR, or ASR of a legacy context entry: address of the top table, a multiple
///   of 4096; guest-physical
/// @param addressWidth AW: 39 (three levels), 48 (four) or 57 (five)
/// @param accessedDirty SSADE: accessed and dirty bits, 8 and 9 of an entry, are set; never in
///   legacy mode
public record SecondStageTable(long pointer, int addressWidth, boolean accessedDirty) {

  @Override
  public String toString() {
    return "second stage at 0x%x, %d bits%s"
        .formatted(pointer, addressWidth, accessedDirty ? ", SSADE" : "");
  }
}
