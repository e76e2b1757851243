package io.vpasid.guest.scenario;

import io.vpasid.guest.vfiouser.VfioUserClient;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/// A guest's accesses to the devices of a [DaemonMachine]: writes that are posted, as on a bus, and
/// reads that wait. Each device is a connection of its own, which keeps the order of what is sent
/// there; nothing is asked of another before what was written to this one is done.
///
/// For one thread.
final class PostedWrites {
  private static final CompletableFuture<Void> NOTHING = CompletableFuture.completedFuture(null);

  private final Function<IOException, RuntimeException> broken;
  private CompletableFuture<Void> written = NOTHING;
  private @Nullable VfioUserClient to;

  /// @param broken what is thrown for an access that does not come through
  PostedWrites(Function<IOException, RuntimeException> broken) {
    this.broken = broken;
  }

  /// Writes, without waiting: a refusal is thrown by a later call.
  ///
  /// @param width in bytes, 1 to 8
  /// @param value in its low bytes
  void write(VfioUserClient client, int region, int offset, int width, long value) {
    turnTo(client);
    ByteBuffer bytes =
        ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN).putLong(0, value);
    try {
      written =
          CompletableFuture.allOf(written, client.writeAsync(region, offset, bytes.limit(width)));
    } catch (IOException e) {
      throw broken.apply(e);
    }
  }

  /// Reads what is there after all that was written.
  ///
  /// @param width in bytes, 1 to 8
  /// @return in the low bytes what the device has there, 0 above
  long read(VfioUserClient client, int region, int offset, int width) {
    turnTo(client);
    ByteBuffer bytes = ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    try {
      bytes.put(client.read(region, offset, width));
    } catch (IOException e) {
      throw broken.apply(e);
    }
    settle();
    return bytes.clear().getLong();
  }

  private void turnTo(VfioUserClient client) {
    if (to != client) {
      settle();
      to = client;
    }
  }

  /// Waits until what was written is done.
  void settle() {
    CompletableFuture<Void> all = written;
    forget();
    try {
      var _ = VfioUserClient.await(all);
    } catch (IOException e) {
      throw broken.apply(e);
    }
  }

  /// Waits for nothing that was written.
  void forget() {
    written = NOTHING;
  }
}
