package io.vpasid.guest.transport;

import io.netty.channel.unix.Socket;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/// Who connected to a Unix socket, as the kernel noted when it did (`SO_PEERCRED`).
///
/// @param uid user id, or [#UNKNOWN] where the JDK tells only a name that is neither the socket
///   owner's nor root's
/// @param pid process id, or [#UNKNOWN] where the JDK does not tell it
public record PeerCredentials(int uid, int pid) {
  /// An id that could not be found out. No policy should admit it by accident: it is no user's.
  public static final int UNKNOWN = -1;

  private static final int SOL_SOCKET = 1;
  private static final int SO_PEERCRED = 17;

  /// `struct ucred`: pid, uid, gid, 4 bytes each.
  private static final int UCRED_LENGTH = 12;

  static PeerCredentials of(Socket socket) throws IOException {
    ByteBuffer ucred = ByteBuffer.allocateDirect(UCRED_LENGTH).order(ByteOrder.nativeOrder());
    socket.getRawOpt(SOL_SOCKET, SO_PEERCRED, ucred);
    return new PeerCredentials(ucred.getInt(4), ucred.getInt(0));
  }

  /// As in `uid 1000, pid 4711`.
  @Override
  public String toString() {
    return "uid "
        + (uid == UNKNOWN ? "unknown" : Integer.toUnsignedString(uid))
        + (pid == UNKNOWN ? "" : ", pid " + pid);
  }
}
