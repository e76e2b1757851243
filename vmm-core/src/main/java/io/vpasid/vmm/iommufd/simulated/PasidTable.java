package io.vpasid.vmm.iommufd.simulated;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/// Maps PASIDs to the ids of page tables, 4 bytes for each.
///
/// A tree of three levels over 31 bits, as wide as the kernel's own ids can get. Its leaves have
/// 1024 entries and are made when first needed.
final class PasidTable {
  private static final int LEAF_LOG2 = 10;
  private static final int LEAF = 1 << LEAF_LOG2;
  private static final int BRANCH_LOG2 = 10;
  private static final int BRANCH = 1 << BRANCH_LOG2;
  private static final int TOP_SHIFT = LEAF_LOG2 + BRANCH_LOG2;
  private static final int ROOT = 1 << (31 - TOP_SHIFT);

  private static final class Branch {
    final @Nullable Leaf[] leaves = new @Nullable Leaf[BRANCH];
    int used;
  }

  private static final class Leaf {
    final Branch branch;
    final int[] ids = new int[LEAF];
    int used;

    Leaf(Branch branch) {
      this.branch = branch;
    }
  }

  /// One branch, which PASIDs of PCI Express never leave, until a wider one is attached.
  private @Nullable Branch[] root = new @Nullable Branch[1];

  private int size;

  /// Number of PASIDs with a page table.
  int size() {
    return size;
  }

  /// The page table of a PASID; 0 if it has none.
  ///
  /// @param pasid not negative
  int get(int pasid) {
    Leaf leaf = leaf(pasid);
    return leaf == null ? 0 : leaf.ids[pasid & (LEAF - 1)];
  }

  /// Gives a PASID a page table, or with 0 takes it away.
  ///
  /// @param pasid not negative
  void set(int pasid, int id) {
    Leaf leaf = leaf(pasid);
    if (leaf == null) {
      if (id == 0) {
        return;
      }
      leaf = grow(pasid);
    }
    int before = leaf.ids[pasid & (LEAF - 1)];
    leaf.ids[pasid & (LEAF - 1)] = id;
    int more = (id == 0 ? 0 : 1) - (before == 0 ? 0 : 1);
    leaf.used += more;
    leaf.branch.used += more;
    size += more;
  }

  /// The lowest PASID from `from` on that has a page table; -1 if there is none.
  int next(int from) {
    long pasid = from;
    while (pasid >>> TOP_SHIFT < root.length) {
      Branch branch = root[(int) (pasid >>> TOP_SHIFT)];
      if (branch == null || branch.used == 0) {
        pasid = ((pasid >>> TOP_SHIFT) + 1) << TOP_SHIFT;
        continue;
      }
      Leaf leaf = branch.leaves[(int) (pasid >>> LEAF_LOG2) & (BRANCH - 1)];
      long end = ((pasid >>> LEAF_LOG2) + 1) << LEAF_LOG2;
      if (leaf == null || leaf.used == 0) {
        pasid = end;
        continue;
      }
      for (; pasid < end; pasid++) {
        if (leaf.ids[(int) pasid & (LEAF - 1)] != 0) {
          return (int) pasid;
        }
      }
    }
    return -1;
  }

  private @Nullable Leaf leaf(int pasid) {
    int top = pasid >>> TOP_SHIFT;
    Branch branch = top < root.length ? root[top] : null;
    return branch == null ? null : branch.leaves[(pasid >>> LEAF_LOG2) & (BRANCH - 1)];
  }

  private Leaf grow(int pasid) {
    int top = pasid >>> TOP_SHIFT;
    if (top >= root.length) {
      root = Arrays.copyOf(root, ROOT);
    }
    Branch branch = root[top];
    if (branch == null) {
      branch = new Branch();
      root[top] = branch;
    }
    Leaf leaf = new Leaf(branch);
    branch.leaves[(pasid >>> LEAF_LOG2) & (BRANCH - 1)] = leaf;
    return leaf;
  }
}
