package io.vpasid.guest.vfiouser;

import io.vpasid.vmm.vfio.Irq;
import io.vpasid.vmm.vfio.Region;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/// A device whose regions are memory, and which writes down what is asked of it.
///
/// Region 0 has 64 KiB that can be read and written, region 1 256 bytes that can only be read,
/// region 2 256 bytes that can only be written, region 7 is a configuration space of 4096 bytes;
/// the others are empty. Interrupt type 0 has one maskable, automasked interrupt, type 2 has 8.
class MemoryDevice implements VfioUserDevice {
  static final int MEMORY = 0;
  static final int READ_ONLY = 1;
  static final int WRITE_ONLY = 2;
  static final int CONFIG = 7;

  static final int MEMORY_SIZE = 64 * 1024;
  static final int SMALL_SIZE = 256;
  static final int CONFIG_SIZE = 4096;

  private final byte[][] memory = {
    new byte[MEMORY_SIZE],
    new byte[SMALL_SIZE],
    new byte[SMALL_SIZE],
    {},
    {},
    {},
    {},
    new byte[CONFIG_SIZE],
    {}
  };
  private final List<String> calls = Collections.synchronizedList(new ArrayList<>());
  private volatile Outcome next = Outcome.done();
  private volatile boolean leavesGaps;
  private volatile long writeNanos;
  private volatile Optional<VfioUserPeer> peer = Optional.empty();

  MemoryDevice() {
    for (int i = 0; i < CONFIG_SIZE; i++) {
      memory[CONFIG][i] = (byte) (i ^ (i >> 8));
    }
  }

  /// From now on everything comes to this.
  void answerWith(Outcome outcome) {
    next = outcome;
  }

  /// From now on reads do not fill the buffer.
  void leaveGaps() {
    leavesGaps = true;
  }

  /// What was asked of it, in order.
  List<String> calls() {
    synchronized (calls) {
      return List.copyOf(calls);
    }
  }

  /// Adds what was asked of it, without the numbers, to `names`, and forgets it.
  void takeCalls(Set<String> names) {
    synchronized (calls) {
      for (String call : calls) {
        names.add(call.split(" ", 2)[0]);
      }
      calls.clear();
    }
  }

  /// The bytes of a region.
  byte[] bytes(int region) {
    return memory[region];
  }

  /// Who is connected.
  Optional<VfioUserPeer> peer() {
    return peer;
  }

  @Override
  public List<Region> regions() {
    int both = Region.READ | Region.WRITE;
    return List.of(
        new Region(MEMORY_SIZE, both),
        new Region(SMALL_SIZE, Region.READ),
        new Region(SMALL_SIZE, Region.WRITE),
        Region.NONE,
        Region.NONE,
        Region.NONE,
        Region.NONE,
        new Region(CONFIG_SIZE, both),
        Region.NONE);
  }

  @Override
  public List<Irq> irqs() {
    return List.of(
        new Irq(1, Irq.EVENTFD | Irq.MASKABLE | Irq.AUTOMASKED),
        Irq.NONE,
        new Irq(8, Irq.EVENTFD | Irq.NORESIZE),
        Irq.NONE,
        Irq.NONE);
  }

  @Override
  public boolean isResettable() {
    return true;
  }

  /// Lets each write keep its thread for so long.
  void writesTake(Duration time) {
    writeNanos = time.toNanos();
  }

  @Override
  public Outcome read(int region, long offset, ByteBuffer destination) {
    calls.add("read " + region + " " + offset + " " + destination.remaining());
    destination.put(memory[region], (int) offset, leavesGaps ? 1 : destination.remaining());
    return next;
  }

  @Override
  public Outcome write(int region, long offset, ByteBuffer source) {
    for (long end = System.nanoTime() + writeNanos; System.nanoTime() < end; ) {
      Thread.onSpinWait();
    }
    calls.add("write " + region + " " + offset + " " + source.remaining());
    source.get(memory[region], (int) offset, source.remaining());
    return next;
  }

  @Override
  public Outcome reset() {
    calls.add("reset");
    return next;
  }

  @Override
  public void connected(VfioUserPeer connected) {
    calls.add("connected");
    peer = Optional.of(connected);
  }

  @Override
  public void disconnected() {
    calls.add("disconnected");
    peer = Optional.empty();
  }
}
