package io.vpasid.guest.vfiouser;

import io.vpasid.guest.vfiouser.DmaRegions.Piece;
import io.vpasid.vmm.linux.Errno;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Semaphore;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/// A client's memory as the device reads and writes it: at once where the client shares the file,
/// else by DMA_READ and DMA_WRITE, one message at a time for one access.
///
/// Some clients have a layout of their own for these, see [DmaLayout]. Which one has is found out
/// before the first message, by one that is harmless in either layout.
final class ClientMemory {
  /// Most accesses that wait for the client at a time; one more is refused.
  static final int MAX_UNDER_WAY = 64;

  private final DmaRegions regions;
  private final Requests requests;
  private final boolean mayBeOldQemu;
  private final int maxTransfer;
  private final Semaphore places = new Semaphore(MAX_UNDER_WAY);

  /// How the client has DMA messages; null until it is asked for the first time. Later accesses are
  /// chained to it, so that they go out in the order in which they were made.
  private @Nullable CompletableFuture<DmaLayout> layout;

  /// The memory of a client.
  ///
  /// @param regions its windows
  /// @param requests the way to ask it
  /// @param mayBeOldQemu whether it may have [DmaLayout#QEMU], so that it has to be found out
  /// @param maxTransfer most bytes of one message
  ClientMemory(DmaRegions regions, Requests requests, boolean mayBeOldQemu, int maxTransfer) {
    this.regions = regions;
    this.requests = requests;
    this.mayBeOldQemu = mayBeOldQemu;
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

  CompletableFuture<Outcome> writeMessage(long address, int data) {
    ByteBuffer bytes = ByteBuffer.allocate(Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    bytes.putInt(data).rewind();
    return regions.isMapped(address)
        ? write(address, bytes)
        : ask(address, bytes, Integer.BYTES, true);
  }

  private CompletableFuture<Outcome> access(long address, ByteBuffer buffer, boolean writing) {
    long at = address;
    while (buffer.hasRemaining()) {
      int before = buffer.position();
      switch (writing ? regions.write(at, buffer) : regions.read(at, buffer)) {
        case Piece.Copied _ -> at += buffer.position() - before;
        case Piece.Unreachable refused -> {
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
        inLayout(
            at,
            known ->
                writing
                    ? askToWrite(known, at, buffer, count)
                    : askToRead(known, at, buffer, count));
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
              case Outcome.Failed _ -> CompletableFuture.completedFuture(outcome);
            });
  }

  /// Sends something as soon as the client's layout is known.
  ///
  /// @param at an address that is written to, should the layout have to be found out: with no bytes
  private <T> CompletableFuture<T> inLayout(
      long at, Function<DmaLayout, CompletableFuture<T>> send) {
    CompletableFuture<T> outcome = new CompletableFuture<>();
    synchronized (this) {
      layout =
          (layout == null ? findLayout(at) : layout)
              .thenApply(known -> {
                var _ =
                    send.apply(known)
                        .whenComplete((value, failure) -> end(outcome, value, failure));
                return known;
              });
      var _ =
          layout.whenComplete((_, failure) -> {
            if (failure != null) {
              outcome.completeExceptionally(failure);
            }
          });
    }
    return outcome;
  }

  private static <T> void end(
      CompletableFuture<T> outcome, @Nullable T value, @Nullable Throwable failure) {
    if (failure == null) {
      outcome.complete(value);
    } else {
      outcome.completeExceptionally(failure);
    }
  }

  private CompletableFuture<DmaLayout> findLayout(long at) {
    if (!mayBeOldQemu) {
      return CompletableFuture.completedFuture(DmaLayout.SPECIFICATION);
    }
    return requests
        .send(
            Command.DMA_WRITE,
            new Payload.DmaData(at, DmaLayout.probe()),
            Payload.DmaWritten.class,
            "DMA_WRITE that asks for the layout of its count")
        .handle((_, failure) -> {
          if (failure == null) {
            return DmaLayout.QEMU;
          }
          if (cause(failure) instanceof VfioUserException) {
            return DmaLayout.SPECIFICATION;
          }
          throw new CompletionException(cause(failure));
        });
  }

  /// @return what is wrong with the reply, if something is
  private CompletableFuture<Optional<String>> askToRead(
      DmaLayout layout, long at, ByteBuffer buffer, int count) {
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

  private CompletableFuture<Optional<String>> askToWrite(
      DmaLayout layout, long at, ByteBuffer buffer, int count) {
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
    Throwable cause = cause(failure);
    String reason = String.valueOf(cause.getMessage());
    return switch (cause) {
      case VfioUserException refused -> Outcome.refused(refused.errno(), reason);
      case IOException _ -> Outcome.refused(Errno.ENOTCONN, reason);
      default -> throw new CompletionException(cause);
    };
  }

  private static Throwable cause(Throwable failure) {
    return failure instanceof CompletionException && failure.getCause() != null
        ? failure.getCause()
        : failure;
  }
}
