package io.vpasid.guest.control;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.ByteToMessageDecoder;
import java.util.List;

/// Cuts the bytes of a control client into JSON objects.
///
/// The client feeds it, so nothing in it trusts the bytes: it counts brackets outside strings and
/// leaves the rest to the parser, looks at each byte once, and keeps one object of limited length
/// at most. Objects need no newline between them, because not every QMP client sends one; what is
/// no object is dropped up to the end of its line, so that a typing error costs one line and not
/// the connection.
///
/// ```text
///            '{'                        last closing bracket
///  between ────────▶ inside an object ──────────────────────▶ between, one Text
///     │                    │ too long, or a control character in a string
///     │ another byte       ▼
///     └───────────▶ dropping, one Garbage ─────────────────▶ between
///                                              newline
/// ```
final class JsonStreamDecoder extends ByteToMessageDecoder {
  private final int maxLength;

  /// Bytes of the object, from the reader index on, that have been looked at.
  private int seen;

  private int depth;
  private boolean string;
  private boolean escaped;
  private boolean dropping;

  /// @param maxLength most bytes of one object
  JsonStreamDecoder(int maxLength) {
    this.maxLength = maxLength;
  }

  @Override
  protected void decode(ChannelHandlerContext context, ByteBuf in, List<Object> out) {
    if (dropping) {
      drop(in);
      return;
    }
    if (depth == 0) {
      begin(in, out);
    }
    if (depth > 0) {
      resume(in, out);
    }
  }

  private void drop(ByteBuf in) {
    int newline = in.bytesBefore((byte) '\n');
    dropping = newline < 0;
    in.skipBytes(dropping ? in.readableBytes() : newline + 1);
  }

  private void begin(ByteBuf in, List<Object> out) {
    while (in.isReadable()) {
      byte next = in.getByte(in.readerIndex());
      if (next == '{') {
        depth = 1;
        seen = 1;
        return;
      }
      if (next != ' ' && next != '\t' && next != '\r' && next != '\n') {
        out.add(
            new ControlInput.Garbage(
                "this is no JSON object; write {\"execute\": \"query-commands\"}"));
        dropping = true;
        in.skipBytes(1);
        return;
      }
      in.skipBytes(1);
    }
  }

  private void resume(ByteBuf in, List<Object> out) {
    int length = in.readableBytes();
    for (; seen < length && seen < maxLength; seen++) {
      byte next = in.getByte(in.readerIndex() + seen);
      if (string) {
        if (next >= 0 && next < ' ') {
          giveUp(in, out, "a string is not closed at the end of its line");
          return;
        }
        string = escaped || next != '"';
        escaped = !escaped && next == '\\';
      } else {
        switch (next) {
          case '"' -> string = true;
          case '{', '[' -> depth++;
          case '}', ']' -> depth--;
          default -> {}
        }
        if (depth == 0) {
          byte[] object = new byte[seen + 1];
          in.readBytes(object);
          out.add(new ControlInput.Text(object));
          return;
        }
      }
    }
    if (seen == maxLength) {
      giveUp(in, out, "an object has at most " + maxLength + " bytes");
    }
  }

  /// Drops what was seen of the object, and then up to the end of the line.
  private void giveUp(ByteBuf in, List<Object> out, String problem) {
    in.skipBytes(seen);
    depth = 0;
    string = false;
    escaped = false;
    dropping = true;
    out.add(new ControlInput.Garbage(problem));
  }
}
