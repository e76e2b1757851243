package io.vpasid.it.contract;

import io.vpasid.vmm.frontend.nested.NestedFormat;
import io.vpasid.vmm.frontend.vtd.FirstStageTable;
import io.vpasid.vmm.iommufd.HwptData;
import io.vpasid.vmm.iommufd.Invalidation;
import io.vpasid.vmm.iommufd.Payload;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;

/// The mock IOMMU's own structures: `iommu_hwpt_selftest` and `iommu_hwpt_invalidate_selftest`.
/// Which of the four entries of its IOTLB goes the address says.
final class MockFormat implements NestedFormat {
  /// What a nested page table has cached at first.
  static final int CACHED = 0xbadbeef;

  private static final int TYPE = 0xdead;
  private static final int INVALIDATION_TYPE = 0xdeadbeef;
  private static final int FLUSH_ALL = 1;

  @Override
  public HwptData pageTable(FirstStageTable table) {
    return new HwptData.Other(TYPE, ints(CACHED, 0));
  }

  @Override
  public Invalidation invalidation(List<Invalidation.VtdS1.Entry> entries) {
    int[] words = new int[2 * entries.size()];
    for (int i = 0; i < entries.size(); i++) {
      boolean all = entries.get(i).equals(Invalidation.VtdS1.Entry.ALL);
      words[2 * i] = all ? FLUSH_ALL : 0;
      words[2 * i + 1] = all ? 0 : (int) (entries.get(i).address() >>> 12);
    }
    return new Invalidation.Other(INVALIDATION_TYPE, 8, entries.size(), ints(words));
  }

  private static Payload ints(int... words) {
    ByteBuffer bytes = ByteBuffer.allocate(4 * words.length).order(ByteOrder.nativeOrder());
    for (int word : words) {
      bytes.putInt(word);
    }
    return Payload.of(bytes.array());
  }
}
