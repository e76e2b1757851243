package io.vpasid.it.realkernel;

import io.vpasid.pci.PciAddress;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;

/// A function level reset of [#FUNCTION], as a test in the guest holds it: it lasts until it is
/// closed, or 60 s, after which the kernel gives the function up.
///
/// It is begun through sysfs, where VFIO has no part in it.
public final class HeldReset implements AutoCloseable {
  /// The function whose resets can be held.
  public static final PciAddress FUNCTION = new PciAddress(0, 0, 8, 0);

  private static final Path FUNCTIONS = Path.of("/sys/bus/pci/devices");
  private static final Duration LONGEST_START = Duration.ofSeconds(30);

  private final RandomAccessFile neighbour;
  private final CompletableFuture<Void> reset;

  private HeldReset(RandomAccessFile neighbour) {
    this.neighbour = neighbour;
    this.reset = CompletableFuture.runAsync(HeldReset::reset);
  }

  /// Begins a reset; when this returns, the kernel has told the function to reset.
  public static HeldReset begin() throws IOException {
    RandomAccessFile neighbour =
        new RandomAccessFile(FUNCTIONS.resolve("0000:00:05.0/config").toFile(), "rw");
    write(neighbour, ResetSwitch.HOLD);
    HeldReset held = new HeldReset(neighbour);
    long deadline = System.nanoTime() + LONGEST_START.toNanos();
    while ((read(neighbour) & ResetSwitch.IN_RESET) == 0) {
      if (held.reset.isDone() || System.nanoTime() > deadline) {
        held.close();
        throw new AssertionError("The function was not reset");
      }
      Thread.onSpinWait();
    }
    return held;
  }

  private static void reset() {
    try {
      Files.writeString(FUNCTIONS.resolve(FUNCTION + "/reset"), "1");
    } catch (IOException e) {
      throw new AssertionError("The kernel does not reset the function", e);
    }
  }

  private static int read(RandomAccessFile config) throws IOException {
    config.seek(ResetSwitch.OFFSET);
    return config.read();
  }

  private static void write(RandomAccessFile config, int value) throws IOException {
    config.seek(ResetSwitch.OFFSET);
    config.write(value);
  }

  /// Lets the reset end, and waits until the kernel is done with it.
  @Override
  public void close() throws IOException {
    try (neighbour) {
      write(neighbour, 0);
    }
    reset.join();
  }
}
