package io.vpasid.guest.socket;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class SocketLoopsTest {
  @Test
  void theLossOfALoopIsTold() throws InterruptedException {
    CountDownLatch told = new CountDownLatch(1);
    try (SocketLoops loops = SocketLoops.open(SocketKind.best(), "test", 2)) {
      loops.onLoss(told::countDown);

      loops.loseOne();

      assertThat(told.await(10, TimeUnit.SECONDS)).isTrue();
    }
  }

  @Test
  void anOrdinaryEndIsNoLoss() {
    AtomicInteger told = new AtomicInteger();
    try (SocketLoops loops = SocketLoops.open(SocketKind.best(), "test", 2)) {
      loops.onLoss(told::incrementAndGet);
    }
    assertThat(told).hasValue(0);
  }
}
