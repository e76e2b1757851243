package io.vpasid.guest.config;

import io.vpasid.synth.json.Fields;
import io.vpasid.synth.json.Form;
import io.vpasid.synth.json.Key;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/// Access to a socket: by the owner, group and mode of its path, which the kernel looks at, and by
/// ids of users and groups, which are looked at here. Both must agree.
///
/// @param users ids of the users who may; if empty, the user of this process and root
/// @param groups ids of groups whose members may, by their group or a supplementary one
/// @param owner id of the user who is to own it; empty for the user of this process
/// @param group id of the group that is to own it; empty for the group of this process
/// @param mode its permissions
public record SocketAccess(
    Set<Integer> users,
    Set<Integer> groups,
    Optional<Integer> owner,
    Optional<Integer> group,
    Mode mode) {
  /// The user of this process alone, as sockets are made.
  public static final SocketAccess DEFAULT =
      new SocketAccess(Set.of(), Set.of(), Optional.empty(), Optional.empty(), Mode.OWNER);

  /// Keeps a copy.
  public SocketAccess {
    users = Set.copyOf(users);
    groups = Set.copyOf(groups);
  }

  /// The users who may write to a socket, which is what it takes to connect.
  public enum Mode {
    /// 0600.
    OWNER("0600", "rw-------"),
    /// 0660.
    GROUP("0660", "rw-rw----"),
    /// 0666.
    EVERYBODY("0666", "rw-rw-rw-");

    private final String digits;
    private final String letters;

    Mode(String digits, String letters) {
      this.digits = digits;
      this.letters = letters;
    }

    String digits() {
      return digits;
    }
  }

  /// The id of a user or a group.
  static final Form<Integer> ID = Form.integer(0, 999_999_999);

  /// Ids of users.
  static final Form<List<Integer>> USER_IDS =
      ID.called("a user id").oneOrMore(64, "users; leave some out");

  /// Ids of groups.
  static final Form<List<Integer>> GROUP_IDS =
      ID.called("a group id").oneOrMore(64, "groups; leave some out");

  static final Key<Integer> OWNER =
      Key.of(
          "owner",
          ID,
          "Id of the user who is to own the socket, which only root can give away. Without"
              + " \"users\", this user and root may connect.");
  static final Key<List<Integer>> GROUPS =
      Key.of(
          "groups",
          GROUP_IDS,
          "Ids of groups whose members may connect besides, by their own group or a supplementary"
              + " one. Without it, and without \"users\" and \"owner\", those of the daemon's"
              + " \"groups\".");
  static final Key<Integer> GROUP =
      Key.of("group", ID, "Id of the group that is to own the socket.");
  static final Key<Mode> MODE =
      Key.of(
          "mode",
          Form.word(List.of(Mode.values()), Mode::digits),
          "The permissions of the socket. Without it 0600. With more than that, \"users\" or"
              + " \"groups\" has to say who may connect.");

  private static final int ROOT = 0;

  /// This owner, group and mode for others.
  SocketAccess admitting(Collection<Integer> otherUsers, Collection<Integer> otherGroups) {
    return new SocketAccess(Set.copyOf(otherUsers), Set.copyOf(otherGroups), owner, group, mode);
  }

  /// Reads it from an object of a configuration.
  ///
  /// @param usersKey its key for users
  /// @param otherwise for what it does not say
  static SocketAccess read(Fields fields, Key<List<Integer>> usersKey, SocketAccess otherwise) {
    Optional<Integer> ownOwner = fields.find(OWNER);
    boolean says = fields.has(usersKey) || fields.has(GROUPS) || ownOwner.isPresent();
    Set<Integer> users = says ? Set.of() : otherwise.users;
    if (fields.has(usersKey)) {
      users = Set.copyOf(fields.find(usersKey).orElseThrow());
    } else if (ownOwner.isPresent()) {
      users = new HashSet<>(List.of(ROOT));
      users.add(ownOwner.get());
    }
    return new SocketAccess(
        users,
        fields
            .find(GROUPS)
            .<Set<Integer>>map(Set::copyOf)
            .orElse(says ? Set.of() : otherwise.groups),
        ownOwner.or(otherwise::owner),
        fields.find(GROUP).or(otherwise::group),
        fields.find(MODE).orElse(otherwise.mode));
  }

  /// Makes sure that a mode for many goes with users who may connect; without them it would be for
  /// nobody.
  ///
  /// @param further users who may connect besides
  /// @throws io.vpasid.synth.json.JsonFileException if it does not
  void requireUsers(Fields fields, Collection<Integer> further) {
    if (fields.has(MODE)
        && mode != Mode.OWNER
        && users.isEmpty()
        && groups.isEmpty()
        && further.isEmpty()) {
      throw fields.wrong(
          MODE,
          "mode %s lets others connect, and nothing says who may; add \"users\" or \"groups\""
              .formatted(mode.digits));
    }
  }

  /// Gives a socket that this process has made its owner, group and mode. Its folder is one in
  /// which nobody else can put something in its place.
  ///
  /// @throws IOException with a sentence that names the path, if that is not permitted
  public void applyTo(Path socket) throws IOException {
    try {
      if (group.isPresent()) {
        Files.setAttribute(socket, "unix:gid", group.get(), LinkOption.NOFOLLOW_LINKS);
      }
      if (mode != Mode.OWNER) {
        Files.setPosixFilePermissions(socket, PosixFilePermissions.fromString(mode.letters));
      }
      if (owner.isPresent()) {
        Files.setAttribute(socket, "unix:uid", owner.get(), LinkOption.NOFOLLOW_LINKS);
      }
    } catch (IOException e) {
      throw new IOException(
          "%s cannot be given to %s%s: %s"
              .formatted(
                  socket,
                  owner.map(id -> "user " + id).orElse("this user"),
                  group.map(id -> " and group " + id).orElse(""),
                  e.getMessage()),
          e);
    }
  }
}
