package io.vpasid.guest.vfiouser;

import io.netty.channel.unix.FileDescriptor;
import io.vpasid.guest.socket.Descriptors;
import io.vpasid.vmm.linux.Errno;
import io.vpasid.vmm.linux.calls.Budget;
import io.vpasid.vmm.linux.calls.EventSignal;
import io.vpasid.vmm.vfio.Irq;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.BitSet;
import java.util.List;
import java.util.Optional;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// The eventfds through which one client wants to be told of interrupts, and which of them it has
/// masked.
///
/// The device may signal from any thread while the client changes its mind, so everything is
/// guarded by this object's monitor.
final class Interrupts implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Interrupts.class);

  /// What is added to an eventfd's counter, in the host's byte order.
  private static final ByteBuffer ONE =
      ByteBuffer.allocateDirect(Long.BYTES).order(ByteOrder.nativeOrder()).putLong(0, 1);

  private final VfioUserDevice device;
  private final FaultGuard guard;
  private final List<Irq> irqs;
  private final boolean descriptorsPass;
  private final Line[] lines;
  private final Budget descriptors;

  /// Nothing set up yet.
  ///
  /// @param device is asked about each change
  /// @param descriptorsPass whether eventfds can come at all
  /// @param descriptors of which each eventfd takes one
  Interrupts(ServedDevice device, FaultGuard guard, boolean descriptorsPass, Budget descriptors) {
    this.device = device.device();
    this.guard = guard;
    this.descriptors = descriptors;
    irqs = device.irqs();
    this.descriptorsPass = descriptorsPass;
    this.lines = new Line[irqs.size()];
    for (int i = 0; i < lines.length; i++) {
      lines[i] = new Line(irqs.get(i).count());
    }
  }

  /// The interrupts of one type.
  private static final class Line {
    final @Nullable FileDescriptor[] eventfds;
    final BitSet masked = new BitSet();
    final BitSet pending = new BitSet();

    /// True if the device was told to use it, be it with vectors that have no eventfd.
    boolean isUsed;

    Line(int count) {
      eventfds = new FileDescriptor[count];
    }
  }

  /// Does what a DEVICE_SET_IRQS message says (specification, "VFIO_USER_DEVICE_SET_IRQS").
  ///
  /// Where descriptors do not pass, eventfds are refused with EOPNOTSUPP: the kernel drops them on
  /// the way, so that a client that sends some cannot be told from one that takes its own back.
  ///
  /// @param sent descriptors that came with it; eventfds that are kept are taken out
  synchronized Outcome set(Payload.IrqSet set, Descriptors sent) {
    if (set.argsz() < Payload.IrqSet.LENGTH || set.index() >= irqs.size()) {
      return invalid("argsz is %s, the index %s.".formatted(set.argsz(), set.index()));
    }
    int data = set.flags() & Payload.IrqSet.DATA_MASK;
    int action = set.flags() & Payload.IrqSet.ACTIONS;
    int index = (int) set.index();
    int available = irqs.get(index).count();
    if ((set.flags() & ~(Payload.IrqSet.DATA_MASK | Payload.IrqSet.ACTIONS)) != 0
        || Integer.bitCount(data) != 1
        || Integer.bitCount(action) != 1) {
      return invalid("The flags %x are not one of each.".formatted(set.flags()));
    }
    if (data != Payload.IrqSet.DATA_EVENTFD && sent.count() != 0) {
      return invalid("Descriptors came with a message that has no use for them.");
    }
    if (set.count() == 0) {
      return disable(index, set, data, action);
    }
    if (set.start() + set.count() > available) {
      return invalid(
          set.count() + " from " + set.start() + " on, but there are " + available + ".");
    }
    if (data == Payload.IrqSet.DATA_BOOL && set.data().remaining() != set.count()) {
      return invalid(set.count() + " booleans expected, " + set.data().remaining() + " came.");
    }
    return switch (action) {
      case Payload.IrqSet.ACTION_TRIGGER ->
          data == Payload.IrqSet.DATA_EVENTFD ? assign(index, set, sent) : triggerEach(index, set);
      case Payload.IrqSet.ACTION_MASK -> maskEach(index, set, true);
      default -> maskEach(index, set, false);
    };
  }

  private static Outcome invalid(String reason) {
    return Outcome.refused(Errno.EINVAL, reason);
  }

  private Outcome disable(int index, Payload.IrqSet set, int data, int action) {
    if (set.start() != 0
        || data != Payload.IrqSet.DATA_NONE
        || action != Payload.IrqSet.ACTION_TRIGGER) {
      return invalid("A count of 0 only disables a whole type.");
    }
    Outcome outcome = guard.guarded("SET_IRQS", () -> device.interruptsDisabled(index));
    if (outcome instanceof Outcome.Done) {
      release(lines[index]);
    }
    return outcome;
  }

  private Outcome assign(int index, Payload.IrqSet set, Descriptors sent) {
    if (!descriptorsPass) {
      return Outcome.refused(
          Errno.EOPNOTSUPP, "Interrupts need eventfds, and descriptors do not pass here.");
    }
    int start = (int) set.start();
    int count = (int) set.count();
    if (sent.count() != 0 && sent.count() != count) {
      return invalid(count + " eventfds expected, " + sent.count() + " came.");
    }
    if (!sent.areEventFds()) {
      return invalid("Not every descriptor is an eventfd.");
    }
    int taken = sent.count();
    if (!descriptors.take(taken)) {
      return Outcome.refused(
          Errno.ENOSPC, "The client has as many descriptors open as it may have.");
    }
    int[] numbers = new int[count];
    for (int i = 0; i < count; i++) {
      numbers[i] = sent.count() == 0 ? -1 : sent.number(i);
    }
    Line line = lines[index];
    line.isUsed = true;
    Outcome outcome =
        guard.guarded("SET_IRQS", () -> device.interruptsAssigned(index, start, numbers));
    if (outcome instanceof Outcome.Failed) {
      descriptors.giveBack(taken);
      return outcome;
    }
    List<FileDescriptor> eventfds = sent.take();
    for (int i = 0; i < count; i++) {
      FileDescriptor before = line.eventfds[start + i];
      line.eventfds[start + i] = eventfds.isEmpty() ? null : eventfds.get(i);
      if (before != null) {
        giveUp(before);
      }
    }
    return Outcome.done();
  }

  private Outcome triggerEach(int index, Payload.IrqSet set) {
    forEach(set, vector -> trigger(index, vector));
    return Outcome.done();
  }

  private Outcome maskEach(int index, Payload.IrqSet set, boolean mask) {
    if (!irqs.get(index).isMaskable()) {
      return invalid("Interrupts of type " + index + " cannot be masked.");
    }
    if ((set.flags() & Payload.IrqSet.DATA_EVENTFD) != 0) {
      return Outcome.refused(
          Errno.EOPNOTSUPP, "Masking is not reported, and not asked for, through eventfds.");
    }
    Line line = lines[index];
    forEach(
        set,
        vector -> {
          Outcome outcome =
              guard.guarded("SET_IRQS", () -> device.interruptsMasked(index, vector, mask));
          if (outcome instanceof Outcome.Failed refused) {
            LOG.debug("Interrupt {}, {}: {}", index, vector, refused.reason());
          }
          line.masked.set(vector, mask);
          if (!mask && line.pending.get(vector)) {
            trigger(index, vector);
          }
        });
    return Outcome.done();
  }

  private static void forEach(Payload.IrqSet set, IntConsumer action) {
    boolean all = (set.flags() & Payload.IrqSet.DATA_NONE) != 0;
    for (int i = 0; i < set.count(); i++) {
      if (all || set.data().get(set.data().position() + i) != 0) {
        action.accept((int) set.start() + i);
      }
    }
  }

  /// Tells the client, unless it has masked the interrupt: then when it unmasks it.
  ///
  /// @return whether it was told
  synchronized boolean trigger(int index, int vector) {
    if (index < 0 || index >= lines.length || vector < 0 || vector >= irqs.get(index).count()) {
      return false;
    }
    Line line = lines[index];
    FileDescriptor eventfd = line.eventfds[vector];
    if (eventfd == null) {
      return false;
    }
    if (line.masked.get(vector)) {
      line.pending.set(vector);
      return false;
    }
    line.pending.clear(vector);
    if (irqs.get(index).isAutomasked()) {
      line.masked.set(vector);
    }
    return tell(eventfd);
  }

  /// Waits for nobody. A counter that is full is a signal that the client has not read.
  private static boolean tell(FileDescriptor eventfd) {
    Optional<EventSignal> signal = EventSignal.current();
    try {
      if (signal.isPresent()) {
        int errno = -signal.get().signal(eventfd.intValue());
        if (errno != 0) {
          LOG.debug("Signalling an interrupt failed with {}.", new Errno(errno));
        }
        return errno == 0;
      }
      // A client that has its eventfd block again holds us up here; there is no other way.
      eventfd.write(ONE, 0, Long.BYTES);
      return true;
    } catch (IOException e) {
      LOG.debug("Signalling an interrupt failed.", e);
      return false;
    }
  }

  private void giveUp(FileDescriptor eventfd) {
    Descriptors.close(eventfd);
    descriptors.giveBack(1);
  }

  private void release(Line line) {
    for (int i = 0; i < line.eventfds.length; i++) {
      FileDescriptor eventfd = line.eventfds[i];
      if (eventfd != null) {
        giveUp(eventfd);
        line.eventfds[i] = null;
      }
    }
    line.masked.clear();
    line.pending.clear();
    line.isUsed = false;
  }

  /// Closes all eventfds, and has every type disabled that was in use; from now on nothing is told.
  @Override
  public synchronized void close() {
    for (int i = 0; i < lines.length; i++) {
      int index = i;
      if (lines[index].isUsed) {
        var _ = guard.guarded("SET_IRQS", () -> device.interruptsDisabled(index));
      }
      release(lines[index]);
    }
  }
}
