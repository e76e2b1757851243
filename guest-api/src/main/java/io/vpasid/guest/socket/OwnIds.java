package io.vpasid.guest.socket;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/// The user and the group of this process, as the kernel has them in `/proc/self/status`, or of one
/// that it starts.
///
/// @param uid effective user id
/// @param gid effective group id
/// @param outside the id that files have whose user has none here: 65534 in a user namespace, where
///   it is most often root outside; [PeerCredentials#UNKNOWN] if all users have ids
record OwnIds(int uid, int gid, int outside) {
  private static final Path STATUS = Path.of("/proc/self/status");
  private static final Path MAP = Path.of("/proc/self/uid_map");
  private static final String ALL_USERS = "0 0 4294967295";
  private static final int OVERFLOW = 65_534;
  private static final int ROOT = 0;

  static OwnIds read() throws IOException {
    int uid = PeerCredentials.UNKNOWN;
    int gid = PeerCredentials.UNKNOWN;
    for (String line : Files.readAllLines(STATUS, StandardCharsets.ISO_8859_1)) {
      // Real, effective, saved and file system id.
      String[] words = line.split("\\s+", -1);
      if (words[0].equals("Uid:")) {
        uid = Integer.parseUnsignedInt(words[2]);
      } else if (words[0].equals("Gid:")) {
        gid = Integer.parseUnsignedInt(words[2]);
      }
    }
    if (!Files.exists(MAP)) { // a kernel without user namespaces
      return new OwnIds(uid, gid, PeerCredentials.UNKNOWN);
    }
    try (BufferedReader map = Files.newBufferedReader(MAP)) {
      boolean all =
          String.valueOf(map.readLine()).strip().replaceAll("\\s+", " ").equals(ALL_USERS);
      return new OwnIds(uid, gid, all ? PeerCredentials.UNKNOWN : OVERFLOW);
    }
  }

  /// Those of a process of another user that this one starts.
  OwnIds of(int user, Optional<Integer> group) {
    return new OwnIds(user, group.orElse(gid), outside);
  }

  /// True if a process with these ids, and no other group or right, may do something with a file.
  ///
  /// @param bits what it wants to do, as others have it in a mode: 4 read, 2 write, 1 search
  boolean may(int bits, int mode, int owner, int group) {
    int shift = owner == uid ? 6 : group == gid ? 3 : 0;
    return uid == ROOT || (mode >> shift & bits) == bits;
  }

  /// True if a file's owner is this user or root.
  boolean trustsUser(int owner) {
    return owner == ROOT || owner == uid || owner == outside;
  }

  /// True if a file's group is this process's or root's.
  boolean trustsGroup(int group) {
    return group == ROOT || group == gid || group == outside;
  }
}
