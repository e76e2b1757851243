package io.vpasid.it.realkernel;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DynamicContainer;
import org.junit.jupiter.api.DynamicNode;
import org.junit.jupiter.api.DynamicTest;
import org.opentest4j.TestAbortedException;

/// What a guest has reported so far of the tests of a class, for those who wait for it.
///
/// One thread puts in what comes, any thread may wait. Nothing waits longer than to [#end].
final class GuestReports {
  /// What tests and containers came to: what they threw, if they did.
  private final Map<String, Optional<Throwable>> finished = new HashMap<>();

  /// What has begun and is not finished, in the order in which it began.
  private final Set<String> running = new LinkedHashSet<>();

  /// What was found while the tests ran, in its order.
  private final List<GuestReport.Found> found = new ArrayList<>();

  /// Failures that somebody has been told of.
  private final Set<Throwable> told = new LinkedHashSet<>();

  private @Nullable Throwable gaveUp;

  /// Whether the guest has said that it is done.
  private boolean isDone;

  /// How the guest ended, once it has.
  private @Nullable String ending;

  private boolean endingTold;

  /// The next report of the guest.
  synchronized void accept(GuestReport report) {
    switch (report) {
      case GuestReport.Found one -> found.add(one);
      case GuestReport.Started(String id) -> running.add(id);
      case GuestReport.Finished(String id, @Nullable Throwable thrown) -> {
        running.remove(id);
        finished.put(id, Optional.ofNullable(thrown));
      }
      case GuestReport.Skipped(String id, String reason) ->
          finished.put(id, Optional.of(new TestAbortedException(reason)));
      case GuestReport.Ended(@Nullable Throwable thrown) -> {
        gaveUp = thrown;
        isDone = true;
        ending = "It has run all its tests.";
      }
    }
    notifyAll();
  }

  /// There will be no more reports. Only the first call counts, and none after the guest said
  /// itself that it is done.
  ///
  /// @param how what to tell those who wait for something
  synchronized void end(String how) {
    if (ending == null) {
      ending = how;
      notifyAll();
    }
  }

  /// Whether nothing has come yet.
  synchronized boolean isEmpty() {
    return running.isEmpty() && finished.isEmpty() && ending == null;
  }

  /// Waits until there will be no more reports.
  synchronized void awaitOver() throws InterruptedException {
    while (ending == null) {
      wait();
    }
  }

  /// Whether there will be no more reports.
  synchronized boolean isOver() {
    return ending != null;
  }

  /// Waits for the result of a test or container, and returns if it passed.
  ///
  /// @throws Throwable what it threw in the guest; or why it has no result
  synchronized void await(String id) throws Throwable {
    while (!isDecided(id) && ending == null) {
      wait();
    }
    for (String one = id; !one.isEmpty(); one = parent(one)) {
      Optional<Throwable> thrown = finished.getOrDefault(one, Optional.empty());
      if (thrown.isPresent()) {
        told.add(thrown.get());
        throw thrown.get();
      }
      if (finished.containsKey(id)) {
        return;
      }
    }
    throw lost("The guest has no result of this test.");
  }

  /// Waits for the end of all tests.
  ///
  /// @throws AssertionError if something failed that was no test, such as a method that runs after
  ///   all; or JUnit itself
  synchronized void awaitEnd() throws InterruptedException {
    awaitOver();
    if (!isDone) {
      throw lost("The guest was not done.");
    }
    if (gaveUp != null) {
      throw new AssertionError("JUnit in the guest gave up: " + gaveUp, gaveUp);
    }
    for (Map.Entry<String, Optional<Throwable>> one : finished.entrySet()) {
      Throwable thrown = one.getValue().orElse(null);
      if (thrown != null && !(thrown instanceof TestAbortedException) && told.add(thrown)) {
        throw new AssertionError(one.getKey() + " failed in the guest: " + thrown, thrown);
      }
    }
  }

  /// The dynamic nodes below a container that is finished; executing one is to [#await] it.
  synchronized Stream<DynamicNode> children(String id) {
    List<DynamicNode> children = new ArrayList<>();
    for (GuestReport.Found one : found) {
      if (one.parent().equals(id)) {
        children.add(
            one.isTest()
                ? DynamicTest.dynamicTest(one.name(), () -> await(one.id()))
                : DynamicContainer.dynamicContainer(one.name(), children(one.id())));
      }
    }
    return children.stream();
  }

  /// Whether the guest will say nothing more about it: it has a result, or what contains it has.
  private boolean isDecided(String id) {
    return !id.isEmpty() && (finished.containsKey(id) || isDecided(parent(id)));
  }

  /// The unique id of what contains `id`, empty for an engine: `[engine:…]/[class:…]/[method:…]`.
  private static String parent(String id) {
    int end = id.lastIndexOf("/[");
    return end < 0 ? "" : id.substring(0, end);
  }

  private AssertionError lost(String what) {
    StringBuilder message = new StringBuilder(what);
    if (!running.isEmpty()) {
      message.append(" It was in ").append(running.toArray()[running.size() - 1]).append('.');
    }
    message.append(' ').append(endingTold ? "How it ended, the first failure says." : ending);
    endingTold = true;
    return new AssertionError(message.toString());
  }
}
