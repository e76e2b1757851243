package io.vpasid.guest.control;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/// There is room for 12 events of a few bytes.
class WaitingEventsTest {
  private static final EventSource A = new EventSource("function", "a");
  private static final EventSource B = new EventSource("function", "b");
  private static final EventSource C = new EventSource("iommu", "a");

  private final WaitingEvents events = new WaitingEvents(12 * 3);

  /// Adds events `a00`, `a01`, …
  private void add(EventSource source, String letter, int from, int until) {
    for (int i = from; i < until; i++) {
      events.add(source, "%s%02d".formatted(letter, i).getBytes(StandardCharsets.US_ASCII));
    }
  }

  /// All that is told now; a loss as in `a-3`.
  private String told() {
    List<String> told = new ArrayList<>();
    for (var next = next(); next.isPresent(); next = next()) {
      told.add(
          switch (next.get()) {
            case WaitingEvents.Told.Line(byte[] line) ->
                new String(line, StandardCharsets.US_ASCII);
            case WaitingEvents.Told.Loss(EventSource source, int count) ->
                source.name() + "-" + count;
          });
    }
    return String.join(" ", told);
  }

  private Optional<WaitingEvents.Told> next() {
    return events.nextBefore(events.came());
  }

  @Test
  void comeInOrder() {
    add(A, "a", 0, 2);
    add(B, "b", 0, 1);
    add(A, "a", 2, 3);
    assertThat(told()).isEqualTo("a00 a01 b00 a02");
    assertThat(next()).isEqualTo(Optional.empty());
  }

  @Test
  void whatComesAfterwardsIsNotTakenWithThoseBefore() {
    add(A, "a", 0, 1);
    long end = events.came();
    add(B, "b", 0, 1);
    assertThat(events.nextBefore(end)).isPresent();
    assertThat(events.nextBefore(end)).isEmpty();
    assertThat(told()).isEqualTo("b00");
  }

  @Test
  void whoIsAloneMayFillTheRoomAndLosesTheRest() {
    add(A, "a", 0, 15);
    assertThat(told()).isEqualTo("a00 a01 a02 a03 a04 a05 a06 a07 a08 a09 a10 a11 a-3");
  }

  @Test
  void whoTakesLessLosesNothingToWhoFilledTheRoom() {
    add(A, "a", 0, 12);
    add(B, "b", 0, 5);
    add(A, "a", 12, 14);
    assertThat(told()).isEqualTo("a00 a01 a02 a03 a04 a05 a06 a-7 b00 b01 b02 b03 b04");
  }

  @Test
  void ofThreeThatWantMoreEachKeepsAThird() {
    add(A, "a", 0, 20);
    add(B, "b", 0, 20);
    add(C, "c", 0, 20);
    assertThat(told()).isEqualTo("a00 a01 a02 a03 a-16 b00 b01 b02 b03 b-16 c00 c01 c02 c03 a-16");
  }

  @Test
  void whoHasLostIsHeardAgainWhenTheLossIsTold() {
    add(A, "a", 0, 13);
    for (int i = 0; i < 12; i++) {
      assertThat(next()).isPresent();
    }
    add(A, "a", 13, 14);
    assertThat(next()).contains(new WaitingEvents.Told.Loss(A, 2));
    add(A, "a", 14, 15);
    assertThat(told()).isEqualTo("a14");
  }

  @Test
  void anEventLargerThanTheRoomIsLost() {
    events.add(A, new byte[40]);
    add(B, "b", 0, 1);
    assertThat(told()).isEqualTo("a-1 b00");
  }
}
