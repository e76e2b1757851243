package io.vpasid.guest.socket;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.UserPrincipal;
import java.nio.file.attribute.UserPrincipalNotFoundException;

/// The user who owns a socket, by number and by the JDK's principal, and root.
///
/// The JDK names a peer by principal only. Of the two users that matter the number is known here.
record SocketOwner(int uid, UserPrincipal principal, UserPrincipal root) {
  private static final int ROOT = 0;

  static SocketOwner of(Path socket, int uid) throws IOException {
    UserPrincipal principal = Files.getOwner(socket, LinkOption.NOFOLLOW_LINKS);
    return new SocketOwner(uid, principal, root(socket, principal));
  }

  /// Root's principal, or the owner's where nobody has that name.
  private static UserPrincipal root(Path socket, UserPrincipal owner) throws IOException {
    try {
      return socket.getFileSystem().getUserPrincipalLookupService().lookupPrincipalByName("root");
    } catch (UserPrincipalNotFoundException e) {
      return owner;
    }
  }

  /// The number of the owner or of root, [PeerCredentials#UNKNOWN] for everybody else.
  int uidOf(UserPrincipal user) {
    if (user.equals(principal)) {
      return uid;
    }
    return user.equals(root) ? ROOT : PeerCredentials.UNKNOWN;
  }
}
