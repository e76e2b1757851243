package io.vpasid.guest.socket;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.util.concurrent.FastThreadLocal;
import io.vpasid.vmm.linux.calls.SocketCalls;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/// The memory that the thread of a loop receives into and answers from, with every view of it that
/// is needed. It serves all channels of the loop, since each leaves it empty when its turn ends.
final class LoopMemory {
  /// Bytes of one receive: 512 reads of a register.
  private static final int RECEIVED = 16 * 1024;

  private static final int REPLIES = 64 * 1024;

  private static final FastThreadLocal<LoopMemory> OF_THREAD =
      new FastThreadLocal<>() {
        @Override
        protected LoopMemory initialValue() {
          return new LoopMemory();
        }
      };

  final SocketCalls calls = SocketCalls.current();
  final MemorySegment received;
  final ByteBuf receivedBytes;

  /// What [InPlace] is shown of what was received.
  final ByteBuffer message;

  final MemorySegment replies;

  /// What [InPlace] writes into; its position is the end of the replies that are not sent.
  final ByteBuffer reply;

  private LoopMemory() {
    ByteBuffer memory = ByteBuffer.allocateDirect(RECEIVED);
    received = MemorySegment.ofBuffer(memory);
    receivedBytes = Unpooled.wrappedBuffer(memory);
    message = memory.asReadOnlyBuffer().order(ByteOrder.LITTLE_ENDIAN);
    reply = ByteBuffer.allocateDirect(REPLIES).order(ByteOrder.LITTLE_ENDIAN);
    replies = MemorySegment.ofBuffer(reply);
  }

  static LoopMemory current() {
    return OF_THREAD.get();
  }

  /// True if a reply may find no room beside those that are not sent.
  boolean isCrowded() {
    return reply.position() > REPLIES / 2;
  }
}
