package io.vpasid.guest.vfiouser;

import io.vpasid.vmm.linux.Errno;

/// What every message begins with (specification, "Header"), but for its size, which follows from
/// the rest.
///
/// ```text
///  0      2         4              8         12          16
///  +------+---------+--------------+---------+-----------+----------
///  | id   | command | message size | flags   | error     | payload
///  +------+---------+--------------+---------+-----------+----------
///                     with header    3:0 type  errno of a reply
///                                    4 No_reply
///                                    5 Error
/// ```
///
/// @param id chosen by the sender of a request and repeated in its reply, 0 to 0xffff; it need not
///   be unique
/// @param command its number, 0 to 0xffff, known or not
/// @param flags type, No_reply and Error; other bits are ignored
/// @param error errno of an error reply, 0 to 2³²−1; 0 means that the reason is not told
public record Header(int id, int command, int flags, long error) {
  /// Bytes of a header on the wire.
  static final int LENGTH = 16;

  /// Where the header holds the message's size, 4 bytes.
  static final int SIZE_OFFSET = 4;

  static final int TYPE_MASK = 0xf;
  static final int TYPE_COMMAND = 0;
  static final int TYPE_REPLY = 1;
  static final int NO_REPLY = 1 << 4;
  static final int ERROR = 1 << 5;

  /// A request that is to be answered.
  static Header request(int id, Command command) {
    return new Header(id, command.number(), TYPE_COMMAND, 0);
  }

  /// A request that is not to be answered, not even with an error.
  static Header silentRequest(int id, Command command) {
    return new Header(id, command.number(), TYPE_COMMAND | NO_REPLY, 0);
  }

  /// The reply to this request.
  Header reply() {
    return new Header(id, command, TYPE_REPLY, 0);
  }

  /// The reply that says that this request failed.
  Header failure(Errno errno) {
    return new Header(id, command, TYPE_REPLY | ERROR, errno.number());
  }

  int type() {
    return flags & TYPE_MASK;
  }

  boolean isRequest() {
    return type() == TYPE_COMMAND;
  }

  boolean isReply() {
    return type() == TYPE_REPLY;
  }

  boolean isError() {
    return (flags & ERROR) != 0;
  }

  boolean wantsReply() {
    return isRequest() && (flags & NO_REPLY) == 0;
  }
}
