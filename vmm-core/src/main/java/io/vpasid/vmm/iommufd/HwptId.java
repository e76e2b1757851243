package io.vpasid.vmm.iommufd;

/// A hardware page table, paging or nested.
///
/// @param value the object's number, 32 bits unsigned
public record HwptId(int value) implements PageTableId {
  /// No page table: the kernel numbers its objects from 1.
  public static final HwptId NONE = new HwptId(0);

  /// Kind and number, as in `HWPT 3`.
  @Override
  public String toString() {
    return "HWPT " + Integer.toUnsignedString(value);
  }
}
