package io.vpasid.vmm.linux.calls;

import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.assertj.core.api.Assertions.assertThat;

import io.vpasid.vmm.linux.Errno;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// The eventfds here block, as those of a peer that clears O_NONBLOCK.
@Timeout(value = 10, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class EventSignalTest {
  private static final long FULL = 0xffff_ffff_ffff_fffeL;

  private final Arena arena = Arena.ofAuto();
  private final int eventfd = Libc.CALLS.eventfd(CallFrame.current());

  @AfterEach
  void close() {
    int _ = Libc.CALLS.close(CallFrame.current(), eventfd);
  }

  private static EventSignal signal() {
    return EventSignal.current().orElseThrow();
  }

  private long counter() {
    MemorySegment value = arena.allocate(JAVA_LONG);
    assertThat(Libc.CALLS.read(CallFrame.current(), eventfd, value)).isEqualTo(8);
    return value.get(JAVA_LONG, 0);
  }

  @Test
  void everySignalCounts() {
    for (int i = 0; i < 10_000; i++) {
      assertThat(signal().signal(eventfd)).isZero();
    }
    assertThat(counter()).isEqualTo(10_000);
  }

  @Test
  void aCounterThatIsFullHoldsNobodyUp() {
    MemorySegment full = arena.allocate(JAVA_LONG);
    full.set(JAVA_LONG, 0, FULL);
    assertThat(Libc.CALLS.write(CallFrame.current(), eventfd, full)).isEqualTo(8);

    assertThat(signal().signal(eventfd)).isZero();
    assertThat(signal().signal(eventfd)).isZero();

    assertThat(counter()).as("as full as a counter can be").isEqualTo(-1);
  }

  @Test
  void severalThreadsSignalAtTheSameTime() throws InterruptedException {
    Thread[] threads = new Thread[8];
    for (int i = 0; i < threads.length; i++) {
      threads[i] =
          Thread.ofPlatform()
              .start(() -> {
                for (int n = 0; n < 5000; n++) {
                  while (signal().signal(eventfd) != 0) {
                    Thread.onSpinWait();
                  }
                }
              });
    }
    for (Thread thread : threads) {
      thread.join();
    }
    assertThat(counter()).isEqualTo(40_000);
  }

  @Test
  void whatIsNoEventfdIsSaidToBeNone() {
    assertThat(signal().signal(0)).isNegative();
    assertThat(signal().signal(1_000_000)).isEqualTo(-Errno.EBADF.number());
  }
}
