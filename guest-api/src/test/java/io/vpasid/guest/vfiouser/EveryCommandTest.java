package io.vpasid.guest.vfiouser;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;

/// Every command that a client may send, after the specification's table of commands, with every
/// way to send it wrongly. What is wrong in a way of its own is in the command's own test.
class EveryCommandTest {
  private static final byte[] NOTHING = {};
  private static final int ID = 0x1234;
  private static final int TRIGGER_NONE = 0x21;

  /// @param payload of a good request, as short as it can be
  /// @param errno of the reply to that, 0 if it succeeds
  /// @param longer errno of the reply if bytes follow that nobody asked for
  /// @param argsz whether the payload begins with the room for the reply
  // The array is a component on purpose: it is read and never compared.
  @SuppressWarnings("ArrayRecordComponent")
  record Row(String name, int command, byte[] payload, int errno, int longer, boolean argsz) {
    static Row sized(String name, int command, byte[] payload, int errno) {
      return new Row(name, command, payload, errno, errno, true);
    }

    static Row exact(String name, int command, byte[] payload) {
      return new Row(name, command, payload, 0, Wire.EINVAL, false);
    }

    byte[] request(byte[] payload) {
      return Wire.request(ID, command, payload);
    }

    @Override
    public String toString() {
      return name;
    }
  }

  private static final Set<Command> NO_ROW =
      Set.of(
          Command.UNKNOWN,
          Command.VERSION,
          Command.DMA_READ,
          Command.DMA_WRITE,
          Command.MIG_DATA_READ,
          Command.MIG_DATA_WRITE);

  /// All commands from client to server but VERSION, which comes once, and migration, which is not
  /// served.
  static final List<Row> COMMANDS =
      List.of(
          Row.sized("DMA_MAP", Wire.DMA_MAP, Wire.dmaMap(32, 3, 0, 0x1000, 0x1000), 0),
          Row.sized("DMA_UNMAP", Wire.DMA_UNMAP, Wire.dmaUnmap(24, 2, 0, 0), 0),
          Row.sized("DEVICE_GET_INFO", Wire.GET_INFO, Wire.ints(16, 0, 0, 0), 0),
          Row.sized(
              "DEVICE_GET_REGION_INFO", Wire.GET_REGION_INFO, Wire.regionInfo(32, 0, 7, 0), 0),
          Row.sized("DEVICE_GET_REGION_IO_FDS", Wire.GET_REGION_IO_FDS, Wire.ints(16, 0, 0, 0), 0),
          Row.sized("DEVICE_GET_IRQ_INFO", Wire.GET_IRQ_INFO, Wire.ints(16, 0, 0, 0), 0),
          Row.sized("DEVICE_SET_IRQS", Wire.SET_IRQS, Wire.ints(20, TRIGGER_NONE, 0, 0, 0), 0),
          Row.exact("REGION_READ", Wire.REGION_READ, Wire.access(0, 7, 4)),
          Row.exact("REGION_WRITE", Wire.REGION_WRITE, Wire.access(0, 0, 4, new byte[4])),
          Row.exact(
              "REGION_WRITE_MULTI",
              Wire.REGION_WRITE_MULTI,
              Wire.concat(Wire.longs(1), Wire.access(0, 0, 4, new byte[8]))),
          Row.exact("DEVICE_RESET", Wire.RESET, NOTHING),
          Row.sized("DEVICE_FEATURE", Wire.DEVICE_FEATURE, Wire.ints(8, 1 << 16), Wire.ENOTTY));

  private static void assertErrno(byte[] reply, Row row, int errno, String what) {
    if (errno == 0) {
      assertThat(Arrays.copyOfRange(reply, 8, 16)).as(what).isEqualTo(Wire.ints(Wire.REPLY, 0));
      assertThat(Arrays.copyOf(reply, 4)).as(what).isEqualTo(Wire.ints(row.command() << 16 | ID));
    } else {
      assertThat(reply).as(what).isEqualTo(Wire.failure(ID, row.command(), errno));
    }
  }

  /// After whatever came, a good request is answered as ever.
  private static void assertUnharmed(EmbeddedServer server, Row row) {
    assertThat(server.isOpen()).isTrue();
    assertErrno(server.exchange(row.request(row.payload())), row, row.errno(), "good one behind");
  }

