package io.vpasid.vmm.pasid;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.vpasid.vmm.iommufd.HwptId;
import io.vpasid.vmm.iommufd.IoasId;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.junit.jupiter.api.Test;

class PasidSlotsTest {

  @Test
  void lastPasidHasAllBitsOfTheWidth() {
    assertThat(new PasidSlots(1).last()).isEqualTo(1);
    assertThat(new PasidSlots(20).last()).isEqualTo(0xfffff);
  }

  @Test
  void everyNumberOfAPageTableFits() {
    assertThat(PasidSlots.pageTable(PasidSlots.attachedTo(new HwptId(-1))))
        .isEqualTo(new HwptId(-1));
    assertThat(PasidSlots.pageTable(PasidSlots.attachedTo(new IoasId(0)))).isEqualTo(new IoasId(0));
  }

  @Test
  void claimShowsTheStateBeforeUntilItIsReleased() {
    PasidSlots slots = new PasidSlots(12);
    assertThat(slots.firstInUse(1)).isEqualTo(-1);

    long before = slots.claim(0xfff);
    assertThat(before).isEqualTo(PasidSlots.FREE);
    assertThat(slots.isFree(0xfff)).isFalse();
    assertThat(slots.isAttached(0xfff)).isFalse();
    assertThat(slots.firstInUse(1)).isEqualTo(0xfff);
    assertThat(slots.firstAttached(1, 0xfff)).isEqualTo(-1);

    slots.release(0xfff, PasidSlots.attachedTo(new HwptId(3)));
    assertThat(slots.isAttached(0xfff)).isTrue();
    assertThat(slots.firstAttached(1, 0xfff)).isEqualTo(0xfff);
    assertThat(slots.firstAttached(1, 0xffe)).isEqualTo(-1);
    assertThat(PasidSlots.pageTable(slots.claim(0xfff))).isEqualTo(new HwptId(3));

    slots.release(0xfff, PasidSlots.FREE);
    assertThat(slots.isFree(0xfff)).isTrue();
  }

  /// Both sleep, rather than spin, until they are woken, and neither is forgotten.
  @Test
  void thoseWhoWaitForAClaimGetItOneAfterTheOther() {
    PasidSlots slots = new PasidSlots(12);
    for (long state : new long[] {PasidSlots.FREE, PasidSlots.attachedTo(new HwptId(3))}) {
      slots.claim(0x123);
      Queue<Long> seen = new ConcurrentLinkedQueue<>();
      Runnable waiter =
          () -> {
            seen.add(slots.claim(0x123));
            slots.release(0x123, state);
          };
      List<Thread> waiters =
          List.of(Thread.ofPlatform().start(waiter), Thread.ofPlatform().start(waiter));
      await()
          .atMost(20, SECONDS)
          .until(() -> waiters.stream().allMatch(t -> t.getState() == Thread.State.WAITING));

      slots.release(0x123, state);

      await().atMost(20, SECONDS).until(() -> seen.size() == 2);
      assertThat(seen).containsExactly(state, state);
      await().atMost(20, SECONDS).until(() -> slots.read(0x123) == state);
    }
  }
}
