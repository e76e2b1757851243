package io.vpasid.it.space;

import java.util.random.RandomGenerator;

/// Makes the bytes of capabilities, each with the length that its registers declare.
///
/// Everything that no length depends on is zeros or random. Offsets of registers and the meaning of
/// their fields are those of the PCI Express Base Specification 7.0.
final class Blocks {
  static final int PASID = 0x1b;
  static final int ATS = 0x0f;
  static final int PRI = 0x13;
  static final int SR_IOV = 0x10;

  /// Extended capabilities that any function may have.
  private static final int[] COMMON = {
    0x01, 0x02, 0x03, 0x04, 0x0b, 0x0d, 0x0e, 0x12, 0x15, 0x16, 0x17, 0x18, 0x19, 0x1d, 0x1e, 0x1f,
    0x22, 0x23, 0x25, 0x26, 0x27, 0x29, 0x2a, 0x2e, 0x2f, 0x30, 0x33
  };

  /// Those that a virtual function may have.
  private static final int[] VIRTUAL = {0x01, 0x0b, 0x0d, 0x0e, 0x17, 0x23};

  private final RandomGenerator random;
  private final int lanes;
  private final boolean prefixes;

  Blocks(RandomGenerator random, int lanes, boolean prefixes) {
    this.random = random;
    this.lanes = lanes;
    this.prefixes = prefixes;
  }

  int randomId(boolean virtualFunction) {
    int[] ids = virtualFunction ? VIRTUAL : COMMON;
    return ids[random.nextInt(ids.length)];
  }

  /// An extended capability whose next pointer is 0.
  byte[] extended(int id) {
    return switch (id) {
      case 0x01 -> aer();
      case 0x02 -> virtualChannels();
      case 0x03 -> block(id, 1, 0x0c);
      case 0x04, PRI, 0x1e, 0x29, 0x2f -> block(id, 1, 0x10);
      case 0x0b -> declared(id, 8 + 4 * random.nextInt(30));
      case 0x0d -> acs();
      case 0x0e, ATS, 0x18 -> block(id, 1, 0x08);
      case SR_IOV -> block(id, 1, 0x40);
      case 0x12 -> block(id, 1, 0x28);
      case 0x15 -> resizableBars();
      case 0x16 -> powerAllocation();
      case 0x17 -> steeringTags();
      case 0x19 -> block(id, 1, dwords(0x0c + 2 * lanes));
      case PASID -> pasid();
      case 0x1d -> downstreamContainment();
      case 0x1f, 0x22, 0x25 -> block(id, 1, 0x0c);
      case 0x23 -> declared(id, 0x0c + 4 * random.nextInt(14));
      case 0x26, 0x2a -> block(id, 1, dwords(0x20 + lanes));
      case 0x27 -> block(id, 1, 0x08 + 4 * lanes);
      case 0x2e -> block(id, 1, 0x18);
      case 0x30 -> encryption();
      default -> block(id, 1 + random.nextInt(3), 4 + 4 * random.nextInt(8));
    };
  }

  private byte[] aer() {
    byte[] block = block(0x01, 1 + random.nextInt(2), prefixes ? 0x48 : 0x2c);
    Bytes.field(block, 0x18, 17, 13, 0);
    return block;
  }

  private byte[] virtualChannels() {
    int more = random.nextInt(3);
    byte[] block = block(0x02, 1, 0x1c + 0x0c * more);
    Bytes.field(block, 0x04, 2, 0, more);
    Bytes.field(block, 0x08, 31, 24, 0);
    for (int channel = 0; channel <= more; channel++) {
      Bytes.field(block, 0x10 + 0x0c * channel, 31, 24, 0);
    }
    return block;
  }

  private byte[] declared(int id, int length) {
    byte[] block = block(id, 1, length);
    Bytes.field(block, 0x04, 31, 20, length);
    return block;
  }

  private byte[] acs() {
    int vector = random.nextInt(4) == 0 ? 8 + random.nextInt(64) : 0;
    byte[] block = block(0x0d, 1, 0x08 + dwords((vector + 7) / 8));
    Bytes.field(block, 0x04, 5, 5, vector == 0 ? 0 : 1);
    Bytes.field(block, 0x04, 15, 8, vector);
    return block;
  }

  private byte[] resizableBars() {
    int bars = 1 + random.nextInt(6);
    byte[] block = block(0x15, 1, 4 + 8 * bars);
    Bytes.field(block, 0x08, 7, 5, bars);
    return block;
  }

  private byte[] powerAllocation() {
    int last = random.nextInt(32);
    byte[] block = block(0x16, 1, dwords(0x10 + last + 1));
    Bytes.field(block, 0x04, 4, 0, last);
    return block;
  }

  private byte[] steeringTags() {
    int entries = random.nextInt(3) == 0 ? 1 + random.nextInt(64) : 0;
    byte[] block = block(0x17, 1, 0x0c + dwords(2 * entries));
    Bytes.field(block, 0x04, 10, 9, entries == 0 ? 0 : 1);
    Bytes.field(block, 0x04, 26, 16, Math.max(0, entries - 1));
    return block;
  }

  private byte[] downstreamContainment() {
    byte[] block = block(0x1d, 1, 0x0c);
    Bytes.field(block, 0x04, 5, 5, 0);
    return block;
  }

  private byte[] encryption() {
    byte[] block = block(0x30, 1, 0x0c);
    Bytes.field(block, 0x04, 1, 0, 0);
    return block;
  }

  private byte[] pasid() {
    byte[] block = block(PASID, 1, 0x08);
    Bytes.field(block, 0x04, 12, 8, 1 + random.nextInt(20));
    return block;
  }

  /// A standard capability whose next pointer is 0: power management, MSI, MSI-X, VPD,
  /// vendor-specific, a capability that vfio-pci hides, advanced features.
  byte[] standard(int id) {
    return switch (id) {
      case 0x05 -> {
        boolean wide = random.nextBoolean();
        boolean masks = random.nextBoolean();
        byte[] block = block(id, (wide ? 14 : 10) + (masks ? 10 : 0));
        Bytes.put16(block, 2, (wide ? 0x80 : 0) | (masks ? 0x100 : 0) | random.nextInt(0x80));
        yield block;
      }
      case 0x09 -> {
        byte[] block = block(id, 4 + 4 * random.nextInt(4));
        block[2] = (byte) block.length;
        yield block;
      }
      case 0x11 -> block(id, 12);
      case 0x13 -> block(id, 6);
      default -> block(id, 8);
    };
  }

  /// The PCI Express capability, version 2, of an endpoint or one that the root complex integrates.
  byte[] pciExpress() {
    byte[] block = block(0x10, 0x3c);
    Bytes.put16(block, 2, 2 | (random.nextInt(4) == 0 ? 9 : random.nextInt(2)) << 4);
    Bytes.field(block, 0x0c, 9, 4, lanes);
    Bytes.field(block, 0x24, 21, 21, prefixes ? 1 : 0);
    return block;
  }

  private byte[] block(int id, int length) {
    byte[] block = content(length);
    Bytes.put16(block, 0, id);
    return block;
  }

  private byte[] block(int id, int version, int length) {
    byte[] block = content(length);
    Bytes.put32(block, 0, id | version << 16);
    return block;
  }

  private byte[] content(int length) {
    byte[] content = new byte[length];
    if (random.nextBoolean()) {
      random.nextBytes(content);
    }
    return content;
  }

  private static int dwords(int bytes) {
    return bytes + 3 & ~3;
  }
}
