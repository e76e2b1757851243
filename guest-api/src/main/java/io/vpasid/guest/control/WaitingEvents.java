package io.vpasid.guest.control;

import java.util.ArrayDeque;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;

/// The events that wait for one client, in the order in which they came, in limited room that their
/// sources share.
///
/// A source alone may fill the room. When it is full, an event that comes takes the place of the
/// newest of the source of which most waits, unless that is its own: of n sources that want more
/// each keeps an nth part of the room, and one whose events take less loses none, whatever the
/// others do.
///
/// A source that has lost an event loses all that follow until the loss has been told, in the lost
/// event's place. So what a client gets of one source between two losses is complete.
final class WaitingEvents {
  private final long capacity;

  // guarded by this

  /// The events to be told, by the number in which they came.
  private final SequencedMap<Long, Waiting> waiting = new LinkedHashMap<>();

  /// Those of whom something is to be told.
  private final Map<EventSource, Share> shares = new HashMap<>();

  private long bytes;
  private long came;

  /// @param capacity bytes of lines that wait
  WaitingEvents(long capacity) {
    this.capacity = capacity;
  }

  /// A piece that a client is told next.
  sealed interface Told {
    /// An event.
    // Its bytes go to the socket as they are.
    @SuppressWarnings("ArrayRecordComponent")
    record Line(byte[] bytes) implements Told {}

    /// So many events of a source had no room.
    record Loss(EventSource source, int count) implements Told {}
  }

  private record Waiting(Share share, Optional<byte[]> line) {}

  private static final class Share {
    final EventSource source;
    final ArrayDeque<Long> lines = new ArrayDeque<>();
    long bytes;
    int lost;

    /// Number of the first that is lost, while any is.
    long firstLost;

    Share(EventSource source) {
      this.source = source;
    }
  }

  /// Adds an event, or counts it as lost.
  synchronized void add(EventSource source, byte[] line) {
    Share share = shares.computeIfAbsent(source, Share::new);
    long number = came++;
    if (share.lost == 0 && makeRoom(share, line.length)) {
      waiting.put(number, new Waiting(share, Optional.of(line)));
      share.lines.addLast(number);
      grow(share, line.length);
    } else {
      lose(share, number);
    }
  }

  private boolean makeRoom(Share share, int length) {
    while (bytes + length > capacity) {
      Share largest =
          shares.values().stream().max(Comparator.comparingLong(one -> one.bytes)).orElse(share);
      if (largest.bytes <= share.bytes + length) {
        return false;
      }
      long newest = largest.lines.removeLast();
      grow(largest, -lengthOf(newest));
      lose(largest, newest);
    }
    return true;
  }

  private long lengthOf(long number) {
    Waiting one = waiting.get(number);
    return one == null ? 0 : one.line().map(line -> line.length).orElse(0);
  }

  private void grow(Share share, long by) {
    share.bytes += by;
    bytes += by;
  }

  private void lose(Share share, long number) {
    if (share.lost == 0 || number < share.firstLost) {
      if (share.lost > 0) {
        waiting.remove(share.firstLost);
      }
      // In the place of the event, if that was there.
      waiting.put(number, new Waiting(share, Optional.empty()));
      share.firstLost = number;
    }
    share.lost++;
  }

  /// The number of events that have come, lost ones included.
  synchronized long came() {
    return came;
  }

  /// Takes what is to be told next.
  ///
  /// @param end what [#came()] has said, so that a flood cannot keep a caller who takes all that
  ///   wait
  /// @return empty if nothing waits of what had come by then
  synchronized Optional<Told> nextBefore(long end) {
    Map.Entry<Long, Waiting> first = waiting.firstEntry();
    if (first == null || first.getKey() >= end) {
      return Optional.empty();
    }
    waiting.pollFirstEntry();
    Share share = first.getValue().share();
    Optional<byte[]> line = first.getValue().line();
    Told told;
    if (line.isPresent()) {
      share.lines.removeFirst();
      grow(share, -line.get().length);
      told = new Told.Line(line.get());
    } else {
      told = new Told.Loss(share.source, share.lost);
      share.lost = 0;
    }
    if (share.lines.isEmpty() && share.lost == 0) {
      shares.remove(share.source);
    }
    return Optional.of(told);
  }
}
