package io.vpasid.vmm.frontend.mailbox;

import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/// The threads that carry out guests' requests, so that no vCPU waits for the kernel.
///
/// Every mailbox has one request under way at most, so no guest can fill the queue alone; requests
/// that find it full are answered with EAGAIN.
public final class RequestWorkers implements AutoCloseable {
  private static final int THREADS = 2;
  private static final int QUEUED = 1024;
  private static final long CLOSE_SECONDS = 10;

  private final ThreadPoolExecutor threads;

  private RequestWorkers(ThreadPoolExecutor threads) {
    this.threads = threads;
  }

  /// Two threads with a queue of 1,024 requests.
  public static RequestWorkers open() {
    return open(THREADS, QUEUED);
  }

  /// Starts threads.
  ///
  /// @param count how many, at least 1
  /// @param queued most requests that wait for one, at least 1
  static RequestWorkers open(int count, int queued) {
    AtomicInteger number = new AtomicInteger();
    ThreadPoolExecutor threads =
        new ThreadPoolExecutor(
            count,
            count,
            0,
            TimeUnit.SECONDS,
            new ArrayBlockingQueue<>(queued),
            work -> {
              Thread thread = new Thread(work, "guest-requests-" + number.incrementAndGet());
              thread.setDaemon(true);
              return thread;
            });
    // Then handing a request over only puts it into the queue, whoever does it.
    threads.prestartAllCoreThreads();
    return new RequestWorkers(threads);
  }

  /// Hands a request over, without waiting.
  ///
  /// @return whether there was room for it
  boolean offer(Runnable request) {
    try {
      threads.execute(request);
      return true;
    } catch (RejectedExecutionException e) {
      return false;
    }
  }

  /// Carries out what is queued, 10 seconds at most, and ends the threads.
  @Override
  public void close() {
    threads.shutdown();
    try {
      if (!threads.awaitTermination(CLOSE_SECONDS, TimeUnit.SECONDS)) {
        threads.shutdownNow();
      }
    } catch (InterruptedException e) {
      threads.shutdownNow();
      Thread.currentThread().interrupt();
    }
  }
}