  @ParameterizedTest
  @FieldSource("COMMANDS")
  void goodRequestIsAnsweredOrIfItWantsNoReplyIsNot(Row row) {
    try (var server = EmbeddedServer.agreed()) {
      assertUnharmed(server, row);
    }
    try (var server = EmbeddedServer.agreed()) {
      byte[] posted = Wire.message(ID, row.command(), Wire.NO_REPLY, 0, row.payload());
      assertThat(server.exchange(posted)).isEmpty();
      assertThat(server.isOpen()).isTrue();
    }
  }

  @ParameterizedTest
  @FieldSource("COMMANDS")
  void everyShorterPayloadIsInvalidAndTheDeviceIsNotAsked(Row row) {
    try (var server = EmbeddedServer.agreed()) {
      List<String> before = server.device().calls();
      for (int length = 0; length < row.payload().length; length++) {
        byte[] cut = Arrays.copyOf(row.payload(), length);
        assertErrno(server.exchange(row.request(cut)), row, Wire.EINVAL, length + " bytes");
        byte[] posted = Wire.message(ID, row.command(), Wire.NO_REPLY, 0, cut);
        assertThat(server.exchange(posted)).isEmpty();
      }
      assertThat(server.device().calls()).isEqualTo(before);
      assertUnharmed(server, row);
    }
  }

  @ParameterizedTest
  @FieldSource("COMMANDS")
  void longerPayloadIsInvalidOrTheRestIsNotLookedAt(Row row) {
    for (int more : new int[] {1, 4, 16, 4096}) {
      try (var server = EmbeddedServer.agreed()) {
        byte[] payload = Arrays.copyOf(row.payload(), row.payload().length + more);
        assertErrno(server.exchange(row.request(payload)), row, row.longer(), more + " more bytes");
        assertThat(server.isOpen()).isTrue();
      }
    }
  }

  @ParameterizedTest
  @FieldSource("COMMANDS")
  void roomForLessThanTheReplyIsInvalidAndRoomForMoreIsNot(Row row) {
    int needed = row.argsz() ? row.payload()[0] : 0;
    for (int argsz = 0; argsz < needed; argsz++) {
      try (var server = EmbeddedServer.agreed()) {
        byte[] payload = row.payload().clone();
        payload[0] = (byte) argsz;
        assertErrno(server.exchange(row.request(payload)), row, Wire.EINVAL, "argsz " + argsz);
        assertUnharmed(server, row);
      }
    }
    if (row.argsz()) {
      try (var server = EmbeddedServer.agreed()) {
        byte[] payload = row.payload().clone();
        Arrays.fill(payload, 0, 4, (byte) -1);
        assertErrno(server.exchange(row.request(payload)), row, row.errno(), "argsz 2^32-1");
      }
    }
  }

  @ParameterizedTest
  @FieldSource("COMMANDS")
  void sizeThatCannotBeIsRefusedAndTheConnectionClosed(Row row) {
    for (long size : new long[] {0, 1, 15, 1L << 31, (1L << 32) - 1}) {
      try (var server = EmbeddedServer.agreed()) {
        byte[] frame = Wire.header(ID, row.command(), size, 0, 0, row.payload());
        assertErrno(server.exchange(frame), row, Wire.EINVAL, "size " + size);
        assertThat(server.isOpen()).as("size %d", size).isFalse();
      }
    }
  }

  @ParameterizedTest
  @FieldSource("COMMANDS")
  void replyWithoutARequestClosesTheConnection(Row row) {
    for (int flags : new int[] {Wire.REPLY, Wire.ERROR_REPLY}) {
      for (byte[] payload : List.of(NOTHING, row.payload())) {
        try (var server = EmbeddedServer.agreed()) {
          assertThat(server.exchange(Wire.message(ID, row.command(), flags, 0, payload))).isEmpty();
          assertThat(server.isOpen()).isFalse();
        }
      }
    }
  }

  @ParameterizedTest
  @FieldSource("COMMANDS")
  void commandBeforeTheVersionIsRefusedAndTheConnectionClosed(Row row) {
    try (var server = EmbeddedServer.fresh()) {
      assertErrno(server.exchange(row.request(row.payload())), row, Wire.EINVAL, "before VERSION");
      assertThat(server.isOpen()).isFalse();
      assertThat(server.device().calls()).isEmpty();
    }
  }

  /// So that a command that is added gets its row.
  @Test
  void tableHasEveryCommandFromClientToServer() {
    assertThat(COMMANDS)
        .extracting(Row::name)
        .containsExactlyInAnyOrderElementsOf(
            Stream.of(Command.values())
                .filter(command -> !NO_ROW.contains(command))
                .map(Command::name)
                .toList());
  }
}
