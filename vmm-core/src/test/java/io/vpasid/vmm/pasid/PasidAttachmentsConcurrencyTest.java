package io.vpasid.vmm.pasid;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.vpasid.testing.Seeds;
import io.vpasid.vmm.iommufd.HwptId;
import io.vpasid.vmm.iommufd.PageTableId;
import io.vpasid.vmm.iommufd.Pasid;
import io.vpasid.vmm.linux.Errno;
import io.vpasid.vmm.pasid.AttachOutcome.Attached;
import io.vpasid.vmm.pasid.AttachOutcome.Replaced;
import io.vpasid.vmm.pasid.DetachOutcome.Detached;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class PasidAttachmentsConcurrencyTest {
  private static final HwptId A = new HwptId(3);
  private static final HwptId B = new HwptId(4);

  private final RecordingDevice device = new RecordingDevice();
  private final ExecutorService threads = Executors.newCachedThreadPool();

  @AfterEach
  void endThreads() {
    threads.shutdownNow();
  }

  private PasidAttachments attachments(int width) {
    return new PasidAttachments(device, PasidLimits.ofWidth(width), () -> true);
  }

  private static Pasid pasid(int number) {
    return new Pasid(number);
  }

  private static void waitFor(CountDownLatch latch) {
    try {
      assertThat(latch.await(30, SECONDS)).isTrue();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  /// Requests for this PASID stand still in the backend until the latch opens.
  private CountDownLatch holdInBackend(Pasid held, CountDownLatch arrived) {
    CountDownLatch go = new CountDownLatch(1);
    device.onRequest =
        pasid -> {
          if (pasid.equals(held)) {
            arrived.countDown();
            waitFor(go);
          }
        };
    return go;
  }

  @Test
  void requestsForOtherPasidsDoNotWait() throws Exception {
    PasidAttachments attachments = attachments(20);
    CountDownLatch arrived = new CountDownLatch(1);
    CountDownLatch go = holdInBackend(pasid(1), arrived);
    Future<AttachOutcome> held = threads.submit(() -> attachments.attach(pasid(1), A));
    waitFor(arrived);

    for (int number = 2; number < 5000; number++) {
      assertThat(attachments.attach(pasid(number), A)).isEqualTo(new Attached(A));
      assertThat(attachments.detach(pasid(number))).isEqualTo(new Detached(A));
    }
    assertThat(attachments.isAttached(pasid(1))).isFalse();
    go.countDown();
    assertThat(held.get(30, SECONDS)).isEqualTo(new Attached(A));
  }

  @Test
  void requestsForTheSamePasidAreServedOneAfterTheOther() throws Exception {
    PasidAttachments attachments = attachments(20);
    CountDownLatch arrived = new CountDownLatch(1);
    CountDownLatch go = holdInBackend(pasid(1), arrived);
    Future<AttachOutcome> first = threads.submit(() -> attachments.attach(pasid(1), A));
    waitFor(arrived);
    CompletableFuture<Thread> waiting = new CompletableFuture<>();
    Future<AttachOutcome> second =
        threads.submit(() -> {
          waiting.complete(Thread.currentThread());
          return attachments.attach(pasid(1), B);
        });
    Thread thread = waiting.get(30, SECONDS);
    await().until(() -> thread.getState() == Thread.State.WAITING);

    go.countDown();
    assertThat(first.get(30, SECONDS)).isEqualTo(new Attached(A));
    assertThat(second.get(30, SECONDS)).isEqualTo(new Replaced(A, B));
    assertThat(device.overlaps).isEmpty();
  }

  @Test
  void closeWaitsForRequestsUnderWayAndUndoesThem() throws Exception {
    PasidAttachments attachments = attachments(20);
    CountDownLatch arrived = new CountDownLatch(1);
    CountDownLatch go = holdInBackend(pasid(500), arrived);
    Future<AttachOutcome> attaching = threads.submit(() -> attachments.attach(pasid(500), A));
    waitFor(arrived);
    CompletableFuture<Thread> waiting = new CompletableFuture<>();
    Future<?> closing =
        threads.submit(() -> {
          waiting.complete(Thread.currentThread());
          attachments.close();
        });
    Thread thread = waiting.get(30, SECONDS);
    await().until(() -> thread.getState() == Thread.State.WAITING);

    go.countDown();
    assertThat(attaching.get(30, SECONDS)).isEqualTo(new Attached(A));
    closing.get(30, SECONDS);
    assertThat(attachments.count()).isZero();
    assertThat(device.attached).isEmpty();
  }

  @RepeatedTest(20)
  void closeLeavesNothingWhateverIsUnderWay(RepetitionInfo repetition) throws Exception {
    PasidAttachments attachments = attachments(12);
    CountDownLatch started = new CountDownLatch(3);
    List<Future<?>> workers = new ArrayList<>();
    for (int worker = 0; worker < 3; worker++) {
      Random random = new Random(repetition.getCurrentRepetition() * 31L + worker);
      workers.add(
          threads.submit(() -> {
            started.countDown();
            AttachOutcome outcome = new Attached(A);
            while (!(outcome instanceof Refused)) {
              outcome = attachments.attach(pasid(1 + random.nextInt(4095)), A);
            }
          }));
    }
    waitFor(started);

    attachments.close();
    for (Future<?> worker : workers) {
      worker.get(30, SECONDS);
    }
    assertThat(device.attached).isEmpty();
    assertThat(attachments.count()).isZero();
    assertThat(attachments.snapshot()).isEmpty();
  }

  static LongStream seeds() {
    return Seeds.all(6);
  }

  /// Threads make random requests for few PASIDs, some of which the backend fails. The events, in
  /// the order of their numbers, must tell a story that a simple map can follow, and end where the
  /// attachments and the backend ended.
  @ParameterizedTest
  @MethodSource("seeds")
  void eventsTellAStoryThatAMapCanFollow(long seed) throws Exception {
    List<Told> told = Collections.synchronizedList(new ArrayList<>());
    PasidAttachments attachments =
        new PasidAttachments(
            device,
            PasidLimits.ofWidth(4),
            () -> true,
            (sequence, pasid, outcome) -> told.add(new Told(sequence, pasid, outcome)));
    Random failures = new Random(seed);
    device.failure =
        () -> {
          synchronized (failures) {
            return failures.nextInt(10) == 0 ? Optional.of(Errno.EIO) : Optional.empty();
          }
        };
    List<Future<?>> workers = new ArrayList<>();
    for (int worker = 0; worker < 4; worker++) {
      Random random = new Random(seed * 1000 + worker);
      workers.add(threads.submit(() -> makeRequests(attachments, random, 20_000)));
    }
    for (Future<?> worker : workers) {
      worker.get(60, SECONDS);
    }

    Map<Pasid, PageTableId> model = replay(told);
    Map<Pasid, PageTableId> seen = new TreeMap<>();
    attachments.snapshot().forEach(a -> seen.put(a.pasid(), a.pageTable()));
    assertThat(seen).isEqualTo(model);
    assertThat(new TreeMap<>(device.attached)).isEqualTo(model);
    assertThat(attachments.count()).isEqualTo(model.size());
    assertThat(device.overlaps).isEmpty();
  }

  private static void makeRequests(PasidAttachments attachments, Random random, int count) {
    for (int i = 0; i < count; i++) {
      Pasid pasid = pasid(random.nextInt(18));
      switch (random.nextInt(3)) {
        case 0 -> attachments.attach(pasid, A);
        case 1 -> attachments.attach(pasid, B);
        default -> attachments.detach(pasid);
      }
    }
  }

  private record Told(long sequence, Pasid pasid, PasidOutcome outcome) {}

  private static Map<Pasid, PageTableId> replay(List<Told> told) {
    Map<Pasid, PageTableId> model = new HashMap<>();
    told.stream()
        .sorted(Comparator.comparingLong(Told::sequence))
        .forEach(event -> follow(model, event));
    return model;
  }

  private static void follow(Map<Pasid, PageTableId> model, Told told) {
    Pasid pasid = told.pasid();
    switch (told.outcome()) {
      case AttachOutcome.Attached(PageTableId to) ->
          assertThat(model.put(pasid, to)).as("%s", told).isNull();
      case AttachOutcome.Replaced(PageTableId from, PageTableId to) ->
          assertThat(model.put(pasid, to)).as("%s", told).isEqualTo(from);
      case DetachOutcome.Detached(PageTableId from) ->
          assertThat(model.remove(pasid)).as("%s", told).isEqualTo(from);
      case Refused _ -> {}
    }
  }

  @Test
  void aRequestThatWaitedForItsPasidIsRefusedIfPasidsWereDisabledMeanwhile() throws Exception {
    AtomicBoolean enabled = new AtomicBoolean(true);
    CountDownLatch reached = new CountDownLatch(1);
    CountDownLatch go = new CountDownLatch(1);
    device.onRequest =
        _ -> {
          reached.countDown();
          try {
            go.await();
          } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
          }
        };
    PasidAttachments attachments =
        new PasidAttachments(device, PasidLimits.ofWidth(20), enabled::get);
    Thread first = Thread.ofPlatform().start(() -> attachments.attach(pasid(7), A));
    reached.await();
    AtomicReference<AttachOutcome> second = new AtomicReference<>();
    Thread waiting = Thread.ofPlatform().start(() -> second.set(attachments.attach(pasid(7), B)));
    while (waiting.getState() != Thread.State.WAITING) {
      Thread.onSpinWait();
    }

    enabled.set(false);
    go.countDown();
    first.join();
    waiting.join();

    assertThat(second.get()).isEqualTo(new Refused(pasid(7), new Refusal.NotEnabled()));
    assertThat(attachments.pageTable(pasid(7))).contains(A);
  }

  /// One thread against a map that knows the rules: every outcome is foretold.
  @ParameterizedTest
  @MethodSource("seeds")
  void everyOutcomeIsTheOneThatTheRulesForetell(long seed) {
    int width = 5;
    int quota = 12;
    Random random = new Random(seed);
    boolean[] enabled = {true};
    boolean[] failing = {false};
    device.failure = () -> failing[0] ? Optional.of(Errno.EIO) : Optional.empty();
    PasidAttachments attachments =
        new PasidAttachments(device, PasidLimits.ofWidth(width).withQuota(quota), () -> enabled[0]);
    Map<Integer, PageTableId> model = new TreeMap<>();
    for (int step = 0; step < 20_000; step++) {
      enabled[0] = random.nextInt(20) != 0;
      failing[0] = random.nextInt(20) == 0;
      int number = random.nextInt(40);
      PageTableId to = random.nextBoolean() ? A : B;
      if (random.nextInt(3) == 0) {
        assertThat(kind(attachments.detach(pasid(number))))
            .isEqualTo(foretellDetach(model, number, failing[0]));
      } else {
        assertThat(kind(attachments.attach(pasid(number), to)))
            .isEqualTo(foretellAttach(model, number, to, width, quota, enabled[0], failing[0]));
      }
      Map<Integer, PageTableId> seen = new TreeMap<>();
      attachments.snapshot().forEach(a -> seen.put(a.pasid().value(), a.pageTable()));
      assertThat(seen).isEqualTo(model);
    }
  }

  private static String kind(Object outcome) {
    return outcome instanceof Refused refused
        ? refused.reason().getClass().getSimpleName()
        : outcome.toString();
  }

  private static String foretellAttach(
      Map<Integer, PageTableId> model,
      int number,
      PageTableId to,
      int width,
      int quota,
      boolean enabled,
      boolean failing) {
    if (number == 0) {
      return "PasidZero";
    }
    if (number >= 1 << width) {
      return "BeyondWidth";
    }
    if (!enabled) {
      return "NotEnabled";
    }
    PageTableId before = model.get(number);
    if (before == null && model.size() == quota) {
      return "QuotaReached";
    }
    if (failing) {
      return "BackendFailed";
    }
    model.put(number, to);
    return before == null
        ? "Attached[pageTable=" + to + "]"
        : "Replaced[previous=" + before + ", pageTable=" + to + "]";
  }

  private static String foretellDetach(
      Map<Integer, PageTableId> model, int number, boolean failing) {
    PageTableId before = model.get(number);
    if (before == null) {
      return "NotAttached[]";
    }
    if (failing) {
      return "BackendFailed";
    }
    model.remove(number);
    return "Detached[previous=" + before + "]";
  }

  @Test
  void millionAttachmentsCostAtMost64BytesOfHeapEach() {
    PasidAttachments attachments =
        new PasidAttachments(new ForgetfulDevice(), PasidLimits.ofWidth(20), () -> true);
    int count = (1 << 20) - 1;

    long before = heapInUse();
    for (int number = 1; number <= count; number++) {
      attachments.attach(new Pasid(number), A);
    }
    long kept = heapInUse() - before;
    assertThat(attachments.count()).isEqualTo(count);
    assertThat(kept / (double) count).isLessThanOrEqualTo(64.0);
  }

  private static long heapInUse() {
    System.gc();
    return Runtime.getRuntime().totalMemory() - Runtime.getRuntime().freeMemory();
  }
}
