package io.vpasid.guest.daemon;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/// Work that the kernel or a device may take any time for, such as the reset of a function that is
/// passed through (100 ms, up to a minute for a device that does not come back): on a thread of its
/// own, so that whoever asked for it waits for a bounded time, and nobody else at all.
///
/// A thread inside a system call cannot be interrupted; work that takes longer than its bound goes
/// on.
final class LongWork {
  /// Time that whoever asked for something waits for it.
  static final Duration BOUND = Duration.ofSeconds(10);

  private final CompletableFuture<Void> end = new CompletableFuture<>();

  private LongWork() {}

  /// Begins some work.
  ///
  /// @param name of its thread
  static LongWork begin(String name, Runnable work) {
    LongWork begun = new LongWork();
    Thread.ofPlatform()
        .daemon()
        .name(name)
        .start(() -> {
          try {
            work.run();
            begun.end.complete(null);
          } catch (RuntimeException | Error e) {
            begun.end.completeExceptionally(e);
          }
        });
    return begun;
  }

  /// Waits for the end of it, and throws what it threw.
  ///
  /// @return whether it has ended in that time
  boolean endsIn(Duration bound) {
    try {
      var _ = end.get(bound.toNanos(), TimeUnit.NANOSECONDS);
      return true;
    } catch (TimeoutException _) {
      return false;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    } catch (ExecutionException e) {
      switch (e.getCause()) {
        case RuntimeException thrown -> throw thrown;
        case Error thrown -> throw thrown;
        case null, default -> throw new CompletionException(e);
      }
    }
  }

  boolean isRunning() {
    return !end.isDone();
  }

  /// Has something done when it has ended, however.
  void then(Runnable next) {
    var _ = end.whenComplete((_, _) -> next.run());
  }
}
