package io.vpasid.guest.socket;

import io.netty.channel.unix.FileDescriptor;
import io.vpasid.vmm.linux.calls.SocketCalls;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// File descriptors that travel with one message, owned by whoever holds this object.
///
/// Closing it closes those that nobody took. Not for use by two threads at once.
public final class Descriptors implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Descriptors.class);
  private static final Descriptors NONE = new Descriptors(List.of());

  private final List<FileDescriptor> owned;
  private final int count;

  private Descriptors(List<FileDescriptor> owned) {
    this.owned = owned;
    this.count = owned.size();
  }

  /// No descriptors.
  public static Descriptors none() {
    return NONE;
  }

  /// These descriptors, in the order in which they travel.
  public static Descriptors of(List<FileDescriptor> descriptors) {
    return descriptors.isEmpty() ? NONE : new Descriptors(new ArrayList<>(descriptors));
  }

  /// Number of descriptors that came with the message, taken or not.
  public int count() {
    return count;
  }

  /// Hands over all descriptors that are still here, in order. The caller closes them from now on.
  public List<FileDescriptor> take() {
    List<FileDescriptor> taken = List.copyOf(owned);
    if (!owned.isEmpty()) {
      owned.clear();
    }
    return taken;
  }

  /// The number of one that is still here, without handing it over.
  public int number(int index) {
    return owned.get(index).intValue();
  }

  /// The numbers of those that are still here, without handing them over.
  int[] numbers() {
    return owned.stream().mapToInt(FileDescriptor::intValue).toArray();
  }

  /// True if everything that is still here is an eventfd. As a side effect they no longer block, so
  /// that a peer cannot make a write to its own eventfd wait.
  public boolean areEventFds() {
    for (FileDescriptor descriptor : owned) {
      int number = descriptor.intValue();
      try {
        Path kind = Files.readSymbolicLink(Path.of("/proc/self/fd", Integer.toString(number)));
        if (!kind.toString().equals("anon_inode:[eventfd]")
            || SocketCalls.current().makeNonBlocking(number) < 0) {
          return false;
        }
      } catch (IOException e) {
        LOG.debug("What descriptor {} is cannot be told.", number, e);
        return false;
      }
    }
    return true;
  }

  /// Closes what nobody took.
  @Override
  public void close() {
    for (FileDescriptor descriptor : take()) {
      close(descriptor);
    }
  }

  /// Closes a descriptor; that this failed is only worth a line in the log.
  public static void close(FileDescriptor descriptor) {
    try {
      descriptor.close();
    } catch (IOException e) {
      LOG.debug("Closing descriptor {} failed.", descriptor.intValue(), e);
    }
  }

  @Override
  public String toString() {
    return count == 0 ? "no descriptors" : count + " descriptors";
  }
}
