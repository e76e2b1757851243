package io.vpasid.it.space;

import io.vpasid.it.walker.LinuxWalker;
import io.vpasid.it.walker.Step;
import io.vpasid.it.walker.Walk;
import java.util.Arrays;
import java.util.List;
import java.util.random.RandomGenerator;

/// What broken hardware, broken bridges and broken dumps make of a configuration space.
final class Damage {
  private static final int[] ODD_IDS = {0, 0, 0xffff, 0x1b, 0x1b, 0x0f, 0x13, 0x01, 0x0b, 0x23};

  private final RandomGenerator random;
  private final byte[] bytes;
  private final List<Step> standard;
  private final List<Step> extended;

  private Damage(RandomGenerator random, byte[] bytes) {
    this.random = random;
    this.bytes = bytes;
    Walk walk = new LinuxWalker().walk(bytes);
    standard = walk.standard();
    extended = walk.extended();
  }

  /// `space` with 1 to 6 damages.
  static HostSpace damaged(HostSpace space, RandomGenerator random) {
    byte[] bytes = space.bytes().clone();
    for (int i = 1 + random.nextInt(random.nextBoolean() ? 2 : 6); i > 0; i--) {
      new Damage(random, bytes).damage();
    }
    return space.damaged(bytes, "damaged");
  }

  private void damage() {
    switch (random.nextInt(14)) {
      case 0 -> flip(0, bytes.length);
      case 1 -> flip(0, 0x40);
      case 2 -> flipHeader();
      case 3, 4, 5 -> extendedPointer();
      case 6, 7 -> extendedId();
      case 8 -> fill(0);
      case 9 -> fill(0xff);
      case 10 -> standardPointer();
      case 11 -> standardId();
      case 12 -> mirror();
      default -> head();
    }
  }

  private void flip(int from, int end) {
    for (int i = 1 + random.nextInt(8); i > 0; i--) {
      bytes[random.nextInt(from, end)] ^= (byte) (1 << random.nextInt(8));
    }
  }

  private void flipHeader() {
    if (!extended.isEmpty()) {
      int offset = any(extended).offset();
      flip(offset, offset + 4);
    }
  }

  private void extendedPointer() {
    if (!extended.isEmpty()) {
      int pointer =
          switch (random.nextInt(8)) {
            case 0 -> 0;
            case 1 -> 0xfff;
            case 2 -> any(extended).offset();
            case 3 -> any(extended).offset() | random.nextInt(4);
            case 4 -> random.nextInt(0x100);
            case 5 -> any(extended).offset() + 4;
            default -> random.nextInt(0x1000);
          };
      Bytes.field(bytes, any(extended).offset(), 31, 20, pointer);
    }
  }

  private void extendedId() {
    if (!extended.isEmpty()) {
      int offset = any(extended).offset();
      int id = random.nextInt(4) == 0 ? random.nextInt(0x10000) : random.nextInt(0x40);
      Bytes.put16(
          bytes, offset, random.nextBoolean() ? ODD_IDS[random.nextInt(ODD_IDS.length)] : id);
      if (random.nextBoolean()) {
        Bytes.field(bytes, offset, 19, 16, random.nextInt(16));
      }
    }
  }

  private void fill(int value) {
    int start = random.nextInt(random.nextBoolean() ? 0x100 : bytes.length);
    int length = 1 + random.nextInt(random.nextBoolean() ? 8 : 0x400);
    Arrays.fill(bytes, start, Math.min(bytes.length, start + length), (byte) value);
  }

  private void standardPointer() {
    int at = standard.isEmpty() || random.nextInt(3) == 0 ? 0x34 : any(standard).offset() + 1;
    Bytes.put8(
        bytes,
        at,
        standard.isEmpty() || random.nextBoolean()
            ? random.nextInt(0x100)
            : any(standard).offset() | random.nextInt(4));
  }

  private void standardId() {
    if (!standard.isEmpty()) {
      int id = random.nextInt(3) == 0 ? random.nextInt(0x100) : random.nextInt(0x16);
      Bytes.put8(bytes, any(standard).offset(), random.nextInt(4) == 0 ? 0xff : id);
    }
  }

  private void mirror() {
    int period = 0x100 << random.nextInt(4);
    for (int offset = period; offset < bytes.length; offset++) {
      bytes[offset] = bytes[offset - period];
    }
  }

  private void head() {
    int header =
        switch (random.nextInt(6)) {
          case 0 -> 0;
          case 1 -> -1;
          case 2 -> 0xffff | random.nextInt(0x40, 0x400) << 22;
          case 3 -> random.nextInt(0x40, 0x400) << 22;
          case 4 -> 0x1001b | random.nextInt(0x400) << 22;
          default -> random.nextInt();
        };
    Bytes.put32(bytes, 0x100, header);
  }

  private Step any(List<Step> steps) {
    return steps.get(random.nextInt(steps.size()));
  }
}
