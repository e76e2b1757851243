package io.vpasid.guest.vfiouser;

import java.util.Arrays;
import java.util.random.RandomGenerator;

/// Random numbers that a fuzzer chose: a generator that reads them from bytes, so that a change of
/// one byte changes one choice. Behind the last byte every choice is 0.
final class Choices implements RandomGenerator {
  private final byte[] bytes;
  private int position;

  Choices(byte[] bytes) {
    this.bytes = bytes;
  }

  /// Whether bytes are left.
  boolean remain() {
    return position < bytes.length;
  }

  private long take(int count) {
    long value = 0;
    for (int i = 0; i < count; i++) {
      value = value << 8 | (remain() ? bytes[position++] & 0xff : 0);
    }
    return value;
  }

  @Override
  public long nextLong() {
    return take(Long.BYTES);
  }

  @Override
  public int nextInt() {
    return (int) take(Integer.BYTES);
  }

  /// With no more bytes than the bound needs.
  @Override
  public int nextInt(int bound) {
    int length = bound <= 1 << 8 ? 1 : bound <= 1 << 16 ? 2 : 4;
    return (int) (take(length) % bound);
  }

  @Override
  public boolean nextBoolean() {
    return (take(1) & 1) != 0;
  }

  @Override
  public void nextBytes(byte[] destination) {
    int length = Math.min(destination.length, bytes.length - position);
    System.arraycopy(bytes, position, destination, 0, length);
    Arrays.fill(destination, length, destination.length, (byte) 0);
    position += length;
  }
}
