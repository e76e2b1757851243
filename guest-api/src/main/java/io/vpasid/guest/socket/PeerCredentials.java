package io.vpasid.guest.socket;

import io.netty.channel.unix.Socket;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Set;

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

  /// Whether the peer is one of these users.
  ///
  /// @param users ids of users; if empty, the socket's owner and root
  /// @param owner id of the user who owns the socket
  public boolean isAmong(Set<Integer> users, int owner) {
    return users.isEmpty() ? uid == owner || uid == 0 : users.contains(uid);
  }

  /// As in `uid 1000, pid 4711`.
  @Override
  public String toString() {
    return "uid "
        + (uid == UNKNOWN ? "unknown" : Integer.toUnsignedString(uid))
        + (pid == UNKNOWN ? "" : ", pid " + pid);
  }
}
