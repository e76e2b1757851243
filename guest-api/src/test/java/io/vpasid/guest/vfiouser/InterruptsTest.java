package io.vpasid.guest.vfiouser;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.netty.channel.epoll.Native;
import io.netty.channel.unix.FileDescriptor;
import io.vpasid.guest.socket.Descriptors;
import io.vpasid.guest.socket.SocketKind;
import io.vpasid.vmm.linux.Errno;
import io.vpasid.vmm.linux.calls.Budget;
import io.vpasid.vmm.vfio.Irq;
import java.io.IOException;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.api.io.TempDir;

/// Interrupts through real eventfds, of which the test keeps a second descriptor to look at.
@EnabledIf(
    value = "available",
    disabledReason = "needs descriptors through sockets (64-bit Linux, native access)")
class InterruptsTest {
  private static final int NONE = 1;
  private static final int BOOL = 2;
  private static final int EVENTFD = 4;
  private static final int MASK = 8;
  private static final int UNMASK = 16;
  private static final int TRIGGER = 32;

  private static final int INTX = 0;
  private static final int MSIX = 2;

  private final List<String> told = new ArrayList<>();
  private Outcome hardware = Outcome.done();
  private final Budget descriptors = Budget.of(2);
  private final Interrupts interrupts =
      new Interrupts(
          ServedDevice.of(
              new MemoryDevice() {
                @Override
                public Outcome interruptsAssigned(int irq, int start, int... eventfds) {
                  long open = Arrays.stream(eventfds).filter(number -> number >= 0).count();
                  told.add("assigned " + irq + " " + start + " " + eventfds.length + " " + open);
                  return hardware;
                }

                @Override
                public Outcome interruptsMasked(int irq, int vector, boolean masked) {
                  told.add((masked ? "masked " : "unmasked ") + irq + " " + vector);
                  return hardware;
                }

                @Override
                public Outcome interruptsDisabled(int irq) {
                  told.add("disabled " + irq);
                  return hardware;
                }
              }),
          new FaultGuard(),
          true,
          descriptors);

  static boolean available() {
    return SocketKind.DESCRIPTORS.available();
  }

  @AfterEach
  void close() {
    interrupts.close();
  }

  /// An eventfd, and another descriptor of the same.
  private record Pair(FileDescriptor given, FileDescriptor kept) {
    static Pair create() throws Throwable {
      FileDescriptor given = Native.newEventFd();
      return new Pair(given, new FileDescriptor(duplicate(given.intValue())));
    }

