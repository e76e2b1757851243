package io.vpasid.guest.socket;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.unix.DomainSocketAddress;
import io.netty.channel.unix.Socket;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.api.io.TempDir;

class SocketLoopsTest {
  private static final int CALLERS = 150;
  private static final long WORK_NANOS = 200_000;

  /// A turn is a millisecond, in which five are dealt with; a neighbour may have to wait for two.
  private static final int MOST_BEFORE = 16;

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

  /// Counts what a loop does, not how long it takes: a busy machine makes no difference.
  @Test
  @EnabledIf(
      value = "io.vpasid.guest.socket.DescriptorChannelTest#available",
      disabledReason = "needs descriptors through sockets (64-bit Linux, native access)")
  void aMessageDoesNotWaitUntilAllCallersOfOtherSocketsAreAcceptedOrHeard(@TempDir Path folder)
      throws Exception {
    AtomicInteger accepted = new AtomicInteger();
    AtomicInteger heard = new AtomicInteger();
    AtomicInteger doneWhenSent = new AtomicInteger();
    BlockingQueue<Integer> overtakenBy = new LinkedBlockingQueue<>();
    CountDownLatch begin = new CountDownLatch(1);
    List<Socket> sockets = new ArrayList<>();
    byte[] message = {5, 0, 0, 0, 1};
    try (SocketLoops loops = SocketLoops.open(SocketKind.DESCRIPTORS, "test", 1)) {
      loops.listen(
          folder.resolve("neighbour"),
          new LengthFraming(64),
          (channel, _, _) ->
              channel
                  .pipeline()
                  .addLast(
                      reading(() ->
                          overtakenBy.add(accepted.get() + heard.get() - doneWhenSent.get()))));
      Socket neighbour = connected(folder.resolve("neighbour"), sockets);
      send(neighbour, message);
      assertThat(overtakenBy.poll(10, TimeUnit.SECONDS)).isZero();
      // Whoever is accepted first, or says something first, has the neighbour speak.
      Consumer<AtomicInteger> counted =
          count -> {
            work();
            if (count.incrementAndGet() == 1) {
              doneWhenSent.set(accepted.get() + heard.get());
              send(neighbour, message);
            }
          };
      for (int i = 0; i < CALLERS; i++) {
        loops.listen(
            folder.resolve("s" + i),
            new LengthFraming(64),
            (channel, _, _) -> {
              counted.accept(accepted);
              channel.pipeline().addLast(reading(() -> counted.accept(heard)));
            });
      }
      loops.listen(folder.resolve("gate"), new LengthFraming(64), (_, _, _) -> await(begin));
      connected(folder.resolve("gate"), sockets);
      for (int i = 0; i < CALLERS; i++) {
        send(connected(folder.resolve("s" + i), sockets), message);
      }

      begin.countDown();

      assertThat(overtakenBy.poll(30, TimeUnit.SECONDS)).isLessThan(MOST_BEFORE);
      assertThat(overtakenBy.poll(30, TimeUnit.SECONDS)).isLessThan(MOST_BEFORE);
    } finally {
      for (Socket socket : sockets) {
        socket.close();
      }
    }
  }

  private static Socket connected(Path path, List<Socket> sockets) throws IOException {
    Socket socket = Socket.newSocketDomain();
    sockets.add(socket);
    assertThat(socket.connect(new DomainSocketAddress(path.toString()))).isTrue();
    return socket;
  }

  private static void send(Socket socket, byte[] message) {
    try {
      ByteBuffer bytes = ByteBuffer.allocateDirect(message.length).put(message).flip();
      assertThat(socket.write(bytes, 0, message.length)).isEqualTo(message.length);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static ChannelInboundHandlerAdapter reading(Runnable each) {
    return new ChannelInboundHandlerAdapter() {
      @Override
      public void channelRead(ChannelHandlerContext context, Object message) {
        ((Packet) message).release();
        each.run();
      }
    };
  }

  /// Takes [#WORK_NANOS] at least.
  private static void work() {
    long end = System.nanoTime() + WORK_NANOS;
    while (System.nanoTime() - end < 0) {
      Thread.onSpinWait();
    }
  }

  private static void await(CountDownLatch latch) {
    try {
      assertThat(latch.await(30, TimeUnit.SECONDS)).isTrue();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
