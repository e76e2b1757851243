package io.vpasid.guest.socket;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.channel.unix.FileDescriptor;
import io.vpasid.vmm.linux.calls.SocketCalls;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;

/// What has come through a connection and is not delivered yet, cut into messages.
///
/// A receive takes all that is there. The kernel ends it behind the bytes of the first `sendmsg`
/// that brought descriptors, so these belong to the message that the received bytes end with or
/// within. A peer that sends each message by a `sendmsg` of its own has them where it meant them;
/// with one that joins several in one call, they are the last one's, and whether that has a use for
/// them is for its protocol to say. Descriptors that come with nothing but the body of a message
/// whose header came without them belong to nobody: they are closed, and so is the connection.
///
/// ```text
/// received   | message | message | message ··      then     ·· |
///                                 + descriptors              its rest and not a byte more
/// ```
///
/// Between turns the bytes are in a buffer of their own, in turns in that of the loop. A message
/// that came in part gets room for the rest only as it comes: what a header announces takes no
/// memory.
final class Incoming {
  /// Bytes for which a kept message has room before its length is known.
  private static final int USUAL_LENGTH = 64;

  /// Bytes that it grows to at least when they are not enough.
  private static final int LEAST_GROWTH = 4096;

  private final Framing framing;
  private final ByteBufAllocator allocator;
  private final IntConsumer arrival = this::descriptorArrived;

  /// What is there from another turn; null if that is nothing.
  private @Nullable ByteBuf kept;

  /// Where in the loop's memory the first byte is that is not delivered, and the end. Empty while
  /// something is kept.
  private int start;

  private int end;

  /// Those of the last message that has begun.
  private List<FileDescriptor> descriptors = List.of();

  private List<FileDescriptor> arrived = List.of();

  /// Length of the message at the start if all of it is there, else 0.
  private int whole;

  private boolean filled;
  private boolean begun;
  private boolean broken;

  Incoming(Framing framing, ByteBufAllocator allocator) {
    this.framing = framing;
    this.allocator = allocator;
  }

  private void descriptorArrived(int number) {
    if (arrived.isEmpty()) {
      arrived = new ArrayList<>();
    }
    arrived.add(new FileDescriptor(number));
  }

  /// True if the peer has broken the protocol: nothing behind that can be told apart.
  boolean isBroken() {
    return broken;
  }

  /// True if a message has been delivered.
  boolean hasBegun() {
    return begun;
  }

  /// True if a whole message waits.
  boolean hasMessage() {
    return whole > 0;
  }

  /// True if the last receive found as much as it had room for, so that more may be there.
  boolean wasFilled() {
    return filled;
  }

  /// Receives what is there; no message waits.
  ///
  /// @return the number of bytes, 0 at the end of the stream, or a negated errno
  /// @throws IOException if descriptors came that can belong to no message
  int receive(int socket, LoopMemory memory) throws IOException {
    keep(memory);
    ByteBuf target = kept;
    int length;
    if (target == null) {
      int room = (int) memory.received.byteSize();
      length = memory.calls.receive(socket, memory.received, 0, room, arrival);
      filled = length == room;
      start = 0;
      end = Math.max(length, 0);
    } else {
      int room = room(target);
      int from = target.writerIndex();
      boolean inHeader = target.readableBytes() < framing.headerLength();
      length =
          memory.calls.receive(
              socket,
              MemorySegment.ofBuffer(target.internalNioBuffer(from, room)),
              0,
              room,
              arrival);
      filled = length == room;
      target.writerIndex(from + Math.max(length, 0));
      if (!inHeader && !arrived.isEmpty()) {
        throw refused("Descriptors came with the body of a message.");
      }
    }
    if (!arrived.isEmpty()) {
      if (descriptors.size() + arrived.size() > SocketCalls.MAX_DESCRIPTORS) {
        throw refused(
            "More than " + SocketCalls.MAX_DESCRIPTORS + " descriptors came with one message.");
      }
      arrived.addAll(0, descriptors);
      descriptors = arrived;
      arrived = List.of();
    }
    measure(memory);
    return length;
  }

