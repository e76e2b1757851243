package io.vpasid.vmm.linux.calls;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.awaitility.Awaitility.await;

import io.vpasid.vmm.linux.Errno;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Descriptors and the calls on them, with the C library of this machine and real files.
class OwnedFdTest {
  private static final int EBADF = 9;
  private static final int ENOTTY = 25;
  private static final int ESPIPE = 29;

  private final SystemCalls libc = SystemCalls.ofThisProcess();
  private Path path;

  @BeforeEach
  void writeFile(@TempDir Path folder) throws IOException {
    path = Files.write(folder.resolve("registers"), new byte[] {0x11, 0x22, 0x33, 0x44, 0x55});
  }

  @Test
  void registersAreReadLittleEndian() {
    try (OwnedFd file = OwnedFd.open(libc, path)) {
      CallFrame frame = CallFrame.current();

      assertThat(file.pread(frame, 4, 1)).isEqualTo(4);
      assertThat(frame.register(4)).isEqualTo(0x55443322);
      assertThat(file.pread(frame, 2, 0)).isEqualTo(2);
      assertThat(frame.register(2)).isEqualTo(0x2211);
      assertThat(file.pread(frame, 1, 4)).isEqualTo(1);
      assertThat(frame.register(1)).isEqualTo(0x55);
    }
  }

  @Test
  void registersAreWrittenLittleEndian() throws IOException {
    try (OwnedFd file = OwnedFd.open(libc, path)) {
      CallFrame frame = CallFrame.current();
      frame.setRegister(2, 0xffffbeef);

      assertThat(file.pwrite(frame, 2, 1)).isEqualTo(2);
    }
    assertThat(Files.readAllBytes(path)).containsExactly(0x11, 0xef, 0xbe, 0x44, 0x55);
  }

  @Test
  void readBehindTheEndIsShort() {
    try (OwnedFd file = OwnedFd.open(libc, path)) {
      assertThat(file.pread(CallFrame.current(), 4, 3)).isEqualTo(2);
    }
  }

  @Test
  void fileThatIsNotThereSaysWhich() {
    SystemCallException refusal =
        catchThrowableOfType(
            SystemCallException.class, () -> OwnedFd.open(libc, Path.of("/nowhere/iommu")));

    assertThat(refusal.errno()).isEqualTo(Errno.ENOENT);
    assertThat(refusal).hasMessage("open (/nowhere/iommu) failed with ENOENT (2).");
  }

  @Test
  void errnoOfAFailingRequestComesBackNegated() {
    try (OwnedFd file = OwnedFd.open(libc, path);
        OwnedFd event = OwnedFd.eventFd(libc)) {
      CallFrame frame = IommufdUapi.IoasAlloc.REQUEST.frame();

      assertThat(file.ioctl(IommufdUapi.IoasAlloc.REQUEST, frame)).isEqualTo(-ENOTTY);
      assertThat(file.ioctl(VfioUapi.RESET)).isEqualTo(-ENOTTY);
      assertThat(event.pread(CallFrame.current(), 4, 0)).isEqualTo(-ESPIPE);
    }
  }

  @Test
  void closedOneRefusesEveryCall() {
    OwnedFd file = OwnedFd.open(libc, path);
    file.close();
    file.close();

    assertThat(file.isClosed()).isTrue();
    assertThat(file.ioctl(VfioUapi.RESET)).isEqualTo(-EBADF);
    assertThat(file.pread(CallFrame.current(), 4, 0)).isEqualTo(-EBADF);
    assertThat(file.pwrite(CallFrame.current(), 4, 0)).isEqualTo(-EBADF);
    assertThat(file.lend(number -> number)).isEqualTo(-EBADF);
    try (Records buffer = Records.room(8)) {
      assertThat(buffer.readFrom(file)).isEqualTo(-EBADF);
      assertThat(buffer.writeTo(file)).isEqualTo(-EBADF);
    }
  }

  @Test
  void closeGivesTheNumberBack() throws IOException {
    OwnedFd file = OwnedFd.open(libc, path);
    int number = file.lend(each -> each);
    assertThat(Path.of("/proc/self/fd/" + number).toRealPath()).isEqualTo(path.toRealPath());

    file.close();
    assertThat(opened()).doesNotContain(path.toRealPath());
  }

  @Test
  void numberStaysWhileACallUsesIt() throws Exception {
    OwnedFd file = OwnedFd.open(libc, path);
    CountDownLatch inside = new CountDownLatch(1);
    CountDownLatch leave = new CountDownLatch(1);
    Thread user =
        Thread.ofPlatform()
            .start(() ->
                file.lend(number -> {
                  inside.countDown();
                  awaitUninterruptibly(leave);
                  return number;
                }));
    inside.await();

    file.close();
    assertThat(opened()).contains(path.toRealPath());
    leave.countDown();
    user.join();
    assertThat(opened()).doesNotContain(path.toRealPath());
  }

  @Test
  void forgottenOneIsClosedByTheGarbageCollector() {
    openAndForget();

    await()
        .atMost(Duration.ofSeconds(20))
        .untilAsserted(() -> {
          System.gc();
          assertThat(opened()).doesNotContain(path.toRealPath());
        });
  }

  @SuppressWarnings({"resource", "CheckReturnValue", "UnusedVariable"})
  private void openAndForget() {
    OwnedFd forgotten = OwnedFd.open(libc, path);
    assertThat(forgotten.isClosed()).isFalse();
  }

  @Test
  void signalledEventEndsAWait() {
    try (OwnedFd quiet = OwnedFd.eventFd(libc);
        OwnedFd event = OwnedFd.eventFd(libc)) {
      assertThat(quiet.poll(event, 0)).isZero();
      event.signal();

      assertThat(quiet.poll(event, 60_000)).isEqualTo(2);
      assertThat(event.poll(quiet, 60_000)).isEqualTo(1);
    }
  }

  @Test
  void interruptedCallIsMadeAgain() {
    AtomicInteger attempts = new AtomicInteger();
    SystemCalls interrupted =
        new ForwardingCalls(libc) {
          @Override
          public int ioctl(CallFrame frame, int fd, int request) {
            return attempts.incrementAndGet() < 3 ? -4 : super.ioctl(frame, fd, request);
          }

          @Override
          public long pread(CallFrame frame, int fd, int length, long position) {
            return attempts.incrementAndGet() < 6 ? -4 : super.pread(frame, fd, length, position);
          }
        };

    try (OwnedFd file = OwnedFd.open(interrupted, path)) {
      assertThat(file.ioctl(VfioUapi.RESET)).isEqualTo(-ENOTTY);
      assertThat(attempts).hasValue(3);
      assertThat(file.pread(CallFrame.current(), 4, 0)).isEqualTo(4);
      assertThat(attempts).hasValue(6);
    }
  }

  private static Stream<Path> opened() throws IOException {
    try (Stream<Path> numbers = Files.list(Path.of("/proc/self/fd"))) {
      return numbers.map(OwnedFdTest::target).toList().stream();
    }
  }

  private static Path target(Path number) {
    try {
      return Files.readSymbolicLink(number);
    } catch (IOException _) {
      return number;
    }
  }

  private static void awaitUninterruptibly(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }
}
