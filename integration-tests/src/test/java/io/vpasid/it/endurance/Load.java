package io.vpasid.it.endurance;

import io.vpasid.guest.control.ControlException;
import io.vpasid.guest.vfiouser.VfioUserClient;
import io.vpasid.vmm.vfio.PciIndex;
import java.io.IOException;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/// Everything that is done to the daemon while it lives, and the neighbour who measures.
final class Load {
  private static final int FAILURES_TOLD = 20;
  private static final long PAUSE_NANOS = 20_000_000;

  private final Map<Work, AtomicLong> done = new EnumMap<>(Work.class);
  private final List<String> failures = new ArrayList<>();
  private final Latency latency = new Latency();
  private volatile @Nullable Life current;

  private Load() {}

  /// Starts the threads, which wait for a daemon.
  static Load start() {
    Load load = new Load();
    for (Work work : Work.values()) {
      load.done.put(work, new AtomicLong());
      Thread.ofPlatform().name(work.name()).daemon().start(() -> load.repeat(work));
    }
    Thread.ofPlatform().name("neighbour").daemon().start(load::measure);
    return load;
  }

  /// From now on everything is done to this life of the daemon.
  void turnTo(Life life) {
    current = life;
  }

  /// How often each has been done.
  Map<Work, Long> done() {
    Map<Work, Long> counts = new EnumMap<>(Work.class);
    done.forEach((work, count) -> counts.put(work, count.get()));
    return counts;
  }

  /// What was not as it has to be, the first ones.
  List<String> failures() {
    synchronized (failures) {
      return List.copyOf(failures);
    }
  }

  void fail(String what, Throwable failure) {
    synchronized (failures) {
      if (failures.size() < FAILURES_TOLD) {
        failures.add(what + ": " + failure);
      }
    }
  }

  /// What the neighbour's reads took since the last time.
  Latency.Measured latency() {
    return latency.take();
  }

  private void repeat(Work work) {
    for (long seed = 0; ; seed++) {
      Life life = awaited();
      try {
        work.once(life, new Random(seed));
        Objects.requireNonNull(done.get(work)).incrementAndGet();
      } catch (IOException | ControlException e) {
        unless(life, work + " " + seed + " in life " + life.number(), e);
      } catch (RuntimeException e) {
        fail(work + " " + seed, e);
      }
      LockSupport.parkNanos(PAUSE_NANOS);
    }
  }

  private void measure() {
    while (true) {
      Life life = awaited();
      try (VfioUserClient client = life.client(0)) {
        while (!life.isEnding()) {
          long start = System.nanoTime();
          client.read(PciIndex.CONFIG_REGION, 0, 4);
          latency.add(System.nanoTime() - start);
          LockSupport.parkNanos(1_000_000);
        }
      } catch (IOException e) {
        unless(life, "the neighbour in life " + life.number(), e);
      }
    }
  }

  /// A life that has been told to end may leave its clients with anything.
  private void unless(Life life, String what, Exception failure) {
    if (!life.isEnding()) {
      fail(what, failure);
    }
  }

  private Life awaited() {
    while (true) {
      Life life = current;
      if (life != null && !life.isEnding()) {
        return life;
      }
      LockSupport.parkNanos(PAUSE_NANOS);
    }
  }
}