  private IOException refused(String reason) {
    arrived.forEach(Descriptors::close);
    arrived = List.of();
    return new IOException(reason);
  }

  /// Room for the rest of the message that is kept in part, or for the rest of its header, made by
  /// and by.
  private int room(ByteBuf target) {
    int expected = Math.max(framing.headerLength(), expected(target, 0, target.writerIndex()));
    int length = target.writerIndex();
    if (length == target.capacity()) {
      target.capacity(Math.min(expected, Math.max(2 * length, LEAST_GROWTH)));
    }
    return Math.min(expected, target.capacity()) - length;
  }

  /// Length of the message that begins at an index: 0 if its header is not there yet, the header's
  /// alone if it breaks the protocol.
  private int expected(ByteBuf bytes, int at, int end) {
    int headerLength = framing.headerLength();
    if (end - at < headerLength) {
      return 0;
    }
    return Math.max(announced(bytes, at), headerLength);
  }

  /// What a whole header says of its message's length.
  private int announced(ByteBuf bytes, int at) {
    return begun ? framing.messageLength(bytes, at) : framing.firstMessageLength(bytes, at);
  }

  private void measure(LoopMemory memory) {
    ByteBuf bytes = kept == null ? memory.receivedBytes : kept;
    int at = kept == null ? start : kept.readerIndex();
    int until = kept == null ? end : kept.writerIndex();
    int length = expected(bytes, at, until);
    whole = length <= until - at ? length : 0;
  }

  /// Lets a message that waits be answered where it lies, if it lies in the loop's memory and has
  /// no descriptors.
  ///
  /// @return whether it is dealt with
  boolean answer(InPlace answers, LoopMemory memory) {
    if (kept != null || (!descriptors.isEmpty() && start + whole == end)) {
      return false;
    }
    int before = memory.reply.position();
    memory.message.limit(start + whole).position(start);
    if (!answers.answer(memory.message, memory.reply)) {
      memory.reply.limit(memory.reply.capacity()).position(before);
      return false;
    }
    start += whole;
    begun = true;
    measure(memory);
    return true;
  }

  /// The message that waits, on its own.
  Packet next(LoopMemory memory) {
    ByteBuf own = kept;
    int length = whole;
    ByteBuf packet;
    boolean last;
    int at;
    if (own == null) {
      at = start;
      broken = isBreach(memory.receivedBytes, at);
      packet = allocator.directBuffer(length).writeBytes(memory.receivedBytes, at, length);
      start += length;
      last = start == end;
    } else {
      at = own.readerIndex();
      broken = isBreach(own, at);
      last = own.readableBytes() == length;
      if (last && at == 0) {
        packet = own;
        kept = null;
      } else {
        packet = allocator.directBuffer(length).writeBytes(own, length);
        if (last) {
          own.release();
          kept = null;
        }
      }
      start = 0;
      end = 0;
    }
    begun = true;
    Descriptors owned = Descriptors.none();
    if (last) {
      owned = Descriptors.of(descriptors);
      descriptors = List.of();
    }
    if (broken) {
      whole = 0;
    } else {
      measure(memory);
    }
    return new Packet(packet, owned);
  }

  private boolean isBreach(ByteBuf bytes, int at) {
    return announced(bytes, at) < framing.headerLength();
  }

  /// Takes what is left out of the loop's memory, which is then free for something else.
  void keep(LoopMemory memory) {
    if (broken) {
      close();
    } else if (kept != null) {
      if (whole == 0 && kept.readerIndex() > 0) {
        kept.discardReadBytes();
      }
    } else if (start < end) {
      int length = end - start;
      kept =
          allocator
              .directBuffer(Math.max(length, USUAL_LENGTH))
              .writeBytes(memory.receivedBytes, start, length);
      start = 0;
      end = 0;
    }
  }

  /// Gives up what has not been delivered.
  void close() {
    if (kept != null) {
      kept.release();
      kept = null;
    }
    start = 0;
    end = 0;
    whole = 0;
    descriptors.forEach(Descriptors::close);
    descriptors = List.of();
  }
}
