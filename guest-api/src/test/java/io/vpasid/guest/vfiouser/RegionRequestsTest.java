package io.vpasid.guest.vfiouser;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.Unpooled;
import io.vpasid.vmm.linux.Errno;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Accesses to registers are answered in place with the very bytes that records would give.
class RegionRequestsTest {
  private static final int MAX = 4096;
  private static final int BEFORE = 5;

  private final MemoryDevice device = new MemoryDevice();
  private final RegionRequests requests =
      new RegionRequests(ServedDevice.of(device), MAX, new FaultGuard());
  private final ByteBuffer reply =
      ByteBuffer.allocateDirect(MAX).order(ByteOrder.LITTLE_ENDIAN).position(BEFORE);

  private byte[] inPlace(byte[] message) {
    ByteBuffer view = ByteBuffer.wrap(message).asReadOnlyBuffer().order(ByteOrder.LITTLE_ENDIAN);
    reply.position(BEFORE);
    assertThat(requests.answer(view, reply)).as("answered in place").isTrue();
    assertThat(reply.limit()).isEqualTo(reply.capacity());
    byte[] bytes = new byte[reply.position() - BEFORE];
    reply.get(BEFORE, bytes);
    return bytes;
  }

  private byte[] byRecords(byte[] bytes) {
    Message message = VfioUserDecoder.decode(Unpooled.wrappedBuffer(bytes));
    Result result =
        switch (message.payload()) {
          case Payload.RegionAccess read -> requests.read(read);
          case Payload.RegionData write -> requests.write(write);
          default -> Result.invalid("It is no access.");
        };
    var out = Unpooled.buffer();
    if (Answer.to(message.header(), result) instanceof Answer.Reply(Message answer)) {
      VfioUserEncoder.encode(answer, out);
    }
    return Arrays.copyOf(out.array(), out.readableBytes());
  }

  private static byte[] access(
      Random random, int command, int flags, long offset, int region, int count) {
    byte[] data = new byte[command == Wire.REGION_WRITE ? count : 0];
    random.nextBytes(data);
    byte[] payload =
        ByteBuffer.allocate(16 + data.length)
            .order(ByteOrder.LITTLE_ENDIAN)
            .putLong(offset)
            .putInt(region)
            .putInt(count)
            .put(data)
            .array();
    return Wire.message(random.nextInt(1 << 16), command, flags, 0, payload);
  }

  @ParameterizedTest
  @ValueSource(ints = {Wire.REGION_READ, Wire.REGION_WRITE})
  void bothWaysAnswerWithTheSameBytes(int command) {
    Random random = new Random(command);
    for (int i = 0; i < 2000; i++) {
      int count = random.nextInt(random.nextBoolean() ? 9 : MAX - 100);
      long offset = random.nextInt(MemoryDevice.MEMORY_SIZE - count + 1);
      int flags = random.nextInt(8) == 0 ? Wire.NO_REPLY : Wire.COMMAND;
      byte[] message = access(random, command, flags, offset, MemoryDevice.MEMORY, count);

      byte[] answer = inPlace(message);
      byte[] after = device.bytes(MemoryDevice.MEMORY).clone();

      assertThat(answer).isEqualTo(byRecords(message));
      assertThat(device.bytes(MemoryDevice.MEMORY)).isEqualTo(after);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {Wire.REGION_READ, Wire.REGION_WRITE})
  void whatTheDeviceRefusesIsRefusedInBothWays(int command) {
    device.answerWith(Outcome.refused(Errno.ENOSPC, "There is no room."));
    byte[] message = access(new Random(1), command, 0, 64, MemoryDevice.CONFIG, 4);

    assertThat(inPlace(message)).isEqualTo(byRecords(message)).hasSize(16);
  }

  @Test
  void aBufferThatTheDeviceDidNotFillIsNeverSent() {
    device.leaveGaps();
    byte[] message = access(new Random(1), Wire.REGION_READ, 0, 64, MemoryDevice.CONFIG, 4);

    assertThat(inPlace(message)).isEqualTo(byRecords(message)).hasSize(16);
  }

  @Test
  void everythingElseIsLeftToTheRecords() {
    Random random = new Random(3);
    byte[][] messages = {
      access(random, Wire.REGION_READ, 0, 4093, MemoryDevice.CONFIG, 4),
      access(random, Wire.REGION_READ, 0, -1, MemoryDevice.CONFIG, 4),
      access(random, Wire.REGION_READ, 0, 0, MemoryDevice.WRITE_ONLY, 4),
      access(random, Wire.REGION_WRITE, 0, 0, MemoryDevice.READ_ONLY, 4),
      access(random, Wire.REGION_READ, 0, 0, 1000, 4),
      access(random, Wire.REGION_READ, 0, 0, MemoryDevice.MEMORY, -1),
      access(random, Wire.REGION_READ, 0, 0, MemoryDevice.MEMORY, MAX),
      access(random, Wire.REGION_READ, Wire.REPLY, 0, MemoryDevice.MEMORY, 4),
      Arrays.copyOf(access(random, Wire.REGION_WRITE, 0, 0, MemoryDevice.MEMORY, 4), 35),
      Arrays.copyOf(access(random, Wire.REGION_READ, 0, 0, MemoryDevice.MEMORY, 4), 33),
      Wire.request(1, Wire.RESET, new byte[0]),
      Wire.request(1, Wire.GET_INFO, new byte[16]),
    };
    for (byte[] message : messages) {
      ByteBuffer view = ByteBuffer.wrap(message).order(ByteOrder.LITTLE_ENDIAN);
      assertThat(requests.answer(view, reply)).isFalse();
    }
    assertThat(device.calls()).isEmpty();
  }
}
