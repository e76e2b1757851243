package io.vpasid.guest.vfiouser;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// DEVICE_SET_IRQS where descriptors do not pass; the interrupts themselves are in
/// [InterruptsTest].
class SetIrqsTest {
  private static final int NONE = 1;
  private static final int BOOL = 2;
  private static final int EVENTFD = 4;
  private static final int MASK = 8;
  private static final int UNMASK = 16;
  private static final int TRIGGER = 32;

  private static final byte[] DONE = Wire.reply(1, Wire.SET_IRQS, new byte[0]);
  private static final byte[] INVALID = Wire.failure(1, Wire.SET_IRQS, Wire.EINVAL);
  private static final byte[] UNSUPPORTED = Wire.failure(1, Wire.SET_IRQS, Wire.EOPNOTSUPP);

  private static byte[] set(int flags, int index, int start, int count, int... more) {
    return Wire.request(
        1, Wire.SET_IRQS, Wire.concat(Wire.ints(20, flags, index, start, count), bytes(more)));
  }

  private static byte[] bytes(int... values) {
    byte[] bytes = new byte[values.length];
    for (int i = 0; i < values.length; i++) {
      bytes[i] = (byte) values[i];
    }
    return bytes;
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 2, 3, 4})
  void disablingAWholeTypeAlwaysWorks(int index) {
    try (var server = EmbeddedServer.agreed()) {
      assertThat(server.exchange(set(NONE | TRIGGER, index, 0, 0))).isEqualTo(DONE);
    }
  }

  @Test
  void eventfdsAreNotSupportedAndTheConnectionStays() {
    try (var server = EmbeddedServer.agreed()) {
      assertThat(server.exchange(set(EVENTFD | TRIGGER, 2, 0, 8))).isEqualTo(UNSUPPORTED);
      assertThat(server.exchange(set(EVENTFD | TRIGGER, 0, 0, 1))).isEqualTo(UNSUPPORTED);
      assertThat(server.exchange(set(EVENTFD | UNMASK, 0, 0, 1))).isEqualTo(UNSUPPORTED);
      assertThat(server.isOpen()).isTrue();
    }
  }

  @Test
  void triggeringWhatHasNoEventfdDoesNothing() {
    try (var server = EmbeddedServer.agreed()) {
      assertThat(server.exchange(set(NONE | TRIGGER, 2, 0, 8))).isEqualTo(DONE);
      assertThat(server.exchange(set(BOOL | TRIGGER, 2, 6, 2, 1, 0))).isEqualTo(DONE);
    }
  }

  @Test
  void whatIsMaskableCanBeMaskedAndUnmasked() {
    try (var server = EmbeddedServer.agreed()) {
      assertThat(server.exchange(set(NONE | MASK, 0, 0, 1))).isEqualTo(DONE);
      assertThat(server.exchange(set(BOOL | UNMASK, 0, 0, 1, 1))).isEqualTo(DONE);
      assertThat(server.exchange(set(NONE | MASK, 2, 0, 1))).isEqualTo(INVALID);
    }
  }

  @ParameterizedTest
  @CsvSource({
    // no action, no data, two actions, two kinds of data, a flag without meaning
    "1, 2, 0, 1",
    "32, 2, 0, 1",
    "25, 2, 0, 1",
    "35, 2, 0, 1",
    "97, 2, 0, 1",
    "-1, 2, 0, 1",
    // a type that is not there
    "33, 5, 0, 1",
    "33, -1, 0, 0",
    // more than there are
    "33, 1, 0, 1",
    "33, 2, 8, 1",
    "33, 2, 0, 9",
    "33, 2, 1, 8",
    "33, 2, -1, 1",
    "33, 2, 1, -1",
    "33, 2, -1, -1",
    // a count of 0 that is more than disabling
    "33, 2, 1, 0",
    "34, 2, 0, 0",
    "36, 2, 0, 0",
    "9, 0, 0, 0",
  })
  void whatTheSpecificationDoesNotAllowIsInvalid(int flags, int index, int start, int count) {
    try (var server = EmbeddedServer.agreed()) {
      assertThat(server.exchange(set(flags, index, start, count))).isEqualTo(INVALID);
      assertThat(server.isOpen()).isTrue();
    }
  }

  @Test
  void booleansMustBeAsManyAsTheCountSays() {
    try (var server = EmbeddedServer.agreed()) {
      assertThat(server.exchange(set(BOOL | TRIGGER, 2, 0, 3, 1, 1))).isEqualTo(INVALID);
      assertThat(server.exchange(set(BOOL | TRIGGER, 2, 0, 3, 1, 1, 1, 1))).isEqualTo(INVALID);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 8, 19})
  void anArgszBelowTheStructureIsInvalid(int argsz) {
    try (var server = EmbeddedServer.agreed()) {
      assertThat(
              server.exchange(
                  Wire.request(1, Wire.SET_IRQS, Wire.ints(argsz, NONE | TRIGGER, 2, 0, 0))))
          .isEqualTo(INVALID);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 8, 19})
  void aShortRequestIsInvalid(int length) {
    try (var server = EmbeddedServer.agreed()) {
      assertThat(server.exchange(Wire.request(1, Wire.SET_IRQS, new byte[length])))
          .isEqualTo(INVALID);
    }
  }
}
