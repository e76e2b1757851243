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
      case Found.Nothing(Result why) -> why;
      case Found.Part(ByteBuffer bytes) ->
          new Result.Success(new Payload.DmaData(address, DmaLayout.SPECIFICATION.encode(bytes)));
    };
  }

  Result write(long address, ByteBuffer data) {
    int count = data.remaining();
    return switch (find(address, count)) {
      case Found.Nothing(Result why) -> why;
      case Found.Part(ByteBuffer bytes) when bytes.isReadOnly() ->
          new Result.Failure(Errno.EPERM, "The memory is not to be written.");
      case Found.Part(ByteBuffer bytes) -> {
        bytes.put(data);
        yield new Result.Success(new Payload.DmaWritten(address, OptionalLong.of(count)));
      }
    };
  }

  private sealed interface Found {
    record Part(ByteBuffer bytes) implements Found {}

    record Nothing(Result why) implements Found {}
  }

  private Found find(long address, long count) {
    if (count < 0 || count > maxTransfer) {
      return new Found.Nothing(
          new Result.Failure(Errno.E2BIG, "The access has more than " + maxTransfer + " bytes."));
    }
    Map.Entry<Long, Window> below = windows.floorEntry(address);
    if (below != null) {
      ByteBuffer bytes = below.getValue().bytes;
      long at = address - below.getKey();
      if (at >= 0 && at <= bytes.capacity() && count <= bytes.capacity() - at) {
        return new Found.Part(bytes.slice((int) at, (int) count));
      }
    }
    return new Found.Nothing(new Result.Failure(Errno.EFAULT, "No memory is offered there."));
  }
}
