package io.vpasid.guest.daemon;

import io.vpasid.guest.control.ControlException;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;

/// Requests of control clients that a kernel or a device may take any time for, one at a time for
/// each function. Who asks waits for a bounded time; after that the request goes on, its function
/// takes no other, and everybody else is served.
///
/// Used by the daemon's worker alone.
final class LongRequests {
  private final Duration bound;
  private final Map<String, Running> running = new HashMap<>();

  private record Running(String what, LongWork work) {}

  /// @param bound how long whoever asks waits
  LongRequests(Duration bound) {
    this.bound = bound;
  }

  /// Asks a function for something that its host decides: at once where that is a simulated one,
  /// which answers at once.
  <T> T ask(ServedFunction served, String what, Supplier<T> request) {
    return served.backing().simulated().isPresent()
        ? request.get()
        : ask(served.name(), what, request);
  }

  /// Asks for something that may take long.
  ///
  /// @param function its name
  /// @param what the request in messages, as in `reset`
  /// @throws ControlException if it takes longer than the bound, or an earlier one still does
  <T> T ask(String function, String what, Supplier<T> request) {
    running.values().removeIf(earlier -> !earlier.work.isRunning());
    Running earlier = running.get(function);
    if (earlier != null) {
      throw ControlException.generic(
          "function '%s' is busy: its %s is still under way; ask again when that is done"
              .formatted(function, earlier.what));
    }
    CompletableFuture<T> result = new CompletableFuture<>();
    LongWork work =
        LongWork.begin(
            what + " of " + function,
            () -> {
              var _ = result.complete(request.get());
            });
    running.put(function, new Running(what, work));
    if (!work.endsIn(bound)) {
      throw ControlException.generic(
          "the %s of function '%s' takes more than %s seconds, and goes on"
              .formatted(what, function, bound.toSeconds()));
    }
    return result.join();
  }
}
