package io.vpasid.guest.daemon;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.UserDefinedFileAttributeView;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/// The control groups (cgroup v2) of tenants' processes, below that of this process, where systemd
/// has delegated it (`Delegate=`):
///
/// ```text
/// …/vpasid.service            given to this process
/// …/vpasid.service/parent     this process, because a group with limits has no processes itself
/// …/vpasid.service/tenant-X   the process of tenant X
/// ```
///
/// @param own the group that this process had at its start
record TenantGroups(Path own) {
  private static final Path MOUNTS = Path.of("/proc/self/mounts");
  private static final Path GROUP = Path.of("/proc/self/cgroup");
  private static final String PROCESSES = "cgroup.procs";
  private static final List<String> CONTROLLERS = List.of("memory", "pids", "cpu");

  /// Makes them possible; empty if nothing has delegated the group of this process.
  ///
  /// @throws IOException if it is delegated, and cannot be used
  static Optional<TenantGroups> open() throws IOException {
    Optional<Path> own = ownGroup();
    if (own.isEmpty() || !isDelegated(own.get())) {
      return Optional.empty();
    }
    TenantGroups groups = new TenantGroups(own.get());
    groups.begin(ProcessHandle.current().pid());
    return Optional.of(groups);
  }

  private static Optional<Path> ownGroup() throws IOException {
    Optional<String> mount =
        Files.readAllLines(MOUNTS).stream()
            .map(line -> line.split(" ", -1))
            .filter(words -> words.length > 2 && words[2].equals("cgroup2"))
            .map(words -> words[1])
            .findFirst();
    Optional<String> group =
        Files.readAllLines(GROUP).stream()
            .filter(line -> line.startsWith("0::/"))
            .map(line -> line.substring("0::/".length()))
            .findFirst();
    return mount.flatMap(at -> group.map(below -> Path.of(at).resolve(below)));
  }

  /// systemd marks what it delegates by an extended attribute.
  private static boolean isDelegated(Path group) {
    try {
      UserDefinedFileAttributeView marks =
          Files.getFileAttributeView(group, UserDefinedFileAttributeView.class);
      return marks != null && marks.list().contains("delegate");
    } catch (IOException e) {
      return false;
    }
  }

  /// Moves a process out of the way and has limits for those below.
  void begin(long process) throws IOException {
    Path parent = Files.createDirectories(own.resolve("parent"));
    write(parent.resolve(PROCESSES), Long.toString(process));
    List<String> there = new ArrayList<>(words(own.resolve("cgroup.controllers")));
    there.retainAll(CONTROLLERS);
    for (String controller : there) {
      write(own.resolve("cgroup.subtree_control"), "+" + controller);
    }
  }

  private static List<String> words(Path file) throws IOException {
    return Arrays.asList(Files.readString(file).strip().split(" "));
  }

  /// Puts a process into the group of its tenant.
  ///
  /// @param memory most bytes of all its memory; empty for no limit
  /// @throws IOException with the file, if that cannot be
  void add(String tenant, long process, Optional<Long> memory) throws IOException {
    Path group = Files.createDirectories(own.resolve("tenant-" + tenant));
    if (memory.isPresent()) {
      write(group.resolve("memory.max"), Long.toString(memory.get()));
    }
    write(group.resolve(PROCESSES), Long.toString(process));
  }

  /// Takes the group of a tenant away whose process has ended.
  void remove(String tenant) throws IOException {
    Files.deleteIfExists(own.resolve("tenant-" + tenant));
  }

  private static void write(Path file, String text) throws IOException {
    Files.write(file, text.getBytes(StandardCharsets.UTF_8));
  }
}
