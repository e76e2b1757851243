package io.vpasid.guest.socket;

import io.netty.util.concurrent.EventExecutor;
import io.netty.util.concurrent.FastThreadLocal;
import java.util.ArrayDeque;
import java.util.concurrent.TimeUnit;

/// Work of a loop for which its sockets do not wait: connections to accept, first messages, ends,
/// and what is left of messages that ask for much.
///
/// It is done in the order in which it came, one piece at a time however many clients it is for; in
/// between, whatever else has arrived at the loop's sockets is served. Each piece takes a
/// millisecond at most.
public final class LaterTurns {
  private static final FastThreadLocal<LaterTurns> OF_THREAD = new FastThreadLocal<>();

  private final EventExecutor loop;
  private final ArrayDeque<Runnable> waiting = new ArrayDeque<>();
  private boolean scheduled;

  private LaterTurns(EventExecutor loop) {
    this.loop = loop;
  }

  /// Has a piece of work done in a later turn. To be called on the loop.
  public static void add(EventExecutor loop, Runnable work) {
    LaterTurns turns = OF_THREAD.getIfExists();
    if (turns == null || !turns.loop.equals(loop)) {
      turns = new LaterTurns(loop);
      OF_THREAD.set(turns);
    }
    turns.waiting.add(work);
    turns.schedule();
  }

  private void schedule() {
    if (!scheduled && !waiting.isEmpty()) {
      scheduled = true;
      // A scheduled task that is due is run after the loop has looked at its sockets; one that is
      // only executed is run before.
      var _ = loop.schedule(this::take, 0, TimeUnit.NANOSECONDS);
    }
  }

  private void take() {
    scheduled = false;
    try {
      waiting.remove().run();
    } finally {
      schedule();
    }
  }
}
