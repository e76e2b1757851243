package io.vpasid.guest.socket;

import io.netty.channel.ChannelException;
import io.netty.channel.unix.Socket;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.IntBuffer;
import java.util.HashSet;
import java.util.Set;

/// Who connected to a Unix socket, as the kernel noted when it did (`SO_PEERCRED`,
/// `SO_PEERGROUPS`).
///
/// @param uid user id, or [#UNKNOWN] where the JDK tells only a name that is neither the socket
///   owner's nor root's
/// @param groups ids of the group and the supplementary groups; empty where the JDK does not tell
///   them
/// @param pid process id, or [#UNKNOWN] where the JDK does not tell it
public record PeerCredentials(int uid, Set<Integer> groups, int pid) {
  /// An id that could not be found out. No policy should admit it by accident: it is no user's.
  public static final int UNKNOWN = -1;

  private static final int SOL_SOCKET = 1;
  private static final int SO_PEERCRED = 17;
  private static final int SO_PEERGROUPS = 59;

  /// `struct ucred`: pid, uid, gid, 4 bytes each.
  private static final int UCRED_LENGTH = 12;

  /// `NGROUPS_MAX`.
  private static final int MOST_GROUPS = 65536;

  private static final int USUAL_GROUPS = 32;

  /// Keeps a copy.
  public PeerCredentials {
    groups = Set.copyOf(groups);
  }

  static PeerCredentials of(Socket socket) throws IOException {
    ByteBuffer ucred = ByteBuffer.allocateDirect(UCRED_LENGTH).order(ByteOrder.nativeOrder());
    socket.getRawOpt(SOL_SOCKET, SO_PEERCRED, ucred);
    Set<Integer> groups = supplementaryGroups(socket);
    groups.add(ucred.getInt(8));
    return new PeerCredentials(ucred.getInt(4), groups, ucred.getInt(0));
  }

  private static Set<Integer> supplementaryGroups(Socket socket) throws IOException {
    try {
      return supplementaryGroups(socket, USUAL_GROUPS);
    } catch (ChannelException e) {
      // ERANGE: there are more.
      return supplementaryGroups(socket, MOST_GROUPS);
    }
  }

  private static Set<Integer> supplementaryGroups(Socket socket, int most) throws IOException {
    ByteBuffer bytes =
        ByteBuffer.allocateDirect(most * Integer.BYTES).order(ByteOrder.nativeOrder());
    IntBuffer ids = bytes.asIntBuffer();
    // Netty does not tell how many there are; -1 is no id.
    for (int i = 0; i < most; i++) {
      ids.put(i, UNKNOWN);
    }
    socket.getRawOpt(SOL_SOCKET, SO_PEERGROUPS, bytes);
    Set<Integer> groups = new HashSet<>();
    for (int i = 0; i < most && ids.get(i) != UNKNOWN; i++) {
      groups.add(ids.get(i));
    }
    return groups;
  }

  /// True if the peer is one of these users, or in one of these groups.
  ///
  /// @param users ids of users; if empty, the socket's owner and root
  /// @param admittedGroups ids of groups
  /// @param owner id of the user who owns the socket
  public boolean isAmong(Set<Integer> users, Set<Integer> admittedGroups, int owner) {
    boolean isUser = users.isEmpty() ? uid == owner || uid == 0 : users.contains(uid);
    return isUser || groups.stream().anyMatch(admittedGroups::contains);
  }

  /// As in `uid 1000, pid 4711`.
  @Override
  public String toString() {
    return "uid "
        + (uid == UNKNOWN ? "unknown" : Integer.toUnsignedString(uid))
        + (pid == UNKNOWN ? "" : ", pid " + pid);
  }
}
