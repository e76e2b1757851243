package io.vpasid.it.space;

import java.util.List;
import java.util.Optional;
import java.util.random.RandomGenerator;

/// Random bytes, of kinds that get past the first checks of whoever reads them.
final class Garbage {
  private Garbage() {}

  static HostSpace generate(RandomGenerator random) {
    byte[] bytes = new byte[random.nextInt(8) == 0 ? 0x100 : 0x1000];
    switch (random.nextInt(6)) {
      case 0 -> random.nextBytes(bytes);
      case 1 -> sparse(bytes, random);
      case 2 -> headers(bytes, random, 0x100);
      case 3 -> headers(bytes, random, 4);
      case 4 -> longList(bytes, random);
      default -> halves(bytes, random);
    }
    if (random.nextInt(8) != 0) {
      makeExpress(bytes, random);
    }
    return new HostSpace(bytes, Optional.empty(), List.of(), false, "random bytes");
  }

  private static void sparse(byte[] bytes, RandomGenerator random) {
    for (int i = random.nextInt(200); i > 0; i--) {
      bytes[random.nextInt(bytes.length)] = (byte) random.nextInt();
    }
  }

  /// Dwords that look like headers of extended capabilities, most of which point to others.
  private static void headers(byte[] bytes, RandomGenerator random, int distance) {
    for (int offset = 0; offset < bytes.length; offset += distance) {
      int next = random.nextInt(0x1000 / distance) * distance;
      Bytes.put32(
          bytes, offset, random.nextInt(0x40) | ((1 + random.nextInt(3)) << 16) | (next << 20));
    }
  }

  /// A list of up to 479 capabilities, one behind the other. With one more Linux, which takes 480
  /// steps, just finds them all; lists that are longer than the space has room for end there.
  private static void longList(byte[] bytes, RandomGenerator random) {
    int end = 0x100 + 8 * random.nextInt(480);
    for (int offset = 0x100; offset < Math.min(bytes.length, end); offset += 8) {
      int next = offset + 8 < end ? offset + 8 : 0;
      Bytes.put32(bytes, offset, 0x0001000e | next << 20);
    }
  }

  /// Random bytes below, and zeros or ones above, or the other way round.
  private static void halves(byte[] bytes, RandomGenerator random) {
    int border = random.nextInt(bytes.length);
    boolean first = random.nextBoolean();
    int rest = random.nextBoolean() ? 0 : 0xff;
    for (int offset = 0; offset < bytes.length; offset++) {
      bytes[offset] = (byte) (offset < border == first ? random.nextInt() : rest);
    }
  }

  private static void makeExpress(byte[] bytes, RandomGenerator random) {
    int offset = 0x40 + 4 * random.nextInt(0x30);
    bytes[0x06] |= 0x10;
    bytes[0x0e] &= (byte) 0x80;
    Bytes.put8(bytes, 0x34, offset);
    Bytes.put8(bytes, offset, 0x10);
  }
}
