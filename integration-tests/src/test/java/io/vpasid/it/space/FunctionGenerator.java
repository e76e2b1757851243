package io.vpasid.it.space;

import io.vpasid.pci.ByteRange;
import io.vpasid.pci.PciId;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.random.RandomGenerator;

/// Makes functions as the specification wants them: any capabilities, at any places that do not
/// overlap, with the lengths that their registers declare, and hidden registers in the gaps.
final class FunctionGenerator {
  /// The vendors of the functions that are made are this one and the next 7.
  static final int FIRST_VENDOR = 0x1000;

  static final int VENDORS = 8;

  private static final int[] STANDARD_IDS = {0x01, 0x03, 0x05, 0x09, 0x0d, 0x11, 0x13};
  private static final int ATTEMPTS = 12;

  private final RandomGenerator random;
  private final byte[] bytes = new byte[4096];
  private final BitSet used = new BitSet(4096);
  private final List<ByteRange> owned = new ArrayList<>();

  private FunctionGenerator(RandomGenerator random) {
    this.random = random;
    used.set(0, 0x40);
  }

  static HostSpace generate(RandomGenerator random) {
    return new FunctionGenerator(random).function();
  }

  private HostSpace function() {
    boolean virtual = random.nextInt(8) == 0;
    PciId id = new PciId(FIRST_VENDOR + random.nextInt(VENDORS), random.nextInt(1, 0x10000));
    header(virtual ? new PciId(0xffff, 0xffff) : id);
    boolean prefixes = random.nextInt(4) == 0;
    Blocks blocks = new Blocks(random, 1 << random.nextInt(5), prefixes);
    standardList(blocks);
    int list = random.nextInt(10);
    if (list > 0) {
      extendedList(blocks, virtual, list == 1);
    }
    hiddenRegisters();
    return new HostSpace(
        bytes, virtual ? Optional.of(id) : Optional.empty(), owned, true, "made at random");
  }

  private void header(PciId id) {
    random.nextBytes(bytes);
    java.util.Arrays.fill(bytes, 0x40, bytes.length, (byte) 0);
    Bytes.put16(bytes, 0x00, id.vendor());
    Bytes.put16(bytes, 0x02, id.device());
    Bytes.put16(bytes, 0x06, 0x10);
    Bytes.put8(bytes, 0x0e, random.nextInt(4) == 0 ? 0x80 : 0);
  }

  private void standardList(Blocks blocks) {
    List<Integer> offsets = new ArrayList<>();
    place(blocks.pciExpress(), 0x40, 0x100, offsets);
    for (int id : STANDARD_IDS) {
      if (random.nextInt(3) != 0) {
        place(blocks.standard(id), 0x40, 0x100, offsets);
      }
    }
    order(offsets, 0);
    Bytes.put8(bytes, 0x34, offsets.getFirst());
    for (int i = 0; i < offsets.size(); i++) {
      Bytes.put8(bytes, offsets.get(i) + 1, i + 1 < offsets.size() ? offsets.get(i + 1) : 0);
    }
  }

  private void extendedList(Blocks blocks, boolean virtual, boolean nullHead) {
    List<Integer> offsets = new ArrayList<>();
    List<Integer> ids = new ArrayList<>();
    for (int i = random.nextInt(12); i > 0; i--) {
      ids.add(blocks.randomId(virtual));
    }
    if (random.nextBoolean()) {
      ids.add(Blocks.ATS);
    }
    if (!virtual) {
      if (random.nextBoolean()) {
        ids.add(Blocks.PASID);
      }
      if (random.nextInt(3) == 0) {
        ids.add(Blocks.PRI);
      }
      if (random.nextInt(4) == 0) {
        ids.add(Blocks.SR_IOV);
      }
    }
    shuffle(ids);
    if (nullHead || ids.isEmpty()) {
      ids.addFirst(0);
    }
    boolean packed = random.nextBoolean();
    for (int id : ids) {
      byte[] block = id == 0 ? new byte[4] : blocks.extended(id);
      if (offsets.isEmpty()) {
        occupy(block, 0x100, offsets);
        if (id == 0) {
          owned.removeLast();
        }
      } else if (packed) {
        place(block, used.length(), Math.min(0x1000, used.length() + block.length + 0x20), offsets);
      } else {
        place(block, 0x100, 0x1000, offsets);
      }
    }
    order(offsets, 1);
    for (int i = 0; i < offsets.size(); i++) {
      int next = i + 1 < offsets.size() ? offsets.get(i + 1) : 0;
      Bytes.field(bytes, offsets.get(i), 31, 20, next);
    }
  }

  /// Registers that no capability describes, in the gaps of both spaces; sometimes everywhere.
  private void hiddenRegisters() {
    // A list begins at 0x100, and an empty one is 0 there.
    used.set(0x100, 0x104);
    int kind = random.nextInt(30);
    if (kind == 0) {
      for (int at = used.nextClearBit(0x100); at < 0x1000; at = used.nextClearBit(at + 1)) {
        bytes[at] = (byte) 0xff;
      }
      return;
    }
    for (int i = kind < 10 ? 0 : random.nextInt(kind == 29 ? 600 : 16); i > 0; i--) {
      int at = random.nextInt(4) == 0 ? random.nextInt(0x40, 0x100) : random.nextInt(0x104, 0x1000);
      for (int length = 1 + random.nextInt(8); length > 0 && at < 0x1000; length--, at++) {
        if (!used.get(at)) {
          bytes[at] = (byte) random.nextInt(256);
        }
      }
    }
  }

  /// Puts a block somewhere in `from` to `end` where it fits; leaves it out if that does not
  /// succeed.
  private void place(byte[] block, int from, int end, List<Integer> offsets) {
    for (int attempt = 0; attempt < ATTEMPTS && end - from >= block.length; attempt++) {
      int offset = from + random.nextInt(end - from - block.length + 1) + 3 & ~3;
      int taken = used.nextSetBit(offset);
      if (offset + block.length <= end && (taken < 0 || taken >= offset + block.length)) {
        occupy(block, offset, offsets);
        return;
      }
    }
  }

  private void occupy(byte[] block, int offset, List<Integer> offsets) {
    System.arraycopy(block, 0, bytes, offset, block.length);
    used.set(offset, offset + block.length);
    owned.add(new ByteRange(offset, block.length));
    offsets.add(offset);
  }

  /// Ascending, as most devices have it, or in any order; the first `fixed` stay where they are.
  private void order(List<Integer> offsets, int fixed) {
    if (random.nextInt(4) != 0) {
      offsets.sort(Comparator.naturalOrder());
    } else {
      shuffle(offsets.subList(fixed, offsets.size()));
    }
  }

  private <T> void shuffle(List<T> list) {
    for (int i = list.size(); i > 1; i--) {
      java.util.Collections.swap(list, i - 1, random.nextInt(i));
    }
  }
}
