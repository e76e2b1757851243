package io.vpasid.guest.vfiouser;

import io.vpasid.guest.vfiouser.DmaRegions.Piece;
import io.vpasid.vmm.linux.Errno;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Semaphore;

/// A client's memory as the device reads and writes it: at once where the client shares the file,
/// else by DMA_READ and DMA_WRITE, one message at a time for one access.
final class ClientMemory {
  /// Most accesses that wait for the client at a time; one more is refused.
  static final int MAX_UNDER_WAY = 64;

  private final DmaRegions regions;
  private final Requests requests;
  private final DmaLayout layout;
  private final int maxTransfer;
  private final Semaphore places = new Semaphore(MAX_UNDER_WAY);

  /// The memory of a client.
  ///
  /// @param regions its windows
  /// @param requests the way to ask it
  /// @param layout how it has DMA messages
  /// @param maxTransfer most bytes of one message
  ClientMemory(DmaRegions regions, Requests requests, DmaLayout layout, int maxTransfer) {
    this.regions = regions;
    this.requests = requests;
    this.layout = layout;
    this.maxTransfer = maxTransfer;
  }

  /// The way to ask a client for something, from any thread.
  interface Requests {
    /// Sends a request.
    ///
    /// @param reply the layout of its reply
    /// @param what the request as it reads in the message of an exception
    <P extends Payload> CompletableFuture<P> send(
        Command command, Payload payload, Class<P> reply, String what);
  }

  CompletableFuture<Outcome> read(long address, ByteBuffer destination) {
    return access(address, destination, false);
  }

  CompletableFuture<Outcome> write(long address, ByteBuffer source) {
    return access(address, source, true);
  }

  private CompletableFuture<Outcome> access(long address, ByteBuffer buffer, boolean writing) {
    long at = address;
    while (buffer.hasRemaining()) {
      int before = buffer.position();
      switch (writing ? regions.write(at, buffer) : regions.read(at, buffer)) {
        case Piece.Copied _ -> at += buffer.position() - before;
        case Piece.Refused refused -> {
          return CompletableFuture.completedFuture(
              Outcome.refused(refused.errno(), refused.reason()));
        }
        case Piece.Ask ask -> {
          return ask(at, buffer, Math.min(ask.count(), maxTransfer), writing);
        }
      }
    }
    return CompletableFuture.completedFuture(Outcome.done());
  }

  private CompletableFuture<Outcome> ask(long at, ByteBuffer buffer, int count, boolean writing) {
    if (!places.tryAcquire()) {
      return CompletableFuture.completedFuture(
          Outcome.refused(Errno.EAGAIN, "The client is behind with other accesses."));
    }
    CompletableFuture<Optional<String>> piece =
        writing ? askToWrite(at, buffer, count) : askToRead(at, buffer, count);
    return piece
        .handle((bad, failure) -> {
          places.release();
          return failure == null
              ? bad.map(reason -> Outcome.refused(Errno.EIO, reason)).orElse(Outcome.done())
              : refusal(failure);
        })
        .thenCompose(outcome ->
            switch (outcome) {
              case Outcome.Done _ -> access(at + count, buffer, writing);
              case Outcome.Refused _ -> CompletableFuture.completedFuture(outcome);
            });
  }

  /// @return what is wrong with the reply, if something is
  private CompletableFuture<Optional<String>> askToRead(long at, ByteBuffer buffer, int count) {
    return requests
        .send(
            Command.DMA_READ,
            new Payload.DmaAccess(at, count),
            Payload.DmaData.class,
            "DMA_READ of " + count + " bytes at 0x" + Long.toHexString(at))
        .thenApply(reply -> {
          Optional<ByteBuffer> data = layout.decode(reply.rest());
          if (reply.address() != at || data.isEmpty() || data.get().remaining() != count) {
            return Optional.of("The reply to a DMA_READ is bad.");
          }
          buffer.put(data.get());
          return Optional.empty();
        });
  }

  private CompletableFuture<Optional<String>> askToWrite(long at, ByteBuffer buffer, int count) {
    ByteBuffer data = buffer.slice(buffer.position(), count);
    return requests
        .send(
            Command.DMA_WRITE,
            new Payload.DmaData(at, layout.encode(data)),
            Payload.DmaWritten.class,
            "DMA_WRITE of " + count + " bytes at 0x" + Long.toHexString(at))
        .thenApply(reply -> {
          if (reply.count().isPresent()
              && (reply.address() != at || reply.count().getAsLong() != count)) {
            return Optional.of("The reply to a DMA_WRITE is bad.");
          }
          buffer.position(buffer.position() + count);
          return Optional.empty();
        });
  }

  private static Outcome refusal(Throwable failure) {
    Throwable cause =
        failure instanceof CompletionException && failure.getCause() != null
            ? failure.getCause()
            : failure;
    String reason = String.valueOf(cause.getMessage());
    return switch (cause) {
      case VfioUserException refused -> Outcome.refused(refused.errno(), reason);
      case IOException _ -> Outcome.refused(Errno.ENOTCONN, reason);
      default -> throw new CompletionException(cause);
    };
  }
}
