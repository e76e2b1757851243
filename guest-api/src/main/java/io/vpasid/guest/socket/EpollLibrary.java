package io.vpasid.guest.socket;

import io.netty.channel.epoll.Epoll;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/// Netty's native library for epoll. Netty writes it into a file and loads it from there, which
/// fails where nothing may be run (a file system that is mounted noexec, as `/tmp` may be); so it
/// gets a folder where something may.
final class EpollLibrary {
  /// Netty's property; where somebody has set it, it stays.
  private static final String FOLDER = "io.netty.native.workdir";

  private static final Path MOUNTS = Path.of("/proc/self/mountinfo");

  private EpollLibrary() {}

  static boolean isAvailable() {
    return Loaded.AVAILABLE;
  }

  /// Why it is not available, in a sentence.
  static String obstacle() {
    Throwable cause = Epoll.unavailabilityCause();
    while (cause != null && cause.getCause() != null) {
      cause = cause.getCause();
    }
    return "Netty's library for epoll cannot be loaded: %s (where no folder permits to run anything, -D%s=FOLDER names one that does)"
        .formatted(cause == null ? "it is switched off" : cause.getMessage(), FOLDER);
  }

  private static final class Loaded {
    static final boolean AVAILABLE = load();

    private static boolean load() {
      if (System.getProperty(FOLDER) == null) {
        folder().ifPresent(folder -> System.setProperty(FOLDER, folder.toString()));
      }
      return Epoll.isAvailable();
    }
  }

  /// A folder for the library, other than the usual one; empty if that one will do, or none will.
  private static Optional<Path> folder() {
    Path usual = Path.of(System.getProperty("java.io.tmpdir", "/tmp"));
    if (permitsRunning(usual)) {
      return Optional.empty();
    }
    return Stream.of(
            System.getenv("XDG_RUNTIME_DIR"),
            System.getenv("RUNTIME_DIRECTORY"),
            "/run",
            "/var/tmp",
            "/dev/shm",
            System.getProperty("user.home"))
        .filter(name -> name != null && name.startsWith("/"))
        .map(Path::of)
        .filter(folder -> Files.isWritable(folder) && permitsRunning(folder))
        .findFirst();
  }

  /// True if the file system of a folder is not mounted noexec.
  private static boolean permitsRunning(Path folder) {
    try {
      Path real = folder.toRealPath();
      String options = "";
      int longest = -1;
      // 36 35 98:0 /root /mount/point rw,noexec …
      List<String> mounts = Files.readAllLines(MOUNTS, StandardCharsets.ISO_8859_1);
      for (String mount : mounts) {
        String[] words = mount.split(" ", 7);
        Path point = Path.of(words[4]);
        // Of several at one point the last counts.
        if (real.startsWith(point) && point.getNameCount() >= longest) {
          longest = point.getNameCount();
          options = words[5];
        }
      }
      return !List.of(options.split(",")).contains("noexec");
    } catch (IOException | RuntimeException _) {
      return true;
    }
  }
}