    @SuppressWarnings("restricted")
    private static int duplicate(int descriptor) throws Throwable {
      Linker linker = Linker.nativeLinker();
      return (int)
          linker
              .downcallHandle(
                  linker.defaultLookup().findOrThrow("dup"),
                  FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT))
              .invokeExact(descriptor);
    }
  }

  private static Outcome set(
      Interrupts interrupts, int flags, int index, int start, int count, FileDescriptor... fds) {
    return interrupts.set(
        new Payload.IrqSet(20, flags, index, start, count, ByteBuffer.allocate(0)),
        Descriptors.of(List.of(fds)));
  }

  /// What the eventfd's counter has come to, which reading makes 0.
  private static long signals(FileDescriptor eventfd) throws IOException {
    ByteBuffer counter = ByteBuffer.allocateDirect(8).order(ByteOrder.nativeOrder());
    return eventfd.read(counter, 0, 8) == 8 ? counter.getLong(0) : 0;
  }

  private static boolean isOpen(FileDescriptor descriptor) {
    return Files.exists(Path.of("/proc/self/fd/" + descriptor.intValue())) && descriptor.isOpen();
  }

  @Test
  void hardwareHearsOfEveryChange() throws Throwable {
    Pair first = Pair.create();
    Pair second = Pair.create();

    set(interrupts, EVENTFD | TRIGGER, MSIX, 3, 2, first.given(), second.given());
    set(interrupts, EVENTFD | TRIGGER, MSIX, 4, 1);
    set(interrupts, NONE | MASK, INTX, 0, 1);
    set(interrupts, NONE | UNMASK, INTX, 0, 1);
    interrupts.close();

    assertThat(told)
        .containsExactly(
            "assigned 2 3 2 2", "assigned 2 4 1 0", "masked 0 0", "unmasked 0 0", "disabled 2");
    first.kept().close();
    second.kept().close();
  }

  @Test
  void eventfdsTakeDescriptorsFromTheBudget() throws Throwable {
    Pair first = Pair.create();
    Pair second = Pair.create();
    Pair third = Pair.create();
    Pair instead = Pair.create();

    set(interrupts, EVENTFD | TRIGGER, MSIX, 3, 2, first.given(), second.given());
    Outcome beyond = set(interrupts, EVENTFD | TRIGGER, MSIX, 5, 1, third.given());
    set(interrupts, EVENTFD | TRIGGER, MSIX, 4, 1);
    set(interrupts, EVENTFD | TRIGGER, MSIX, 6, 1, instead.given());

    assertThat(beyond)
        .isInstanceOfSatisfying(
            Outcome.Failed.class, refused -> assertThat(refused.errno()).isEqualTo(Errno.ENOSPC));
    assertThat(told).containsExactly("assigned 2 3 2 2", "assigned 2 4 1 0", "assigned 2 6 1 1");
    assertThat(descriptors.taken()).isEqualTo(2);
    interrupts.close();
    assertThat(descriptors.taken()).isZero();
    for (Pair pair : List.of(first, second, third, instead)) {
      pair.kept().close();
    }
  }

  @Test
  void eventfdsThatHardwareRefusesTakeNothing() throws Throwable {
    Pair refused = Pair.create();
    hardware = Outcome.refused(Errno.EINVAL, "no");

    set(interrupts, EVENTFD | TRIGGER, MSIX, 0, 1, refused.given());

    assertThat(descriptors.taken()).isZero();
    refused.kept().close();
  }

  @Test
  void vectorsWithoutEventfdsAreTakenBackToo() {
    set(interrupts, EVENTFD | TRIGGER, MSIX, 0, 2);
    interrupts.close();

    assertThat(told).containsExactly("assigned 2 0 2 0", "disabled 2");
  }

  @Test
  void whatHardwareRefusesIsNotKept() throws Throwable {
    hardware = Outcome.refused(Errno.ENOSPC, "No vector is free.");
    Pair pair = Pair.create();

    assertThat(set(interrupts, EVENTFD | TRIGGER, MSIX, 0, 1, pair.given())).isEqualTo(hardware);

    assertThat(interrupts.trigger(MSIX, 0)).isFalse();
    pair.kept().close();
    pair.given().close();
  }

  @Test
  void anInterruptWithoutAnEventfdTellsNobody() {
    assertThat(interrupts.trigger(MSIX, 0)).isFalse();
    assertThat(interrupts.trigger(MSIX, 8)).isFalse();
    assertThat(interrupts.trigger(MSIX, -1)).isFalse();
    assertThat(interrupts.trigger(5, 0)).isFalse();
    assertThat(interrupts.trigger(-1, 0)).isFalse();
  }

  @Test
  void eachInterruptIsSignalledThroughItsOwnEventfd() throws IOException {
    FileDescriptor first = Native.newEventFd();
    FileDescriptor second = Native.newEventFd();
    assertThat(set(interrupts, EVENTFD | TRIGGER, MSIX, 3, 2, first, second))
        .isEqualTo(Outcome.done());

    assertThat(interrupts.trigger(MSIX, 3)).isTrue();
    assertThat(interrupts.trigger(MSIX, 4)).isTrue();
    assertThat(interrupts.trigger(MSIX, 4)).isTrue();
    assertThat(interrupts.trigger(MSIX, 5)).isFalse();

    assertThat(signals(first)).isEqualTo(1);
    assertThat(signals(second)).isEqualTo(2);
  }

  @Test
  void anotherEventfdTakesThePlaceOfTheFirstWhichIsClosed() throws IOException {
    FileDescriptor first = Native.newEventFd();
    FileDescriptor second = Native.newEventFd();
    set(interrupts, EVENTFD | TRIGGER, MSIX, 0, 1, first);
    set(interrupts, EVENTFD | TRIGGER, MSIX, 0, 1, second);

    assertThat(isOpen(first)).isFalse();
    assertThat(interrupts.trigger(MSIX, 0)).isTrue();
    assertThat(signals(second)).isEqualTo(1);
  }

  @Test
  void eventfdsAreTakenBackOneByOneOrAllAtOnce() {
    FileDescriptor first = Native.newEventFd();
    FileDescriptor second = Native.newEventFd();
    set(interrupts, EVENTFD | TRIGGER, MSIX, 0, 2, first, second);

    assertThat(set(interrupts, EVENTFD | TRIGGER, MSIX, 0, 1)).isEqualTo(Outcome.done());
    assertThat(isOpen(first)).isFalse();
    assertThat(isOpen(second)).isTrue();
    assertThat(set(interrupts, NONE | TRIGGER, MSIX, 0, 0)).isEqualTo(Outcome.done());
    assertThat(isOpen(second)).isFalse();
    assertThat(interrupts.trigger(MSIX, 1)).isFalse();
  }

  @Test
  void closingClosesAllEventfds() {
    FileDescriptor first = Native.newEventFd();
    set(interrupts, EVENTFD | TRIGGER, MSIX, 7, 1, first);

    interrupts.close();

    assertThat(isOpen(first)).isFalse();
    assertThat(interrupts.trigger(MSIX, 7)).isFalse();
  }

  @Test
  void aMaskedInterruptIsSignalledWhenItIsUnmasked() throws IOException {
    FileDescriptor eventfd = Native.newEventFd();
    set(interrupts, EVENTFD | TRIGGER, INTX, 0, 1, eventfd);
    set(interrupts, NONE | MASK, INTX, 0, 1);

    assertThat(interrupts.trigger(INTX, 0)).isFalse();
    assertThat(signals(eventfd)).isZero();
    set(interrupts, NONE | UNMASK, INTX, 0, 1);
    assertThat(signals(eventfd)).isEqualTo(1);
  }

  @Test
  void anAutomaskedInterruptIsSignalledOnceUntilItIsUnmasked() throws IOException {
    FileDescriptor eventfd = Native.newEventFd();
    set(interrupts, EVENTFD | TRIGGER, INTX, 0, 1, eventfd);

    assertThat(interrupts.trigger(INTX, 0)).isTrue();
    assertThat(interrupts.trigger(INTX, 0)).isFalse();
    assertThat(signals(eventfd)).isEqualTo(1);
    set(interrupts, NONE | UNMASK, INTX, 0, 1);
    assertThat(signals(eventfd)).isEqualTo(1);
    set(interrupts, NONE | UNMASK, INTX, 0, 1);
    assertThat(signals(eventfd)).isZero();
  }

  @Test
  void aClientMayTriggerInterruptsItself() throws IOException {
    FileDescriptor first = Native.newEventFd();
    FileDescriptor second = Native.newEventFd();
    set(interrupts, EVENTFD | TRIGGER, MSIX, 0, 2, first, second);

    set(interrupts, NONE | TRIGGER, MSIX, 0, 8);
    interrupts.set(
        new Payload.IrqSet(22, BOOL | TRIGGER, MSIX, 0, 2, ByteBuffer.wrap(new byte[] {0, 1})),
        Descriptors.none());

    assertThat(signals(first)).isEqualTo(1);
    assertThat(signals(second)).isEqualTo(2);
  }

  @Test
  void anEventfdWhoseCounterIsFullDoesNotBlock() throws IOException {
    FileDescriptor eventfd = Native.newEventFd();
    ByteBuffer almostFull = ByteBuffer.allocateDirect(8).order(ByteOrder.nativeOrder());
    almostFull.putLong(0, -2L);
    eventfd.write(almostFull, 0, 8);
    set(interrupts, EVENTFD | TRIGGER, MSIX, 0, 1, eventfd);

    assertThat(interrupts.trigger(MSIX, 0)).isTrue();
    assertThat(signals(eventfd)).isEqualTo(-1L);
  }

  @Test
  void eventfdsMustBeAsManyAsTheCountSaysAndAreNotKeptOtherwise() {
    FileDescriptor first = Native.newEventFd();
    Descriptors one = Descriptors.of(List.of(first));

    Outcome outcome =
        interrupts.set(
            new Payload.IrqSet(20, EVENTFD | TRIGGER, MSIX, 0, 2, ByteBuffer.allocate(0)), one);

    assertThat(outcome)
        .isInstanceOfSatisfying(
            Outcome.Failed.class, refused -> assertThat(refused.errno()).isEqualTo(Errno.EINVAL));
    one.close();
    assertThat(isOpen(first)).isFalse();
  }

  @Test
  void aDescriptorThatIsNoEventfdIsRefused() throws IOException {
    FileDescriptor[] pipe = FileDescriptor.pipe();

    assertThat(set(interrupts, EVENTFD | TRIGGER, MSIX, 0, 1, pipe[1]))
        .isInstanceOf(Outcome.Failed.class);
    pipe[0].close();
    pipe[1].close();
  }

  @Test
  void descriptorsWithAMessageThatHasNoUseForThemAreRefused() throws IOException {
    FileDescriptor eventfd = Native.newEventFd();

    assertThat(set(interrupts, NONE | TRIGGER, MSIX, 0, 0, eventfd))
        .isInstanceOf(Outcome.Failed.class);
    assertThat(set(interrupts, EVENTFD | UNMASK, INTX, 0, 1, eventfd))
        .isInstanceOfSatisfying(
            Outcome.Failed.class,
            refused -> assertThat(refused.errno()).isEqualTo(Errno.EOPNOTSUPP));
    eventfd.close();
  }

  @Test
  void anInterruptReachesTheClientsEventfdThroughTheSocket(@TempDir Path directory)
      throws Throwable {
    MemoryDevice device = new MemoryDevice();
    Path path = directory.resolve("s");
    Pair pair = Pair.create();

    try (var sockets = VfioUserSockets.open(SocketKind.DESCRIPTORS, "test", 2);
        var _ = sockets.serve(path, device, VfioUserServer.Options.defaults());
        var client = sockets.connect(path, VfioUserClient.Options.defaults())) {
      assertThat(client.irqInfo(MSIX)).isEqualTo(new Irq(8, Irq.EVENTFD | Irq.NORESIZE));
      client.assignInterrupts(MSIX, 2, List.of(pair.given()));

      assertThat(device.peer().orElseThrow().trigger(MSIX, 2)).isTrue();
      assertThat(signals(pair.kept())).isEqualTo(1);
      assertThatThrownBy(() -> client.assignInterrupts(MSIX, 8, List.of(Native.newEventFd())))
          .isInstanceOf(VfioUserException.class);
    }
    pair.kept().close();
    await().untilAsserted(() -> assertThat(device.peer()).isEmpty());
  }

  @Test
  void eventfdsAreClosedWhenTheClientGoes(@TempDir Path directory) throws IOException {
    MemoryDevice device = new MemoryDevice();
    Path path = directory.resolve("s");
    List<String> before = eventfds();

    try (var sockets = VfioUserSockets.open(SocketKind.DESCRIPTORS, "test", 1);
        var _ = sockets.serve(path, device, VfioUserServer.Options.defaults())) {
      List<String> serving = eventfds();
      try (var client = sockets.connect(path, VfioUserClient.Options.defaults())) {
        List<FileDescriptor> given = new ArrayList<>();
        for (int i = 0; i < 8; i++) {
          given.add(Native.newEventFd());
        }
        client.assignInterrupts(MSIX, 0, given);
        assertThat(eventfds()).hasSize(serving.size() + 8);
      }
      await().untilAsserted(() -> assertThat(eventfds()).hasSameSizeAs(serving));
    }
    await().untilAsserted(() -> assertThat(eventfds()).hasSameSizeAs(before));
  }

  private static List<String> eventfds() throws IOException {
    List<String> found = new ArrayList<>();
    try (var all = Files.list(Path.of("/proc/self/fd"))) {
      for (Path descriptor : all.toList()) {
        if (Files.isSymbolicLink(descriptor)) {
          found.add(Files.readSymbolicLink(descriptor).toString());
        }
      }
    }
    return found.stream().filter("anon_inode:[eventfd]"::equals).toList();
  }
}
