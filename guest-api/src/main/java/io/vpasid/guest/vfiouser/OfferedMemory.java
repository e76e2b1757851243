package io.vpasid.guest.vfiouser;

import io.vpasid.vmm.linux.Errno;
import java.nio.ByteBuffer;
import java.util.Map;
import java.util.NavigableMap;
import java.util.OptionalLong;
import java.util.concurrent.ConcurrentSkipListMap;

/// The memory that a client offers to the server's device without a descriptor, so that the server
/// asks for its bytes by DMA_READ and DMA_WRITE.
///
/// The server is not trusted: what it asks for lies within one window, is permitted there, and is
/// no longer than a transfer may be.
final class OfferedMemory {
  /// The answer to a request whose bytes contradict each other.
  static final Result INVALID = new Result.Failed(Errno.EINVAL);

  /// The answer to everything else that a server may ask for.
  static final Result UNSERVED = new Result.Failed(Errno.EOPNOTSUPP);

  private final int maxTransfer;
  private final NavigableMap<Long, Window> windows =
      new ConcurrentSkipListMap<>(Long::compareUnsigned);

  /// Nothing offered yet.
  ///
  /// @param maxTransfer most bytes of one request
  OfferedMemory(int maxTransfer) {
    this.maxTransfer = maxTransfer;
  }

  private record Window(long address, ByteBuffer bytes) {}

  /// What becomes of a server's request.
  sealed interface Result {
    record Done(Payload payload) implements Result {}

    record Failed(Errno errno) implements Result {}
  }

  /// Offers memory.
  ///
  /// @param address of its first byte, as the device will use it
  /// @param memory from position to limit; a read-only one is not written
  void offer(long address, ByteBuffer memory) {
    windows.put(address, new Window(address, memory.slice()));
  }

  /// Takes memory back.
  void withdraw(long address) {
    windows.remove(address);
  }

  Result read(long address, long count) {
    return switch (find(address, count)) {
      case Found.Nothing nothing -> new Result.Failed(nothing.errno());
      case Found.Part part ->
          new Result.Done(
              new Payload.DmaData(address, DmaLayout.SPECIFICATION.encode(part.bytes())));
    };
  }

  Result write(long address, ByteBuffer data) {
    int count = data.remaining();
    return switch (find(address, count)) {
      case Found.Nothing nothing -> new Result.Failed(nothing.errno());
      case Found.Part part when part.bytes().isReadOnly() -> new Result.Failed(Errno.EPERM);
      case Found.Part part -> {
        part.bytes().put(data);
        yield new Result.Done(new Payload.DmaWritten(address, OptionalLong.of(count)));
      }
    };
  }

  private sealed interface Found {
    record Part(ByteBuffer bytes) implements Found {}

    record Nothing(Errno errno) implements Found {}
  }

  private Found find(long address, long count) {
    if (count < 0 || count > maxTransfer) {
      return new Found.Nothing(Errno.E2BIG);
    }
    Map.Entry<Long, Window> below = windows.floorEntry(address);
    if (below == null) {
      return new Found.Nothing(Errno.EFAULT);
    }
    ByteBuffer bytes = below.getValue().bytes;
    long at = address - below.getKey();
    return at < 0 || at > bytes.capacity() || count > bytes.capacity() - at
        ? new Found.Nothing(Errno.EFAULT)
        : new Found.Part(bytes.slice((int) at, (int) count));
  }
}
