package io.vpasid.vmm.linux.calls;

import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.atomic.LongAdder;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// A descriptor that is closed while other threads make calls on it.
@Timeout(value = 2, unit = TimeUnit.MINUTES, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
@SuppressWarnings("ThreadPriorityCheck") // there may be fewer processors than threads that spin
class OwnedFdCloseTest {
  private static final int EBADF = 9;
  private static final int ROUNDS = 1000;
  private static final int RACES = 20_000;
  private static final int CALLERS = 4;
  private static final int OURS = 0x4f4f4f4f;
  private static final int OTHERS = 0x21212121;

  private final SystemCalls libc = SystemCalls.ofThisProcess();
  private final ExecutorService threads = Executors.newCachedThreadPool();

  @AfterEach
  void endThreads() {
    threads.shutdownNow();
  }

  @Test
  void callUnderWayKeepsTheNumberUntilItReturns() throws Exception {
    OwnedFd event = OwnedFd.eventFd(libc);
    int number = event.lend(each -> each);
    Path entry = Path.of("/proc/self/fd/" + number);
    Path file = Files.readSymbolicLink(entry);
    CompletableFuture<Path> reader = new CompletableFuture<>();
    Future<Integer> read =
        threads.submit(() -> {
          try (Arena arena = Arena.ofConfined()) {
            MemorySegment counter = arena.allocate(JAVA_LONG);
            reader.complete(Path.of("/proc/thread-self").toRealPath());
            return event.read(counter);
          }
        });
    awaitSleepInCallOn(number, reader.get());

    event.close();
    assertThat(event.isClosed()).isTrue();
    assertThat(read.isDone()).isFalse();
    assertThat(event.ioctl(VfioUapi.RESET)).isEqualTo(-EBADF);
    assertThat(Files.readSymbolicLink(entry)).isEqualTo(file);

    try (Arena arena = Arena.ofConfined()) {
      libc.write(CallFrame.current(), number, arena.allocateFrom(JAVA_LONG, 1));
    }
    assertThat(read.get()).isEqualTo(Long.BYTES);
    assertThat(entry).doesNotExist();
  }

  /// Waits until a thread sleeps in a system call whose first argument is a descriptor. The kernel
  /// tells the number of the call and its arguments only while the thread sleeps.
  ///
  /// @param thread its folder in `/proc`
  private static void awaitSleepInCallOn(int number, Path thread) {
    await()
        .atMost(Duration.ofMinutes(1))
        .untilAsserted(() ->
            assertThat(thread.resolve("syscall"))
                .content()
                .containsPattern("^[0-9]+ 0x%x ".formatted(number)));
  }

  @Test
  void lastOneToEndACallOrALoanClosesTheNumber() throws Exception {
    for (int last = 0; last < 3; last++) {
      List<CountDownLatch> ends = Stream.generate(() -> new CountDownLatch(1)).limit(3).toList();
      CountDownLatch inside = new CountDownLatch(3);
      AtomicInteger closed = new AtomicInteger();
      SystemCalls calls =
          new ForwardingCalls(libc) {
            @Override
            public long pread(CallFrame frame, int fd, int length, long position) {
              return sleep((int) position);
            }

            @Override
            public int close(CallFrame frame, int fd) {
              return closed.incrementAndGet();
            }

            int sleep(int user) {
              inside.countDown();
              try {
                ends.get(user).await();
              } catch (InterruptedException e) {
                throw new AssertionError(e);
              }
              return user;
            }
          };
      OwnedFd file = new OwnedFd(calls, 1_000_000);
      List<Future<Integer>> users = new ArrayList<>();
      for (int user = 0; user < 2; user++) {
        int position = user;
        users.add(threads.submit(() -> file.pread(CallFrame.current(), 4, position)));
      }
      users.add(
          threads.submit(
              () -> file.lend(number -> (int) calls.pread(CallFrame.current(), number, 4, 2))));
      inside.await();

      file.close();
      assertThat(file.pread(CallFrame.current(), 4, 0)).isEqualTo(-EBADF);
      for (int i = 1; i <= 3; i++) {
        assertThat(closed).hasValue(0);
        int user = (last + i) % 3;
        ends.get(user).countDown();
        assertThat(users.get(user).get()).isEqualTo(user);
      }
      assertThat(closed).hasValue(1);
    }
  }

  @Test
  void callMayCloseTheDescriptorThatItIsMadeOn() {
    List<String> seen = new ArrayList<>();
    OwnedFd[] files = new OwnedFd[1];
    SystemCalls calls =
        new ForwardingCalls(libc) {
          @Override
          public int ioctl(CallFrame frame, int fd, int request) {
            files[0].close();
            seen.add("ioctl");
            return 7;
          }

          @Override
          public int close(CallFrame frame, int fd) {
            seen.add("close");
            return 0;
          }
        };
    files[0] = new OwnedFd(calls, 1_000_000);

    assertThat(files[0].ioctl(VfioUapi.RESET)).isEqualTo(7);
    assertThat(files[0].ioctl(VfioUapi.RESET)).isEqualTo(-EBADF);
    assertThat(seen).containsExactly("ioctl", "close");
  }

  @Test
  void noCallReachesTheFileThatGetsTheNumberNext(@TempDir Path folder) throws Exception {
    Path ours = Files.writeString(folder.resolve("ours"), "OOOO");
    Path others = Files.writeString(folder.resolve("others"), "!!!!");
    Queue<String> strays = new ConcurrentLinkedQueue<>();
    LongAdder reads = new LongAdder();
    SystemCalls watched =
        new ForwardingCalls(libc) {
          @Override
          public long pread(CallFrame frame, int fd, int length, long position) {
            long result = super.pread(frame, fd, length, position);
            if (result != 4 || frame.register(4) != OURS) {
              strays.add("read " + result + " from " + fd + ": " + frame.register(4));
            }
            reads.increment();
            return result;
          }
        };
    AtomicInteger reused = new AtomicInteger();

    closeWhileCalled(
        () -> OwnedFd.open(watched, ours),
        file -> file.pread(CallFrame.current(), 4, 0),
        file -> {
          int number = file.lend(each -> each);
          file.close();
          List<OwnedFd> next = new ArrayList<>();
          for (int i = 0; i < CALLERS; i++) {
            OwnedFd other = OwnedFd.open(libc, others);
            next.add(other);
            if (other.lend(each -> each) == number) {
              reused.incrementAndGet();
            }
          }
          CallFrame frame = CallFrame.current();
          for (OwnedFd other : next) {
            assertThat(other.pread(frame, 4, 0)).isEqualTo(4);
            assertThat(frame.register(4)).isEqualTo(OTHERS);
            other.close();
          }
        });

    assertThat(strays).isEmpty();
    assertThat(reads.sum()).isGreaterThan(ROUNDS);
    assertThat(reused.get()).isGreaterThan(ROUNDS / 10);
    assertThat(opened()).doesNotContain(ours.toRealPath(), others.toRealPath());
  }

  /// The calls take no time here, so that threads are mostly about to begin or to end one.
  @Test
  void everyNumberIsClosedOnceAndNotCalledAfterwards() throws Exception {
    AtomicIntegerArray closes = new AtomicIntegerArray(ROUNDS);
    Queue<String> strays = new ConcurrentLinkedQueue<>();
    SystemCalls table =
        new ForwardingCalls(libc) {
          @Override
          public int ioctl(CallFrame frame, int fd, int request) {
            if (closes.getAcquire(fd) != 0) {
              strays.add("ioctl on " + fd);
            }
            return 0;
          }

          @Override
          public int close(CallFrame frame, int fd) {
            return closes.incrementAndGet(fd);
          }
        };
    AtomicInteger next = new AtomicInteger();

    closeWhileCalled(
        () -> new OwnedFd(table, next.getAndIncrement()),
        file -> file.ioctl(VfioUapi.RESET),
        OwnedFd::close);

    assertThat(strays).isEmpty();
    for (int number = 0; number < ROUNDS; number++) {
      assertThat(closes.get(number)).as("closes of %d", number).isOne();
    }
  }

  /// The processor makes the stores of a thread visible in their order, however long each takes:
  /// the one that says that a call begins or ends waits for many that go before it, to memory that
  /// no cache holds. The thread meanwhile goes on.
  @Test
  void callIsSeenToBeginAndToEndHoweverLateItsStoresAre() throws Exception {
    byte[] memory = new byte[32 << 20];
    int[] place = new int[1];
    Runnable lateStores =
        () -> {
          int at = place[0];
          for (int i = 0; i < 40; i++) {
            at = at + 1_000_003 & memory.length - 1;
            memory[at] = 1;
          }
          place[0] = at;
        };
    AtomicIntegerArray closes = new AtomicIntegerArray(RACES + 1);
    Queue<String> strays = new ConcurrentLinkedQueue<>();
    SystemCalls table =
        new ForwardingCalls(libc) {
          @Override
          public int ioctl(CallFrame frame, int fd, int request) {
            for (int i = 0; i < request; i++) {
              Thread.onSpinWait();
            }
            if (closes.getAcquire(fd) != 0) {
              strays.add("ioctl on " + fd);
            }
            lateStores.run();
            return 0;
          }

          @Override
          public int close(CallFrame frame, int fd) {
            return closes.incrementAndGet(fd);
          }
        };
    OwnedFd[] files = new OwnedFd[RACES];
    Arrays.setAll(files, number -> new OwnedFd(table, number));
    AtomicInteger ready = new AtomicInteger(-1);
    AtomicInteger turn = new AtomicInteger(-1);
    AtomicInteger done = new AtomicInteger(-1);

    Future<?> caller =
        threads.submit(() -> {
          try (OwnedFd compiled = new OwnedFd(table, RACES)) {
            for (int i = 0; i < 100_000; i++) {
              compiled.ioctl(1);
            }
          }
          for (int round = 0; round < RACES; round++) {
            ready.set(round);
            spinUntil(turn, round);
            lateStores.run();
            files[round].ioctl(round % 16);
            done.set(round);
          }
        });
    for (int round = 0; round < RACES; round++) {
      spinUntil(ready, round);
      turn.set(round);
      for (int i = 0; i < round * 37 % 400; i++) {
        turn.setOpaque(round); // a moment, each time another one
      }
      files[round].close();
      spinUntil(done, round);
    }

    caller.get();
    assertThat(strays).isEmpty();
    for (int number = 0; number < RACES; number++) {
      assertThat(closes.get(number)).as("closes of %d", number).isOne();
    }
  }

  private static void spinUntil(AtomicInteger value, int wanted) {
    for (int spins = 1; value.get() != wanted; spins++) {
      if (spins % 100_000 == 0) {
        Thread.yield();
      }
    }
  }

  private interface Call {
    int make(OwnedFd file);
  }

  private interface Close {
    void of(OwnedFd file) throws IOException;
  }

  /// In each round, opens a file, has threads make calls on it until it refuses them, and closes
  /// it.
  private void closeWhileCalled(Callable<OwnedFd> open, Call call, Close close) throws Exception {
    OwnedFd[] file = new OwnedFd[1];
    AtomicBoolean calling = new AtomicBoolean();
    CyclicBarrier opened = new CyclicBarrier(CALLERS + 1);
    CyclicBarrier refused = new CyclicBarrier(CALLERS + 1);
    List<Future<?>> callers = new ArrayList<>();
    for (int i = 0; i < CALLERS; i++) {
      boolean lends = i == 0;
      callers.add(
          threads.submit(() -> {
            for (int round = 0; round < ROUNDS; round++) {
              opened.await();
              for (int calls = 0, result = 0; result != -EBADF; calls++) {
                result = lends ? file[0].lend(_ -> call.make(file[0])) : call.make(file[0]);
                calling.setRelease(true);
                if (calls % 1000 == 999) {
                  Thread.yield();
                }
              }
              refused.await();
            }
            return null;
          }));
    }
    for (int round = 0; round < ROUNDS; round++) {
      file[0] = open.call();
      calling.set(false);
      opened.await();
      while (!calling.get()) {
        Thread.yield();
      }
      close.of(file[0]);
      assertThat(call.make(file[0])).isEqualTo(-EBADF);
      refused.await();
    }
    for (Future<?> caller : callers) {
      caller.get();
    }
  }

  private static List<Path> opened() throws IOException {
    try (Stream<Path> numbers = Files.list(Path.of("/proc/self/fd"))) {
      return numbers.map(OwnedFdCloseTest::target).toList();
    }
  }

  private static Path target(Path number) {
    try {
      return Files.readSymbolicLink(number);
    } catch (IOException _) {
      return number;
    }
  }
}
